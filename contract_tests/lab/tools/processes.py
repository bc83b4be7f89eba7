"""Child processes: each in a process group of its own, with few variables, bounded, and gone in the end.

A child sees only the variables that `inherited_variables` lets through, so that no key and no proxy of the
user reaches other people's code. Its group is ended as a whole, because servers have children of their own. A
group of its own does not get the terminal's Ctrl-C, so whoever starts a child ends it in `finally`, and
`ending_on_sigterm` makes SIGTERM take the same way.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
"""The variables of ours that a child sees."""
START_SECONDS = 30.0
STOP_SECONDS = 10.0
MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that are read of what a command prints."""
_QUIET = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "DO_NOT_TRACK": "1"}


class ProcessFailed(Exception):
    """A child did not start, failed, or took too long; the message says why, with its last line of output."""


def inherited_variables() -> dict[str, str]:
    """The variables of this process that a child may see."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def child_environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of a child: what it inherits, no way but the direct one, and `more`."""
    return inherited_variables() | _QUIET | ({} if home is None else {"HOME": str(home)}) | more


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[str] = subprocess.DEVNULL,
    stderr: int | IO[str] = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """Start a command in a process group of its own. Raises ProcessFailed where it cannot be run."""
    try:
        return subprocess.Popen(  # noqa: S603 the commands are the lab's own
            command,
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessFailed(f"it could not be run: {error}") from error


def stop(process: subprocess.Popen[str], grace: float | None = None) -> None:
    """End the whole group: by SIGTERM, and by SIGKILL what is left after `grace` (STOP_SECONDS) seconds.

    Returns once the child is gone. A grace of 0 kills at once.
    """
    grace = STOP_SECONDS if grace is None else grace
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # a child that is gone does not read what is still buffered
            process.stdin.close()
    try:
        if grace:
            _signal(process.pid, signal.SIGTERM)
            process.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], seconds: float, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it printed is read up to MOST_OUTPUT bytes.

    Raises ProcessFailed where it cannot be run or takes longer than `seconds`. Whatever happens, nothing of
    its group is left.
    """
    # Files, not pipes: a grandchild that holds a pipe would keep us waiting for its end.
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        process = start(command, env=env, cwd=cwd, stdout=out.fileno(), stderr=err.fileno())
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"it did not end within {seconds:g} s") from None
        finally:
            stop(process)
        return subprocess.CompletedProcess(command, process.returncode, _read(out), _read(err))


def output(command: Sequence[str | Path], *, env: Mapping[str, str], seconds: float, cwd: Path | None = None) -> str:
    """What a command prints on stdout. Raises ProcessFailed also where its exit code is not 0."""
    done = run(command, env=env, seconds=seconds, cwd=cwd)
    if done.returncode:
        raise ProcessFailed(f"it failed: {last_line(done.stderr)}")
    return done.stdout


class Running:
    """A server that is up: `process`, and the `seconds` from its start until it was ready."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self.process, self.seconds = process, seconds

    @property
    def memory(self) -> int:
        """Resident memory of the group now, in bytes; 0 where the system does not say."""
        return self._memory("VmRSS:")

    @property
    def peak_memory(self) -> int:
        """The highest resident memory of each process of the group so far, added up, in bytes."""
        return self._memory("VmHWM:")

    @property
    def cpu_seconds(self) -> float:
        """Seconds of processor time that the group took so far."""
        ticks = sum(int(fields[11]) + int(fields[12]) for _, fields in self._members())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _members(self) -> Iterator[tuple[Path, list[str]]]:
        """Each process of the group: its folder in /proc, and its `stat` from the third field on."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.process.pid:
                    yield stat.parent, fields

    def _memory(self, name: str) -> int:
        total = 0
        for folder, _ in self._members():
            with contextlib.suppress(OSError):  # it may end meanwhile
                values = (folder / "status").read_text().partition(name)[2].split(maxsplit=1)
                total += int(values[0]) * 1024 if values else 0
        return total


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    env: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    seconds: float = START_SECONDS,
    poll: float = 0.05,
) -> Iterator[Running]:
    """The command, once `ready` returns True; stopped on leaving, come what may.

    `ready` is called every `poll` seconds. What the command prints goes to `log`, which is overwritten; its
    stdin stays open as long as this process lives. Raises ProcessFailed where the command ends early, or is
    not ready within `seconds`.
    """
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as sink:
        process = start(command, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=sink, stderr=sink)
    try:
        while not ready():
            if process.poll() is not None:
                raise ProcessFailed(f"it did not start: {last_line(log.read_text('utf-8', 'replace'))}")
            if time.monotonic() - began > seconds:
                raise ProcessFailed(f"it was not ready within {seconds:g} s")
            time.sleep(poll)
        yield Running(process, time.monotonic() - began)
    finally:
        stop(process)


class LineProcess:
    """A child that answers lines on stdin with lines on stdout. Its stderr goes to `log`, if given.

    Raises ProcessFailed where it cannot be run. It ends when its stdin does, so also when we are killed.
    """

    def __init__(self, command: Sequence[str | Path], *, env: Mapping[str, str], log: Path | None = None) -> None:
        with contextlib.ExitStack() as stack:
            sink = subprocess.DEVNULL if log is None else stack.enter_context(log.open("w"))
            pipe = subprocess.PIPE
            self._process = start(command, env=env, stdin=pipe, stdout=pipe, stderr=sink)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def write(self, line: str) -> None:
        """Write a line. Raises OSError where the child is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read(self, seconds: float) -> str:
        """The next line, '' once the child has ended. Raises TimeoutError."""
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"no line within {seconds:g} s") from None

    def stop(self) -> None:
        """Kill the child: nothing that it still does is of use."""
        stop(self._process, grace=0)
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C while entered, so that every `finally` runs and no child stays.

    A shell without job control has its background ignore SIGINT: here it is heard all the same.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def last_line(text: str) -> str:
    """The last line that is not blank."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST_OUTPUT).decode("utf-8", "replace")


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
