"""Load from wrk, and the life of a server under it: start, memory, end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30.0
CONNECTIONS = 8
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)")


class LoadError(Exception):
    """A measurement that means nothing; the text says why."""


@dataclass(frozen=True)
class Running:
    """A server that is up: where, and seconds from its start to its first answer."""

    port: int
    pid: int
    ready: float

    @property
    def mebibytes(self) -> float:
        """Resident memory of the process and its children."""
        return sum(_resident(pid) for pid in _family(self.pid)) / 2**20

    @property
    def cpu(self) -> float:
        """Seconds of processor time that the process and its children took so far."""
        return sum(_worked(pid) for pid in _family(self.pid))


@contextmanager
def running(command: Sequence[str], port: int, core: int, log: Path) -> Iterator[Running]:
    """The command pinned to a core, once it answers on `port`. Raises LoadError."""
    pinned = ["taskset", "-c", str(core), *command]
    began = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(pinned, stdout=out, stderr=out, start_new_session=True)  # noqa: S603
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                raise LoadError(f"{command[0]} did not start: see {log}")
            time.sleep(0.002)
        yield Running(port, process.pid, time.perf_counter() - began)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def requests_per_second(port: int, script: Path, core: int, seconds: int) -> float:
    """What wrk, pinned to a core, gets answered. Raises LoadError where an answer was no success."""
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += ["-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)  # noqa: S603
    return rate_of(done.stdout)


def rate_of(told: str) -> float:
    """The rate that wrk tells. Raises LoadError where some answers were no success."""
    found, bad = _RATE.search(told), _BAD.search(told)
    if bad is not None:
        raise LoadError(bad[1])
    if found is None:
        raise LoadError("wrk told no rate")
    return float(found[1])


def wrk_script(path: Path, body: str) -> Path:
    """A script for wrk that posts this JSON."""
    path.write_text(
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        'wrk.headers["Authorization"] = "Bearer sk-bench"\n'
        f"wrk.body = [==[{body}]==]\n"
    )
    return path


def missing() -> list[str]:
    """Programs that are needed and not there."""
    return [name for name in ("wrk", "taskset") if shutil.which(name) is None]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return bool(connection.recv(12))
    except OSError:
        return False


def _family(pid: int) -> list[int]:
    family = [pid]
    for child in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = child.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                family += _family(int(child.parent.name))
    return family


def _worked(pid: int) -> float:
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _resident(pid: int) -> int:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
