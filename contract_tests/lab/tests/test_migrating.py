"""MIGRATING.md: every test before and after passes, and every command prints what the page says.

What needs VCR.py is run by `make uses`.
"""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from contract_tests.lab.suites import uses

TEXT = uses.text(uses.MIGRATING)


@pytest.mark.slow
def test_every_test_before_and_after_passes(tmp_path: Path) -> None:
    uses.write(TEXT, tmp_path)
    for command in uses.commands(TEXT):
        done = uses.run(shlex.split(command.line), tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert command.prints(done.stdout), f"{command.line} prints:\n{done.stdout}"
    tests = sorted(name for name in uses.files(TEXT) if name.startswith("test_") and name != uses.WITH_VCR)
    done = uses.run(["pytest", "-q", *tests], tmp_path)
    assert f"{len(tests)} passed" in done.stdout, done.stdout


def test_every_block_is_run() -> None:
    blocks = re.findall(r"^```\w+$", TEXT, re.MULTILINE)
    assert len(blocks) == len(uses.files(TEXT)) + len(list(uses.commands(TEXT)))
    assert uses.WITH_VCR in uses.files(TEXT)
    for name, content in uses.files(TEXT).items():
        if name.endswith(".py"):
            ast.parse(content)
