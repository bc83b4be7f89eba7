"""One environment per generation of the openai SDK, so that one main() can be tried with each of them.

`constraints.txt` pins them all: its plain lines are the kit's own environment, its lines marked `# sdk:`
are the other generations, each beginning with its `openai==`.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contract_tests.lab.tools.checkout import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
ENVIRONMENTS = ROOT / ".cache" / "sdks"
OTHERS = ("openai==0.28.1", "openai>=1,<2", "openai>=2,<3")  # the seed's own, and the newest of each since
MARK = "# sdk:"
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;@]+")
INSTALL_SECONDS = 600
NPM_GIVES_UP = {
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "5000",
}
"""npm asks a registry out of reach again and again, for minutes. The user's own settings go first."""
HEADING = """\
# Exact versions: the kit's own environment, then the other generations of the openai SDK.
# Rewritten by `python -m contract_tests.lab.tools.sdks --refresh`.
"""


class SdkUnavailable(Exception):
    """An environment that cannot be built; the message says why and what to do."""


def pinned() -> dict[str, tuple[str, ...]]:
    """SDK version -> the pins of its environment, `openai==` first; the kit's own comes last.

    Raises SdkUnavailable where constraints.txt is absent or pins no openai.
    """
    if not CONSTRAINTS.is_file():
        raise SdkUnavailable(f"{CONSTRAINTS.name} is not there; run this from a checkout of the kit")
    others: dict[str, list[str]] = {}
    own: list[str] = []
    group = own
    for line in CONSTRAINTS.read_text().splitlines():
        marked = line.startswith(MARK)
        found = PIN.fullmatch(line.removeprefix(MARK).strip())
        if found and marked and found[0].startswith("openai=="):
            group = others.setdefault(found[0].partition("==")[2], [])
        if found:
            (group if marked else own).append(found[0])
    newest = [pin.partition("==")[2] for pin in own if pin.startswith("openai==")]
    if not newest:
        raise SdkUnavailable(
            f"{CONSTRAINTS.name} pins no openai; run: python -m contract_tests.lab.tools.sdks --refresh"
        )
    return {version: tuple(pins) for version, pins in others.items()} | {newest[0]: tuple(own)}


def version_of(generation: str) -> str:
    """The pinned version of a generation (`1`, `0.28`, `1.109.1`); raises SdkUnavailable where none is."""
    for version in pinned():
        if f"{version}.".startswith(f"{generation}."):
            return version
    raise SdkUnavailable(f"no openai {generation} in {CONSTRAINTS.name}; it has {', '.join(pinned())}")


def python_for(generation: str) -> Path:
    """The interpreter that has this generation; builds its environment first where it is absent or old.

    Raises SdkUnavailable where pip cannot build it.
    """
    version = version_of(generation)
    pins = pinned()[version]
    if version == list(pinned())[-1]:
        return Path(sys.executable)
    home = ENVIRONMENTS / f"openai-{version}"
    stamp, content = home / ".ready", "\n".join((sys.version, *pins))
    with one_at_a_time():
        if not (stamp.is_file() and stamp.read_text() == content):
            install(home, pins)
            stamp.write_text(content)
    return home / "bin" / "python"


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock over all environments, so that two test runs do not build the same one."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with (ENVIRONMENTS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(home: Path, requirements: Sequence[str]) -> list[str]:
    """Make a fresh environment with `requirements`; its exact pins, sorted. Raises SdkUnavailable."""
    run(sys.executable, "-m", "venv", "--clear", str(home))
    pip = (str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-input", *requirements)
    frozen = run(*pip, "freeze").splitlines()
    if odd := [line for line in frozen if not PIN.fullmatch(line)]:
        raise SdkUnavailable(f"pip froze {odd[0]!r}, which is no exact version; install from an index")
    return sorted(frozen, key=str.lower)


def run(*command: str) -> str:
    """The command's stdout; raises SdkUnavailable with the last line it complained in."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environ = NPM_GIVES_UP | kept
    try:
        done = subprocess.run(  # noqa: S603 the commands are this module's own
            command,
            env=environ,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        raise SdkUnavailable(f"{Path(command[0]).name} did not finish: {why}") from why
    if done.returncode:
        said = (line for line in done.stderr.splitlines() if line.strip() and "A complete log" not in line)
        lines = list(said) or ["it gave no reason"]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise SdkUnavailable(
            f"{' '.join(command[1:4])} failed: {errors[-1].strip()}; is a package index in reach?"
        )
    return done.stdout


def refresh() -> None:
    """Resolve everything afresh in throw-away environments and rewrite constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own = [*project["dependencies"], *project.get("optional-dependencies", {}).get("dev", [])]
    with tempfile.TemporaryDirectory() as folder:
        text = HEADING + "".join(f"{pin}\n" for pin in install(Path(folder, "own"), own))
        for place, requirement in enumerate(OTHERS):
            pins = install(Path(folder, str(place)), [requirement])
            pins.sort(key=lambda pin: not pin.startswith("openai=="))
            text += "\n" + "".join(f"{MARK} {pin}\n" for pin in pins)
    CONSTRAINTS.write_text(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Build what is missing and print one line per generation; 1 where one cannot be built."""
    parser = argparse.ArgumentParser("python -m contract_tests.lab.tools.sdks", description=__doc__)
    parser.add_argument("--only", metavar="VERSION", help="one generation: 0.28.1, 1, 2.54 ...")
    parser.add_argument(
        "--refresh", action="store_true", help="first rewrite constraints.txt with the newest"
    )
    options = parser.parse_args(argv)
    failed = False
    try:
        if options.refresh:
            refresh()
        versions = [version_of(options.only)] if options.only else list(pinned())
    except SdkUnavailable as why:
        print(f"sdks: {why}", file=sys.stderr)
        return 1
    for version in versions:
        try:
            print(f"openai {version}: {os.path.relpath(python_for(version))}", flush=True)
        except SdkUnavailable as why:
            print(f"openai {version}: {why}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
