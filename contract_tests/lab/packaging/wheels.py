"""The wheel as others get it: built, installed in environments of its own, and weighed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.environments import NotInstalled, python_environment, run_installer

WHEELS = ROOT / ".cache" / "wheels"
EXTRAS = ("", "pytest", "replay", "contract")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_WEIGH = """
import json, sys
from importlib.metadata import distributions
print(json.dumps([
    (d.name, d.version, sum(f.locate().stat().st_size for f in d.files or () if f.locate().is_file()))
    for d in distributions() if d.name not in ("pip", "setuptools")
]))
"""


@dataclass(frozen=True)
class Package:
    """An installed package and the bytes of its files, those that pip compiles included."""

    name: str
    version: str
    size: int


@cache
def build_wheel() -> Path:
    """The wheel of the checkout, below a folder that its content names. Raises NotInstalled."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_from(ROOT, Path(folder))
        home = WHEELS / hashlib.sha256(wheel.read_bytes()).hexdigest()[:16]
        home.mkdir(parents=True, exist_ok=True)
        for older in WHEELS.iterdir():
            if older != home:
                shutil.rmtree(older, ignore_errors=True)
        target = home / wheel.name
        if not target.exists():  # another worker of this run may be installing it
            part = home / f"{os.getpid()}.part"
            shutil.copy(wheel, part)
            part.rename(target)
        return target


def build_from(source: Path, folder: Path) -> Path:
    """The wheel of a checkout or an sdist, built into `folder`. Raises NotInstalled."""
    options = ("--quiet", "--no-deps", "--no-build-isolation")
    run_installer(*PIP, "wheel", *options, "--wheel-dir", str(folder), str(source))
    return next(folder.glob("*.whl"))


def build_sdist(folder: Path) -> Path:
    """The sdist of the checkout, built into `folder`. Raises NotInstalled."""
    run_installer(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder))
    return next(folder.glob("*.tar.gz"))


def install(extra: str, *requirements: str, python: str = "") -> Path:
    """The interpreter of an environment that has the wheel with an extra, and `requirements` beside it.

    `python` is a version such as 3.12, ours where it is ''. Raises NotInstalled, LookupError where there is
    no such Python.
    """
    python = "" if sys.version.startswith(f"{python}.") else python
    name = "-".join(("wheel", python, extra, *requirements)).replace("=", "").replace("--", "-").rstrip("-")
    wheel = f"{build_wheel()}[{extra}]" if extra else str(build_wheel())
    base = find_python(python) if python else Path(sys.executable)
    return python_environment(name, [wheel, *requirements], base=base)


def find_python(version: str) -> Path:
    """An interpreter of this version, from PATH or pyenv. Raises LookupError."""
    found = shutil.which(f"python{version}")
    ours = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in [*ours, *([Path(found)] if found else [])]:
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return candidate
    raise LookupError(f"there is no Python {version} on PATH or in pyenv")


def weigh(python: Path) -> list[Package]:
    """What is installed beside pip and setuptools, the heaviest first."""
    printed = processes.output([python, "-c", _WEIGH], env=processes.child_environment(), seconds=60)
    packages = [Package(*package) for package in json.loads(printed)]
    return sorted(packages, key=lambda package: -package.size)


def megabytes(packages: Sequence[Package]) -> float:
    return sum(package.size for package in packages) / 1e6


def print_weights() -> None:
    """Print a table of what each extra brings, and the packages of the bare install."""
    bare = weigh(install(""))
    print("| install | packages | MB |\n|---|--:|--:|")
    for extra in EXTRAS:
        packages = weigh(install(extra)) if extra else bare
        name = f"openai-contract-kit[{extra}]" if extra else "openai-contract-kit"
        print(f"| `{name}` | {len(packages)} | {megabytes(packages):.0f} |")
    print()
    for package in bare:
        print(f"{package.size / 1e6:6.2f} MB  {package.name} {package.version}")


def main() -> int:
    try:
        print_weights()
    except NotInstalled as error:
        print(f"packaging: {error}", file=sys.stderr)
        return 1
    return 0
