"""Projects that use the kit as installed: their own names, any SDK or none, mypy, every Python here."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.packaging import wheels
from contract_tests.lab.tests import wheel_project
from contract_tests.lab.tests.wheel_project import index, project, python, serving
from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.lab.tools.sdks import version_of

__all__ = ["index", "project", "python", "serving"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("index")]

PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
SUITE = "openai_contract_kit.contract_tests"


def with_sdk(generation: str) -> Path:
    """An environment with the suite, the replay and a generation of the SDK."""
    return wheels.install("contract,replay", f"openai=={version_of(generation)}")


def test_a_project_without_openai(project: Path) -> None:
    (project / "contract_tests" / "test_replay.py").unlink()
    done = wheel_project.run(project, wheels.install("pytest"), *PYTEST)
    assert "3 passed, 1 error" in done.stdout, done.stdout
    assert "\nthe fixture fake_openai needs openai 1 or newer: pip install openai\n" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("generation", ["1.109", "2.54", "3"])
def test_a_project_with_openai(project: Path, generation: str) -> None:
    done = wheel_project.run(project, with_sdk(generation), *PYTEST)
    assert "5 passed" in done.stdout, done.stdout
    offline = wheel_project.run(project, with_sdk(generation), "contract", "offline")
    assert (offline.returncode, offline.stderr) == (0, ""), offline.stdout


def test_a_project_on_each_python(project: Path, python: str) -> None:
    installed = wheels.install("contract,replay", python=python)
    done = wheel_project.run(project, installed, *PYTEST)
    assert "5 passed" in done.stdout, done.stdout
    offline = wheel_project.run(project, installed, "contract", "offline")
    assert (offline.returncode, offline.stderr) == (0, ""), offline.stdout


def test_shapes_alone_depend_on_the_sdk(project: Path) -> None:
    """Older types know fewer members, so fewer can be wrong; everything else is judged alike."""

    def judge(generation: str) -> set[tuple[str, str, str]]:
        command = ("contract", "judge", str(FIXTURES), "--all", "--json", "report.json")
        done = wheel_project.run(project, with_sdk(generation), *command)
        assert done.returncode == 1, done.stderr
        report: dict[str, Any] = json.loads((project / "report.json").read_text("utf-8"))
        return {(finding["in"], finding["rule"], json.dumps(finding["at"])) for finding in report["findings"]}

    newest = judge("3")
    for generation in ("1.109", "2.54"):
        older = judge(generation)
        assert older <= newest
        assert all(rule.endswith(".shape") for _, rule, _ in newest - older)


def test_the_suite_as_pytest_items(project: Path, serving: str) -> None:
    idle = wheel_project.run(project, with_sdk("3"), "python", "-m", "pytest", "--pyargs", SUITE)
    assert "contract: no case is collected without --target URL" in idle.stdout
    target = ("--pyargs", SUITE, "--target", serving)
    done = wheel_project.run(project, with_sdk("3"), *PYTEST, *target)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[12]\d\d passed", done.stdout), done.stdout
    one = wheel_project.run(project, with_sdk("1.109"), *PYTEST, *target, "--select", "models.")
    assert re.search(r"\b\d passed", one.stdout), one.stdout
    without = wheel_project.run(project, wheels.install("pytest"), *PYTEST, *target)
    assert without.returncode == 4
    assert "pip install 'openai-contract-kit[contract]'" in without.stderr
    assert without.stderr.strip().count("\n") == 0


def test_contract_run(project: Path, serving: str) -> None:
    done = wheel_project.run(project, with_sdk("2.54"), "contract", "run", serving)
    assert done.returncode == 0, done.stdout
    as_module = wheel_project.run(project, with_sdk("2.54"), "python", "-m", SUITE, "rules", "--help")
    assert as_module.returncode == 0


def test_mypy_sees_the_types(project: Path) -> None:
    (project / "typed.py").write_text(wheel_project.TYPED)
    mypy = ("-m", "mypy", "--strict", "--python-executable", str(wheels.install("pytest")), "typed.py")
    done = wheel_project.run(project, Path(sys.executable), "python", *mypy)
    lines = [line.partition(": ")[2] for line in done.stdout.splitlines()]
    assert lines[0] == 'note: Revealed type is "str"', done.stdout
    assert '"seed" to "FakeServer" has incompatible type "str"' in lines[1]
    assert '"FakeServer" has no attribute "no_such_method"' in lines[2]
    assert lines[3].startswith("Found 2 errors") or "Found 2 errors" in done.stdout
