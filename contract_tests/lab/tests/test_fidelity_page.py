"""The table as text, its place in README, and a command that survives tools that cannot be installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from contract_tests.lab.fidelity import __main__ as command
from contract_tests.lab.fidelity import page
from contract_tests.lab.fidelity.comparing import Cell, Verdict
from contract_tests.lab.fidelity.rows import MISS, ROWS, SECRETS
from contract_tests.lab.fidelity.sending import RawServer
from contract_tests.lab.fidelity.tools import OWN, Measurement, Tool
from contract_tests.lab.pages.marks import END, START, between, replaced
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed

COLUMNS = {
    OWN: {"pauses": Cell(Verdict.YES), "misses": Cell(Verdict.YES, "404"), "trailers": Cell(Verdict.YES)},
    "other 1.2": {
        "pauses": Cell(Verdict.NO, "0.8 s became 0.0 s"),
        "misses": Cell(Verdict.PARTLY, "a|b"),
        "trailers": Cell(Verdict.NOT_SHOWN),
    },
}
TABLE = """\
| what is preserved | this kit | other 1.2 |
| --- | --- | --- |
| pauses | yes | no: 0.8 s became 0.0 s |
| misses | yes (404) | partly: a\\|b |
| trailers | yes | – |"""
TOLD = """\
this kit: 3 of 3 preserved
other 1.2: 0 of 2 preserved
  pauses                                        no: 0.8 s became 0.0 s
  misses                                        partly: a|b
third: not installed: no npm"""
README = f"before\n{START}\n\nold\n\n{END}\nafter\n"


def test_the_table_reads_so() -> None:
    assert page.markdown(COLUMNS) == TABLE
    assert "\n".join(page.lines(COLUMNS, {"third": "not installed: no npm"})) == TOLD


def test_the_section_is_put_between_its_marks() -> None:
    section = page.section(COLUMNS)
    assert section.endswith(f"\n\n{TABLE}")
    assert replaced(README, section) == f"before\n{START}\n\n{section}\n\n{END}\nafter\n"
    assert between(command.README.read_text("utf-8")).startswith(section.partition("|")[0])


def test_titles_fit_and_differ() -> None:
    titles = [*(row.title for row in ROWS), MISS, SECRETS]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) < 46


@pytest.fixture
def readme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(README, "utf-8")
    monkeypatch.setattr(command, "README", path)
    return path


def tools(monkeypatch: pytest.MonkeyPatch, missing: dict[str, str], columns: object = COLUMNS) -> None:
    monkeypatch.setattr(command, "compare", lambda _: (columns, missing))


def test_it_writes_and_then_agrees(readme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(monkeypatch, {})
    stale = CliRunner().invoke(command.main, ["--check"])
    assert (stale.exit_code, "out of date" in stale.output) == (1, True)
    assert readme.read_text("utf-8") == README
    assert CliRunner().invoke(command.main, ["--write"]).exit_code == 0
    assert TABLE in readme.read_text("utf-8")
    assert CliRunner().invoke(command.main, ["--check"]).exit_code == 0


def test_a_page_is_not_written_without_all_tools_or_marks(readme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(monkeypatch, {"third": "not installed: no npm"})
    assert CliRunner().invoke(command.main, []).exit_code == 0
    result = CliRunner().invoke(command.main, ["--write"])
    assert (result.exit_code, "third could not be measured" in result.output) == (1, True)
    assert readme.read_text("utf-8") == README
    tools(monkeypatch, {})
    readme.write_text("no marks", "utf-8")
    result = CliRunner().invoke(command.main, ["--write"])
    assert (result.exit_code, "lacks the line" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("columns", "missing"),
    [({OWN: {"pauses": Cell(Verdict.NO, "gone")}}, {}), ({}, {OWN: "not measured: it failed"})],
)
def test_it_fails_where_this_kit_loses_something(
    columns: object, missing: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(monkeypatch, missing, columns)
    assert CliRunner().invoke(command.main, []).exit_code == 1


def test_one_tool_that_fails_is_no_failure_of_the_others() -> None:
    async def absent(raw: RawServer, folder: Path) -> Measurement:
        raise NotInstalled("no npm")

    async def broken(raw: RawServer, folder: Path) -> Measurement:
        raise ProcessFailed("it did not start: no luck")

    async def unreadable(raw: RawServer, folder: Path) -> Measurement:
        return Measurement({}, {}, None, (), {"a": (folder / "absent").read_bytes()})  # type: ignore[arg-type]

    columns, missing = command.compare([Tool("a", absent), Tool("b", broken), Tool("c", unreadable)])
    assert columns == {}
    assert missing["a"] == "not installed: no npm"
    assert missing["b"] == "not measured: it did not start: no luck"
    assert missing["c"].startswith("not measured: its output cannot be read:")
