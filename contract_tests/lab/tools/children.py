"""Other tools in environments of their own below .cache/fidelity, as child processes that end in time."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.sdks import SdkUnavailable, install, run
from contract_tests.lab.tools.starting import stop

ENVIRONMENTS = ROOT / ".cache" / "fidelity"
START_SECONDS = 20.0
RUN_SECONDS = 60.0
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


class NotInstalled(Exception):
    """A tool that cannot be had here; the text says why."""


class ToolFailed(Exception):
    """A tool that did not start or did not do its work in time; the text says what it said last."""


def python_with(name: str, pins: Sequence[str]) -> Path:
    """The interpreter of an environment with these packages, made where it is absent. Raises NotInstalled."""
    home = ENVIRONMENTS / name
    stamp, content = home / ".ready", "\n".join((sys.version, *pins))
    if not (stamp.is_file() and stamp.read_text() == content):
        try:
            install(home, pins)
        except SdkUnavailable as error:
            raise NotInstalled(str(error)) from error
        stamp.write_text(content)
    return home / "bin" / "python"


def node_script(name: str, package: str, version: str, script: str) -> list[str]:
    """The command that runs a script of a package from npm, installed where absent. Raises NotInstalled."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        raise NotInstalled("it needs node and npm on PATH")
    home = ENVIRONMENTS / name
    stamp = home / ".ready"
    if not (stamp.is_file() and stamp.read_text() == version):
        home.mkdir(parents=True, exist_ok=True)
        try:
            run(npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", f"{package}@{version}")
        except SdkUnavailable as error:
            raise NotInstalled(str(error)) from error
        stamp.write_text(version)
    return [node, str(home / "node_modules" / package / script)]


@asynccontextmanager
async def serving(command: Sequence[str], port: int, folder: Path) -> AsyncIterator[None]:
    """The command in a process group of its own, once something listens on `port`; ended on leaving.

    What it says goes to log.txt in `folder`. Raises ToolFailed.
    """
    process = _started(command, folder)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not await _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ToolFailed(f"it did not start: {_last_line(folder)}")
            await asyncio.sleep(0.05)
        yield
    finally:
        await asyncio.to_thread(stop, process)


async def output_of(command: Sequence[str], folder: Path) -> str:
    """What a command prints. Raises ToolFailed where it fails or takes longer than RUN_SECONDS."""
    return await asyncio.to_thread(_output_of, command, folder)


def _output_of(command: Sequence[str], folder: Path) -> str:
    process = _started(command, folder, subprocess.PIPE)
    try:
        said, _ = process.communicate(timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        raise ToolFailed(f"it did not end within {RUN_SECONDS:g} s") from None
    finally:
        stop(process)
    if process.returncode:
        raise ToolFailed(f"it failed: {_last_line(folder)}")
    return said


def _started(command: Sequence[str], folder: Path, stdout: int | None = None) -> subprocess.Popen[str]:
    with (folder / "log.txt").open("a") as log:
        try:
            return subprocess.Popen(  # noqa: S603 the commands are this package's own
                command,
                env=_environ(folder),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolFailed(f"it could not be run: {error}") from error


def _environ(folder: Path) -> Mapping[str, str]:
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environ | {"HOME": str(folder), "NO_PROXY": "127.0.0.1", "DO_NOT_TRACK": "1"}


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _last_line(folder: Path) -> str:
    lines = [line.strip() for line in (folder / "log.txt").read_text(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it gave no reason")
