"""The table of providers: what it counts, how it is written, and that the page has the form of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract_tests.lab.compatibility import __main__ as command
from contract_tests.lab.compatibility.page import NOT_READ, as_markdown, outdated_readings, tally, unread_findings
from contract_tests.lab.pages.marks import END, START, DocumentError, between, replaced
from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.recordings.recording import InputError, Recording
from contract_tests.recordings.tally import SECTIONS, Tally, as_text
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import SHARED, needs_recordings
from fake_server.wire import fixture

PAGE = command.PAGE.read_text("utf-8")


def _recording(path: str, provider: str) -> Recording:
    return Recording(fixture.load(FIXTURES / path).exchange, provider, "chat/completions")


@pytest.fixture(scope="module")
def small() -> Tally:
    return tally(
        [
            _recording("conforming/poem-dict.yaml", "good"),
            _recording("conforming/poem-stream.yaml", "good"),
            _recording("broken/chat.created.yaml", "bad"),
            _recording("conforming/poem-dict.yaml", "bad"),
            _recording("broken/chat.stream.role-left-out.yaml", "bad"),
        ]
    )


def test_exchanges_are_counted_by_provider_and_section(small: Tally) -> None:
    good, bad = small.providers["good"], small.providers["bad"]
    assert (good.exchanges, bad.exchanges) == (2, 3)
    assert good.judged["chat"] == good.judged["chat.stream"] == 1
    assert (bad.judged["chat"], bad.must["chat"], bad.should["chat"]) == (2, 1, 0)
    assert (bad.judged["chat.stream"], bad.must["chat.stream"], bad.should["chat.stream"]) == (1, 0, 1)
    assert (bad.rules(Level.MUST), bad.rules(Level.SHOULD)) == (["chat.created"], ["chat.stream.role-left-out"])
    assert (bad.flagged["chat.created"], bad.applied["chat.created"]) == (1, 2)
    assert "embeddings" not in small.sections


def test_a_finding_on_many_chunks_is_one_exchange(small: Tally) -> None:
    assert small.providers["bad"].flagged["chat.stream.role-left-out"] == 1


def test_the_terminal_shows_columns(small: Tally) -> None:
    lines = as_text(small).splitlines()
    assert lines[1].split() == ["provider", "exchanges", *small.sections]
    assert lines[2].startswith("bad       3          ")
    assert "2 / 1 / 0" in lines[2]
    assert "/" not in lines[3]


def test_one_provider_is_nothing_to_compare() -> None:
    assert as_text(tally([_recording("conforming/poem-dict.yaml", "one")])) == ""
    assert as_text(Tally()) == ""


def test_markdown_says_what_was_read_and_what_was_not(small: Tally) -> None:
    text = as_markdown(small, {})
    assert NOT_READ in text
    assert "### good\n\nNo MUST or SHOULD finding in 2 exchanges." in text
    assert unread_findings(small, {}) == [("bad", "chat.created")]
    known = {
        "bad": {"chat.created": "milliseconds | of the clock", "chat.id": "old"},
        "left": {"chat.id": "x"},
    }
    assert NOT_READ not in as_markdown(small, known)
    assert unread_findings(small, known) == []
    assert outdated_readings(small, known) == [("bad", "chat.id"), ("left", "chat.id")]


def test_what_a_provider_sent_is_no_markup(small: Tally) -> None:
    hostile = tally([_recording("conforming/poem-dict.yaml", "a\nb | c" * 20), *([_recording(_CREATED, "d")])])
    assert len(as_text(hostile).splitlines()) == 4
    body = fixture.load(FIXTURES / _CREATED).exchange
    odd = body.with_payload(body.payload.replace(b"1760000000123", b'"<script>|`x`|"'))
    text = as_markdown(tally([Recording(odd, "d")]), {})
    assert r"\<script\>\|\`x\`\|" in text


_CREATED = "broken/chat.created.yaml"


def test_the_generated_part_is_replaced_alone() -> None:
    page = f"before\n{START}\nold\n{END}\nafter\n"
    assert between(page) == "old"
    assert replaced(page, "new\n") == f"before\n{START}\n\nnew\n\n{END}\nafter\n"
    assert between(replaced(page, "new\n")) == "new"
    for broken in ("nothing", f"{START} and no end", f"{END}{START}"):
        with pytest.raises(DocumentError, match="lacks the line"):
            between(broken)


def _table(page: str) -> dict[str, list[str]]:
    """The rows of the table by provider, the header as ''."""
    rows = [line.strip("| ").split(" | ") for line in between(page).split("\n\n")[0].splitlines()]
    assert rows[1] == ["---", *("--:" for _ in rows[0][1:])]
    named = {row[0].partition("]")[0].strip("["): row[1:] for row in rows[2:]}
    return {"": rows[0][1:], **named}


def test_the_page_has_the_form_that_the_code_gives_it() -> None:
    table = _table(PAGE)
    assert len(table) == 27
    assert table[""][0] == "exchanges"
    for row in table.values():
        assert len(row) == len(table[""])
    for name, row in list(table.items())[1:]:
        assert f"### {name}\n" in PAGE
        for cell in row[1:]:
            counts = [int(count) for count in cell.split(" / ")] if cell != "·" else [0]
            assert len(counts) in (1, 3)
            assert max(counts) == counts[0] <= int(row[0])


@needs_recordings
def test_the_page_is_about_the_shared_recordings() -> None:
    table = _table(PAGE)
    lines = {
        path.stem: sum(1 for line in path.read_bytes().splitlines() if line.strip())
        for path in (SHARED / "recordings").glob("*.jsonl")
        if path.name != command.TRUTH
    }
    assert {name: int(row[0]) for name, row in table.items() if name} == lines


@needs_recordings
@pytest.mark.slow
def test_the_page_is_regenerated_from_the_shared_recordings() -> None:
    """What the rules find changes with them; `make compatibility CHECK=1` compares that too."""
    regenerated = _table(
        f"{START}\n{as_markdown(command.tally_others(SHARED / 'recordings'), command.load_readings())}\n{END}"
    )
    page = _table(PAGE)
    assert list(regenerated) == list(page)
    assert {name: row[0] for name, row in regenerated.items()} == {name: row[0] for name, row in page.items()}
    assert set(page[""][1:]) <= set(SECTIONS)


def test_readings_are_of_rules_that_exist() -> None:
    known = command.load_readings()
    assert {rule for rules in known.values() for rule in rules} <= set(RULES)
    assert all(text and "|" not in text for rules in known.values() for text in rules.values())


def test_the_command_writes_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, folder = tmp_path / "PAGE.md", tmp_path / "recordings"
    folder.mkdir()
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command, "load_readings", lambda: {})
    page.write_text(f"# About\n{START}\n{END}\n", "utf-8")
    run = CliRunner().invoke
    assert run(command.main, [str(folder)]).exit_code == 1
    reply = {"status": 200, "headers": {}, "body_kind": "json", "body": {"data": [], "object": "liste"}}
    line = {"id": "p-1", "provider": "p", "endpoint": "models", "response": reply}
    request = {"method": "GET", "path": "/v1/models", "body": None}
    (folder / "p.jsonl").write_text(json.dumps({**line, "request": request}), "utf-8")
    (folder / "openai.jsonl").write_text("the truth is not compared with itself", "utf-8")
    assert "models.list-object" in run(command.main, [str(folder)]).output
    assert run(command.main, [str(folder), "--check"]).exit_code == 1
    assert "written" in run(command.main, [str(folder), "--write"]).output
    assert "models.list-object" in page.read_text("utf-8")
    assert "was up to date" in run(command.main, [str(folder), "--write"]).output
    checked = run(command.main, [str(folder), "--check"])
    assert checked.exit_code == 1
    assert "not read: models.list-object of p" in checked.output
    monkeypatch.setattr(command, "load_readings", lambda: {"p": {"models.list-object": "liste"}})
    run(command.main, [str(folder), "--write"])
    assert run(command.main, [str(folder), "--check"]).exit_code == 0


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.jsonl file of a provider"):
        command.tally_others(tmp_path)
