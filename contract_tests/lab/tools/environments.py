"""Environments for other people's packages, one folder each below .cache/environments.

Each is built once, with a stamp that says what it was built from; it is built again for other pins, another
Python or another Node. A lock per environment keeps two runs from building the same one at once.
"""

from __future__ import annotations

import ensurepip
import fcntl
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import ROOT

ENVIRONMENTS = ROOT / ".cache" / "environments"
INSTALL_SECONDS = 600.0
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;@]+")
_NPM_GIVES_UP = {
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "5000",
}
"""By default npm retries a registry out of reach for minutes. The user's own settings override these."""
_NPM_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund")


class NotInstalled(Exception):
    """An environment cannot be built here; the message says why and what to do."""


def python_environment(
    name: str,
    requirements: Sequence[str],
    pins: Path | None = None,
    seconds: float = INSTALL_SECONDS,
    *,
    base: Path = Path(sys.executable),
) -> Path:
    """The interpreter of an environment with these requirements, in the versions of the file `pins` if given.

    `base` is the Python that it is made with. Raises NotInstalled where pip cannot build it, or a step takes
    longer than `seconds`.
    """
    home = ENVIRONMENTS / name
    content = "\n".join((sys.version, str(base), *requirements, pins.read_text("utf-8") if pins else ""))
    options = ("--constraint", str(pins)) if pins else ()
    build_once(home, content, lambda: create(home, (*options, *requirements), seconds, base))
    return home / "bin" / "python"


def unpacked_source(name: str, requirement: str, seconds: float = INSTALL_SECONDS) -> Path:
    """The folder of a package's source, with its tests, as it is published. Raises NotInstalled."""
    home = ENVIRONMENTS / name
    package = requirement.partition("==")[0]

    def build() -> None:
        _empty(home)
        options = ("--quiet", "--no-deps", "--no-binary", package, "--dest", str(home))
        run_installer(sys.executable, "-m", "pip", "download", requirement, *options, seconds=seconds)
        (archive,) = home.glob("*.tar.gz")
        unpack(archive, home)
        archive.unlink()

    build_once(home, requirement, build)
    (folder,) = (path for path in home.iterdir() if path.is_dir())
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of an archive that stay in the folder: before 3.11.4, Python has no filter that sees to it."""
    root = folder.resolve()
    with tarfile.open(archive) as source:
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        for each in source:
            if each.isfile() and (root / each.name).resolve().is_relative_to(root):
                source.extract(each, root, **options)


def node_environment(name: str, packages: Sequence[str], seconds: float = INSTALL_SECONDS) -> Path:
    """A folder whose `node_modules` holds these packages, each `name@version`; no install script is run.

    Raises NotInstalled where node or npm is missing, or npm fails.
    """
    home = ENVIRONMENTS / name

    def build() -> None:
        _empty(home)
        (home / "package.json").write_text("{}")
        run_installer("npm", "install", "--prefix", str(home), *_NPM_QUIET, *packages, seconds=seconds)

    build_once(home, "\n".join((_node_version(), *packages)), build)
    return home


def locked_node_environment(name: str, source: Path, seconds: float = INSTALL_SECONDS) -> Path:
    """Like `node_environment`, with the packages of package.json and package-lock.json in `source`."""
    home, files = ENVIRONMENTS / name, [source / "package.json", source / "package-lock.json"]

    def build() -> None:
        _empty(home)
        for file in files:
            shutil.copy(file, home)
        run_installer("npm", "ci", "--prefix", str(home), *_NPM_QUIET, seconds=seconds)

    build_once(home, "\n".join((_node_version(), *(file.read_text("utf-8") for file in files))), build)
    return home


def remove(name: str) -> None:
    """Remove an environment, so that it is built again."""
    shutil.rmtree(ENVIRONMENTS / name, ignore_errors=True)


def create(
    home: Path,
    arguments: Sequence[str],
    seconds: float = INSTALL_SECONDS,
    base: Path = Path(sys.executable),
) -> None:
    """Make a fresh environment of `base` in `home` and have pip install `arguments`. Raises NotInstalled."""
    run_installer(str(base), "-m", "venv", "--clear", "--without-pip", str(home), seconds=seconds)
    _pip(home, "install", "--quiet", "--no-input", *arguments, seconds=seconds)


def freeze(home: Path) -> list[str]:
    """The exact pins of what is installed in `home` beside the kit, sorted.

    Raises NotInstalled where a package has none.
    """
    pins = _pip(home, "freeze", "--exclude", "openai-contract-kit").splitlines()
    if inexact := [pin for pin in pins if not PIN.fullmatch(pin)]:
        raise NotInstalled(f"pip froze {inexact[0]!r}, which is no exact version; install from an index")
    return sorted(pins, key=str.lower)


def run_installer(*command: str, seconds: float = INSTALL_SECONDS) -> str:
    """The stdout of a command that installs; it sees the user's variables, which name indexes and proxies.

    Raises NotInstalled with the last line of its errors.
    """
    hidden = ("PYTHONPATH", "PYTHONHOME")
    environ = _NPM_GIVES_UP | {name: value for name, value in os.environ.items() if name not in hidden}
    arguments = takewhile(lambda argument: not argument.startswith("--"), command[1:])
    shown = " ".join((Path(command[0]).name, *arguments))
    try:
        done = processes.run(command, env=environ, seconds=seconds)
    except processes.ProcessFailed as error:
        raise NotInstalled(f"{shown}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "A complete log" not in line]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        reason = processes.last_line("\n".join(errors))
        raise NotInstalled(f"{shown} failed: {reason}; is a package index in reach?")
    return done.stdout


def _pip(home: Path, *arguments: str, seconds: float = INSTALL_SECONDS) -> str:
    """Run pip for `home`. One pip serves every environment: to install it into each takes longer than most packages."""
    options = ("--python", str(home / "bin" / "python"), "--disable-pip-version-check")
    return run_installer(str(_python_with_pip()), "-m", "pip", *options, *arguments, seconds=seconds)


def _python_with_pip() -> Path:
    """The interpreter of an environment with a pip whose resolver is right.

    The resolver of pip before 24 finds conflicts among pins where there are none.
    """
    home = ENVIRONMENTS / "pip"
    python = home / "bin" / "python"

    def build() -> None:
        run_installer(sys.executable, "-m", "venv", "--clear", str(home))
        if int(ensurepip.version().partition(".")[0]) < 24:
            run_installer(str(python), "-m", "pip", "install", "--quiet", "--no-input", "--upgrade", "pip")

    build_once(home, sys.version, build)
    return python


def build_once(home: Path, content: str, build: Callable[[], None]) -> None:
    """Build `home` under a lock, unless its stamp says that it was built from `content`."""
    stamp = home / ".built-from"
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f".{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.is_file() and stamp.read_text("utf-8") == content):
            build()
            stamp.write_text(content, "utf-8")


def _empty(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)


def _node_version() -> str:
    if not (shutil.which("node") and shutil.which("npm")):
        raise NotInstalled("it needs node and npm on PATH")
    return run_installer("node", "--version")
