"""The pins of the SDK generations, and what happens when an environment cannot be built."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.lab.tools import environments, processes, sdks
from contract_tests.lab.tools.checkout import CONSTRAINTS
from contract_tests.lab.tools.environments import NotInstalled

TEXT = """\
# a comment
httpx2==2.0
openai==3.54.0
# sdk: openai==0.28.1
# sdk: requests==2.34.2
# sdk: openai==1.109.1
# sdk: httpx==0.28.1
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "constraints.txt").write_text(TEXT)
    monkeypatch.setattr(sdks, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    return tmp_path


def test_the_pins_are_grouped_by_generation(checkout: Path) -> None:
    assert sdks.load_pins() == {
        "0.28.1": ("openai==0.28.1", "requests==2.34.2"),
        "1.109.1": ("openai==1.109.1", "httpx==0.28.1"),
        "3.54.0": ("httpx2==2.0", "openai==3.54.0"),
    }


@pytest.mark.parametrize(("asked", "found"), [("0.28", "0.28.1"), ("1", "1.109.1"), ("3.54.0", "3.54.0")])
def test_a_generation_is_named_by_its_start(checkout: Path, asked: str, found: str) -> None:
    assert sdks.version_of(asked) == found


def test_an_unknown_generation_names_what_there_is(checkout: Path) -> None:
    with pytest.raises(NotInstalled, match=r"no openai 2 in constraints.txt; it has 0\.28\.1, 1\.109\.1"):
        sdks.version_of("2")


def test_the_kit_itself_has_the_newest(checkout: Path) -> None:
    assert sdks.python_for("3") == Path(sys.executable)


def test_an_environment_is_built_once_and_again_when_its_pins_change(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[tuple[str, ...]] = []

    def create(home: Path, pins: tuple[str, ...], seconds: float, base: object) -> None:
        home.mkdir(parents=True, exist_ok=True)
        built.append(pins)

    monkeypatch.setattr(environments, "create", create)
    assert sdks.python_for("0.28.1") == sdks.python_for("0")
    assert sdks.python_for("0") == checkout / "openai-0.28.1" / "bin" / "python"
    assert built == [("openai==0.28.1", "requests==2.34.2")]
    (checkout / "constraints.txt").write_text(TEXT.replace("2.34.2", "2.34.3"))
    sdks.python_for("0")
    assert built[1:] == [("openai==0.28.1", "requests==2.34.3")]


def test_a_failure_is_one_line(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(command: tuple[str, ...], **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: hm\nERROR: No matching distribution\nhint\n")

    monkeypatch.setattr(processes, "run", failing)
    assert sdks.main(["--only", "1"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    python = Path(sys.executable).name
    assert err.startswith(f"openai 1.109.1: {python} -m venv failed: ERROR: No matching distribution; ")
    assert err.count("\n") == 1


def test_no_constraints(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "constraints.txt").unlink()
    assert sdks.main([]) == 1
    assert "constraints.txt is not there; run this from a checkout" in capsys.readouterr().err


def test_the_committed_pins() -> None:
    versions = list(sdks.load_pins())
    assert [version.split(".")[0] for version in versions[:3]] == ["0", "1", "2"]
    assert versions[0] == "0.28.1"
    assert len(versions) == 4
    lines = CONSTRAINTS.read_text().splitlines()
    assert all(re.fullmatch(r"(# sdk: )?\S+==\S+|# .*|", line) for line in lines)
    assert not [line for line in lines if "://" in line or "contract-kit" in line]
