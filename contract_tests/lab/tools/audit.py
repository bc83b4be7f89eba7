"""Looks up the pinned versions in a database of advisories: `python -m contract_tests.lab.tools.audit`.

Exit code 0: nothing was found, or the advisories are out of reach here, which one line says; 1: a version has one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract_tests.lab.tools.environments import NotInstalled, python_environment
from contract_tests.lab.tools.sdks import load_pins

PIP_AUDIT = "pip-audit==2.10.1"
SECONDS = 120.0


def main() -> int:
    """Look up the pins of the kit and of every generation of the SDK."""
    try:
        python = python_environment("audit", [PIP_AUDIT])
        sections = load_pins()
    except NotInstalled as error:
        print(f"audit     nothing was looked up: {' '.join(str(error).split())}")
        return 0
    code = 0
    for version, pins in sections.items():
        found = look_up(python, pins)
        if all("skip_reason" in entry for entry in found):
            print("audit     the advisories are out of reach here; nothing was looked up")
            return code
        print(f"audit     openai {version}, {len(pins)} versions: {describe(found)}")
        code = code or int(bool(advisories(found)))
    return code


def look_up(python: Path, pins: Sequence[str]) -> list[Mapping[str, Any]]:
    """What pip-audit says of each pin, [] where it cannot say anything."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pins.txt"
        file.write_text("".join(f"{pin}\n" for pin in pins))
        command = [str(python), "-m", "pip_audit", "-r", str(file), "--no-deps", "--disable-pip", "-f", "json"]
        try:
            done = subprocess.run(  # noqa: S603 - our own environment
                [*command, "--progress-spinner", "off"], capture_output=True, text=True, timeout=SECONDS, check=False
            )
            listed = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, LookupError, TypeError):
            return []
    return listed if isinstance(listed, list) else []


def advisories(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """`name version: ID, mended in …` for each advisory."""
    return [
        f"{entry['name']} {entry['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for entry in found
        for fault in entry.get("vulns", ())
    ]


def describe(found: Sequence[Mapping[str, Any]]) -> str:
    """One line about what was found."""
    faults = advisories(found)
    left = sum("skip_reason" in entry for entry in found)
    return ("; ".join(faults) or "no advisory") + (f" ({left} were not found there)" if left else "")


if __name__ == "__main__":
    sys.exit(main())
