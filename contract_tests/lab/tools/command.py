"""The contract command in this process: as a program of its own, without the second its start takes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from unittest import mock

from contract_tests.cli import main
from contract_tests.lab.tools.checkout import ROOT
from fake_server.ending import SIGNALS


def run_contract(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What `contract` prints and its exit code, run in the checkout with these variables added."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            chdir(ROOT),
            mock.patch.dict(os.environ, environ),
            mock.patch.object(sys, "argv", ["contract", *argv]),
        ):
            main()
    except SystemExit as done:
        code = int(done.code or 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(["contract", *argv], code, out.getvalue(), err.getvalue())
