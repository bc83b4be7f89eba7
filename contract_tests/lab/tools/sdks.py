"""One environment per generation of the openai SDK, so that one main() can be tried with each of them.

`constraints.txt` pins them all: its plain lines are the kit's own environment, its lines marked `# sdk:`
are the other generations, each beginning with its `openai==`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contract_tests.lab.tools import environments
from contract_tests.lab.tools.checkout import CONSTRAINTS, ROOT
from contract_tests.lab.tools.environments import PIN, NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm

OTHERS = ("openai==0.28.1", "openai>=1,<2", "openai>=2,<3")  # the seed's own, and the newest of each since
MARK = "# sdk:"
HEADING = """\
# Exact versions: the kit's own environment, then the other generations of the openai SDK.
# Rewritten by `python -m contract_tests.lab.tools.sdks --refresh`.
"""


def load_pins() -> dict[str, tuple[str, ...]]:
    """SDK version -> the pins of its environment, `openai==` first; the kit's own comes last.

    Raises NotInstalled where constraints.txt is absent or pins no openai.
    """
    if not CONSTRAINTS.is_file():
        raise NotInstalled(f"{CONSTRAINTS.name} is not there; run this from a checkout of the kit")
    older_pins: dict[str, list[str]] = {}
    own: list[str] = []
    group = own
    for line in CONSTRAINTS.read_text().splitlines():
        marked = line.startswith(MARK)
        pin = PIN.fullmatch(line.removeprefix(MARK).strip())
        if pin and marked and pin[0].startswith("openai=="):
            group = older_pins.setdefault(pin[0].partition("==")[2], [])
        if pin:
            (group if marked else own).append(pin[0])
    newest = [pin.partition("==")[2] for pin in own if pin.startswith("openai==")]
    if not newest:
        raise NotInstalled(f"{CONSTRAINTS.name} pins no openai; run: python -m contract_tests.lab.tools.sdks --refresh")
    return {version: tuple(pins) for version, pins in older_pins.items()} | {newest[0]: tuple(own)}


def version_of(generation: str) -> str:
    """The pinned version of a generation (`1`, `0.28`, `1.109.1`); raises NotInstalled where none is."""
    for version in load_pins():
        if f"{version}.".startswith(f"{generation}."):
            return version
    raise NotInstalled(f"no openai {generation} in {CONSTRAINTS.name}; it has {', '.join(load_pins())}")


def python_for(generation: str) -> Path:
    """The interpreter that has this generation; builds its environment first where it is absent or old.

    Raises NotInstalled where pip cannot build it.
    """
    version = version_of(generation)
    if version == list(load_pins())[-1]:
        return Path(sys.executable)
    return environments.python_environment(f"openai-{version}", load_pins()[version])


def refresh() -> None:
    """Resolve everything in throw-away environments and rewrite constraints.txt. Raises NotInstalled."""
    with tempfile.TemporaryDirectory() as folder:
        text = HEADING + "".join(f"{pin}\n" for pin in _resolve(Path(folder, "own"), [f"{ROOT}[dev]"]))
        for place, requirement in enumerate(OTHERS):
            pins = _resolve(Path(folder, str(place)), [requirement])
            pins.sort(key=lambda pin: not pin.startswith("openai=="))
            text += "\n" + "".join(f"{MARK} {pin}\n" for pin in pins)
    CONSTRAINTS.write_text(text)


def _resolve(home: Path, requirements: Sequence[str]) -> list[str]:
    environments.create(home, requirements)
    return environments.freeze(home)


def main(argv: Sequence[str] | None = None) -> int:
    """Build what is missing and print one line per generation; 1 where one cannot be built."""
    parser = argparse.ArgumentParser("python -m contract_tests.lab.tools.sdks", description=__doc__)
    parser.add_argument("--only", metavar="VERSION", help="one generation: 0.28.1, 1, 2.54 ...")
    parser.add_argument("--refresh", action="store_true", help="first rewrite constraints.txt with the newest")
    options = parser.parse_args(argv)
    with ending_on_sigterm():
        return _build(options.only, refreshing=options.refresh)


def _build(only: str | None, *, refreshing: bool) -> int:
    try:
        if refreshing:
            refresh()
        versions = [version_of(only)] if only else list(load_pins())
    except NotInstalled as error:
        print(f"sdks: {error}", file=sys.stderr)
        return 1
    failed = False
    for version in versions:
        try:
            print(f"openai {version}: {os.path.relpath(python_for(version))}", flush=True)
        except NotInstalled as error:
            print(f"openai {version}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
