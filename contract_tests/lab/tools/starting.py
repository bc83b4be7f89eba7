"""Install and run one server by its script: in a process group of its own, each step within a limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from contract_tests.lab.interop.catalogue import KEY, Server

STOP_SECONDS = 10.0
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
_QUIET = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "DO_NOT_TRACK": "1"}


class NotStarted(Exception):
    """A server that could not be installed or started; the text says which step and why."""


class Running:
    """A server that answers at `base_url` (with `/v1`)."""

    def __init__(self, server: Server, port: int, group: int, seconds: float) -> None:
        self.server, self.group, self.seconds = server, group, seconds
        self.base_url = f"http://127.0.0.1:{port}/v1"

    @property
    def memory(self) -> int:
        """Peak resident memory of all its processes so far, in bytes; 0 where the system does not tell."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                if os.getpgid(int(status.parent.name)) == self.group:
                    line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM:"))
                    total += int(line.split()[1]) * 1024
        return total


def install(server: Server) -> float:
    """Install what its pins say, unless it is there; the seconds it took. Raises NotStarted."""
    began = time.monotonic()
    if server.missing:
        raise NotStarted(f"it needs {' and '.join(server.missing)} on PATH")
    process = _start(server, "install", environ={**os.environ, "PYTHON": sys.executable})
    try:
        _, said = process.communicate(timeout=server.install_seconds)
    except subprocess.TimeoutExpired:
        raise NotStarted(f"the install did not end within {server.install_seconds:g} s") from None
    finally:
        stop(process)
    if process.returncode:
        raise NotStarted(f"the install failed: {_last_line(said)}")
    return time.monotonic() - began


@contextlib.contextmanager
def serving(server: Server, upstream: str) -> Iterator[Running]:
    """The server with `upstream` (a base URL with `/v1`) behind it; stopped on leaving, come what may.

    Raises NotStarted where it is not ready within its limit.
    """
    began, port = time.monotonic(), free_port()
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environ |= {**_QUIET, "HOME": str(server.home / "home"), "PYTHON": sys.executable, "SERVER_KEY": KEY}
    process = _start(server, "serve", str(port), upstream, environ=environ)
    try:
        _await_ready(process, server.start_seconds)
        yield Running(server, port, process.pid, time.monotonic() - began)
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End the whole process group, by force where it does not go; returns once the script is gone."""
    _signal(process.pid, signal.SIGTERM)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def _start(server: Server, action: str, *more: str, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 the scripts are the kit's own
            ["bash", str(server.script), action, str(server.home), *more],  # noqa: S607 bash of the system
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise NotStarted(f"its script could not be run: {error}") from error


def _await_ready(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait for READY on stdout."""
    assert process.stdout is not None
    assert process.stderr is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        if not ready.select(seconds):
            raise NotStarted(f"it was not ready within {seconds:g} s")
    if process.stdout.readline().strip() != "READY":
        process.wait(STOP_SECONDS)
        raise NotStarted(f"it did not start: {_last_line(process.stderr.read())}")


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
