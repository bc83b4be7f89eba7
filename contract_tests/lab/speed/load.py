"""Servers pinned to a core, and load on them from wrk."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.processes import Running

CONNECTIONS = 8
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)")


class LoadError(Exception):
    """A measurement that means nothing; the message says why."""


def serving(command: Sequence[str], port: int, core: int, log: Path) -> AbstractContextManager[Running]:
    """The command pinned to a core, once it answers on `port`. Raises ProcessFailed."""
    return processes.running(
        ["taskset", "-c", str(core), *command],
        ready=lambda: _answers(port),
        env=processes.child_environment(),
        log=log,
        poll=0.002,
    )


def requests_per_second(port: int, script: Path, core: int, seconds: int) -> float:
    """The rate that wrk, pinned to a core, reaches. Raises LoadError where a reply was no success."""
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += ["-s", str(script), url]
    done = processes.run(command, env=processes.child_environment(), seconds=seconds + 30)
    return rate_of(done.stdout)


def rate_of(output: str) -> float:
    """The rate in wrk's output. Raises LoadError where it has none, or some replies were no success."""
    rate, bad = _RATE.search(output), _BAD.search(output)
    if bad is not None:
        raise LoadError(bad[1])
    if rate is None:
        raise LoadError("wrk printed no rate")
    return float(rate[1])


def wrk_script(path: Path, body: str) -> Path:
    """Write a script that has wrk post this JSON; returns its path."""
    path.write_text(
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        'wrk.headers["Authorization"] = "Bearer sk-bench"\n'
        f"wrk.body = [==[{body}]==]\n"
    )
    return path


def missing_programs() -> list[str]:
    """The programs that are needed and not on PATH."""
    return [name for name in ("wrk", "taskset") if shutil.which(name) is None]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return bool(connection.recv(12))
    except OSError:
        return False
