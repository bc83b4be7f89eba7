"""No text gives the runner of a CI job an order, however it is cut into writes; the kit's own commands do."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import pytest

from fake_server import job_log
from fake_server.job_log import JobLog, print_commands

ORDERS = (
    "::error::x",
    "  ::set-output name=a::b",
    "\t::stop-commands::t",
    "\u00a0::add-mask::a",
    "text ##[error]x",
    "##[group]x",
    "###[debug]",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildProblem]",
)
HARMLESS = (
    "a::b",
    "std::vector",
    "x ::error::",
    "## heading",
    "#1 [x]",
    "### [x](y)",
    ":",
    ": :",
    "",
    "ä 😀",
    "# #[a]",
)


def is_order(line: str) -> bool:
    """As GitHub's runner reads a line, and Azure's and TeamCity's."""
    marks = ("##[", "##vso[", "##teamcity[")
    return line.lstrip().startswith("::") or any(mark in line for mark in marks)


def written(*parts: str) -> str:
    stream = io.StringIO(newline="")
    log = JobLog(stream)
    for part in parts:
        assert log.write(part) == len(part)
    return stream.getvalue()


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("text", ORDERS)
def test_an_order_is_text_wherever_it_is_cut(text: str) -> None:
    assert is_order(text)
    for whole in (text, f"before\n{text}\nafter\n", f"before\r{text}", f"  \n{text}"):
        for at in range(len(whole) + 1):
            said = written(whole[:at], whole[at:])
            assert not any(map(is_order, said.replace("\r", "\n").split("\n"))), (at, said)
            assert said.replace(" ", "") == whole.replace(" ", "")
        assert not any(map(is_order, written(*whole).replace("\r", "\n").split("\n")))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_order_stays_as_it_is(text: str) -> None:
    for whole in (text, f"{text}\n{text}"):
        assert written(whole) == written(*whole) == whole


@pytest.mark.security("hostile targets")
def test_texts_of_such_marks_at_random() -> None:
    choice = random.Random(1)
    for _ in range(5_000):
        parts = ["".join(choice.choices(":#[ va\n\r\t", k=choice.randrange(6))) for _ in range(4)]
        said = written(*parts)
        lines = said.replace("\r", "\n").split("\n")
        assert not any(is_order(line.replace("##va[", "")) for line in lines), (parts, said)
        if not any(map(is_order, "".join(parts).replace("\r", "\n").split("\n"))) and "##" not in "".join(parts):
            assert said == "".join(parts)


def test_the_commands_of_the_kit_are_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", JobLog(stream))
    print("::error::of a target")
    print_commands("::error::of the kit\n")
    print("::error::of a target")
    assert stream.getvalue().splitlines() == [": :error::of a target", "::error::of the kit", ": :error::of a target"]


@pytest.mark.parametrize("name", ["", *job_log.RUNNERS])
def test_streams_are_guarded_in_a_job_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for runner in job_log.RUNNERS:
        monkeypatch.delenv(runner, raising=False)
    if name:
        monkeypatch.setenv(name, "true")
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.StringIO())
    job_log.guard()
    assert [isinstance(stream, JobLog) for stream in (sys.stdout, sys.stderr)] == [bool(name)] * 2


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize(("module", "word"), [("contract_tests", "judge"), ("fake_server", "--scripts")])
def test_what_a_command_says_of_a_hostile_file_is_no_order(tmp_path: Path, module: str, word: str) -> None:
    hostile = tmp_path / "::error::x ##[error]y.yaml"
    done = subprocess.run(
        [sys.executable, "-m", module, word, str(hostile)],
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).parents[2]), "GITHUB_ACTIONS": "true", "COLUMNS": "30"},
        check=False,
    )
    assert done.returncode == 2
    assert "# #[error]y" in done.stderr
    assert not any(map(is_order, (done.stdout + done.stderr).splitlines()))
