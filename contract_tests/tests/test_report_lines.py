"""The report as people read it: rows that fit, what was asked and what came, sections of rules, near names."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from contract_tests.lab.tools.command import run_contract
from contract_tests.recordings.judging import judge_recordings
from contract_tests.recordings.recording import Recording
from contract_tests.report.examples import find_broken, find_conforming
from contract_tests.report.findings import again, format_finding
from contract_tests.report.terminal import Terminal, count_by_section, wrap_line
from contract_tests.report.traces import find_example
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Finding, Rule
from contract_tests.rules.engine.node import Place
from contract_tests.rules.engine.view import View
from contract_tests.rules.evidence import describe_request, make_evidence, with_evidence
from contract_tests.run.outcome import CaseResult, Outcome
from contract_tests.target.options import Options
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Aspect, Exchange, Request, Write

BROKEN = ROOT / "fixtures" / "broken"
LONG = "a word " * 30


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("line", "hang"),
    [
        (f"    actual    {LONG}", 14),
        (f"      request   {LONG}", 16),
        (f"  {LONG}", 2),
        (f"not reached    {LONG}", 15),
        (f"✗ chat.stream.done-last   MUST   {LONG}", 2),
        (f"HARNESS FAILED  {LONG}", 16),
    ],
)
def test_a_line_wraps_at_words_below_the_start_of_its_text(line: str, hang: int, width: int) -> None:
    rows = wrap_line(line.rstrip(), width)
    assert len(rows) > 1
    assert all(len(row) <= width for row in rows)
    assert {len(row) - len(row.lstrip()) for row in rows[1:]} == {hang}
    assert " ".join(" ".join(rows).split()) == " ".join(line.split())


def test_an_address_is_left_whole_and_a_command_can_be_copied() -> None:
    address = f"https://example.org/{'x' * 90}"
    assert wrap_line(f"    see       {address}", 80) == [f"    see       {address}"]
    rows = wrap_line("    again     contract run http://127.0.0.1:4000/v1 --select chat.n --record recordings", 60)
    assert [row[-1:] for row in rows[:-1]] == ["\\"] * (len(rows) - 1)
    assert "".join(row.rstrip("\\") for row in rows).split() == [
        *("again", "contract", "run", "http://127.0.0.1:4000/v1", "--select", "chat.n", "--record", "recordings")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", [("judge", BROKEN), ("replay", BROKEN / "tools.arguments.yaml", "--judge-only")])
def test_a_judgement_fits_the_columns(command: tuple[str | Path, ...], columns: int) -> None:
    said = run_contract(*map(str, command), COLUMNS=str(columns)).stdout
    assert said
    wide = [line for line in said.splitlines() if len(line) > columns]
    assert all(len(line.split()) <= 2 for line in wide), wide


def test_lines_are_whole_where_a_program_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    said = run_contract("judge", str(BROKEN / "tools.arguments.yaml")).stdout
    assert "AI SDK: raises AI_APICallError\n" in said
    assert max(map(len, said.splitlines())) > 120


# -- what was asked, and what came


def _exchange(body: bytes, **asked: object) -> Exchange:
    request = Request("POST", "/v1/chat/completions", body=json.dumps({"model": "m", **asked}).encode())
    return Exchange(request, 200, (("Content-Type", "application/json"),), (Write(body),))


def test_a_finding_shows_the_request_and_the_bytes_around_its_place() -> None:
    loaded = fixture.load(BROKEN / "chat.stream.finishes.yaml").exchange
    view = View(loaded)
    (finding,) = with_evidence(judge(view).findings, (view,))
    assert finding.evidence is not None
    text = format_finding(finding, command="contract run http://t/v1")
    assert f"    request   {describe_request(finding.evidence)}" in text
    assert "stream: true" in text
    assert again(finding, "contract run http://t/v1") in text
    bytes_row, mark = re.findall(r"    bytes     (.*)\n(.*)\n", text)[0]
    offset = finding.place.offset or 0
    assert view.body[offset : offset + 5].decode() == bytes_row[mark.index("^") - 14 :][:5] or offset == len(view.body)


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml"))[::7], ids=lambda path: path.stem)
def test_the_mark_stands_below_the_byte_of_the_place(path: Path) -> None:
    view = View(fixture.load(path).exchange)
    for finding in with_evidence(judge(view).findings, (view,)):
        offset, evidence = finding.place.offset, finding.evidence
        assert evidence is not None
        assert evidence.at_place is (offset is not None)
        if offset is not None and view.body[offset : offset + 1].strip():
            byte = view.body[offset : offset + 1]
            is_no_text = evidence.after.startswith("\ufffd") and byte >= b"\x80"
            assert is_no_text or evidence.after.encode()[:1] == byte


def test_the_members_that_matter_come_first_and_a_body_that_is_no_object_is_quoted() -> None:
    view = View(_exchange(b"{}", messages=[{"role": "user", "content": "x" * 200}], stream=False, n=2))
    shown = describe_request(make_evidence(view, 0))
    assert shown.startswith('POST /v1/chat/completions {stream: false, n: 2, model: "m", messages: [{"role": "user"')
    assert len(shown) < 160
    cut = Exchange(Request("POST", "/v1/chat/completions", body=b'{"model":'), 400)
    assert describe_request(make_evidence(View(cut), None)) == 'POST /v1/chat/completions {body: "{\\"model\\":"}'
    unknown = Exchange(Request("POST", "/v1/chat/completions"), 400, unknown=frozenset({Aspect.REQUEST}))
    assert describe_request(make_evidence(View(unknown), None)) == "POST /v1/chat/completions {body: not known}"


@pytest.mark.parametrize("cut", range(30, 130, 7))
def test_no_part_of_a_secret_is_in_the_bytes(cut: int) -> None:
    secret, key = "planted-secret-0123456789", "sk-proj-planted0123456789abcdef"
    body = f'{{"id": "{secret}", "note": "Bearer {key}", "rest": "{"x" * 200}"}}'.encode()
    evidence = make_evidence(View(_exchange(body)), cut, (secret,))
    for part in (secret[6:], key[8:]):
        for start in range(len(part) - 6):
            assert part[start : start + 6] not in evidence.before + evidence.after


def test_the_command_of_a_run_has_what_the_request_needs_and_no_key() -> None:
    options = Options("http://t/v1", "my model", {"tools": "m2"}, headers=(("x-a", "b c"),), api_key="sk-planted-123")
    assert options.command == "contract run http://t/v1 --model 'my model' --model tools=m2 --header 'x-a: b c'"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_the_examples_of_a_rule_show_what_differs(rule: Rule) -> None:
    kept, broken, example = find_conforming(rule), find_broken(rule), find_example(rule)
    if kept and broken:
        assert kept.lines != broken.lines
    if example:
        assert example.kept != example.broken
    assert broken or example


@pytest.mark.parametrize("width", [65, 95, 200])
def test_an_example_fits_the_width_with_its_place(width: int) -> None:
    excerpt = find_broken(RULES["tools.arguments"])
    assert excerpt is not None
    fitted = excerpt.fit(width)
    assert len(fitted.lines[-1]) <= width
    assert fitted.column is not None
    assert fitted.lines[-1][fitted.column :].startswith('{"city"')


# -- sections, names


def _result(case_id: str, applied: set[str], *findings: Finding, outcome: Outcome = Outcome.PASS) -> CaseResult:
    return CaseResult(case_id, case_id.rpartition(".")[0], "", outcome, findings, (), frozenset(applied))


def test_the_table_counts_by_the_section_of_the_rule() -> None:
    must, should = (Finding(RULES[rule], Place(), "x") for rule in ("usage.adds-up", "usage.completion-size"))
    results = [
        _result("chat.poem", {"http.answers", "chat.role", "usage.adds-up"}, should, must, outcome=Outcome.FAIL),
        _result("chat.n", {"chat.role", "usage.adds-up"}, should, outcome=Outcome.WARN),
        _result("chat.stop", {"chat.role"}),
        _result("chat.logprobs", set(), outcome=Outcome.UNSUPPORTED),
    ]
    counts = {section: dict(counted) for section, counted in count_by_section(results).items()}
    assert counts == {
        "http": {Outcome.PASS: 1},
        "chat": {Outcome.PASS: 3, Outcome.UNSUPPORTED: 1},
        "usage": {Outcome.FAIL: 1, Outcome.WARN: 1},
    }


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["run", "http://127.0.0.1:1/v1", "--select", "chat.steam"], "did you mean 'chat.stream'"),
        (["run", "http://127.0.0.1:1/v1", "--select", "chat.stream.done-last"], "it names rules"),
        (["run", "http://127.0.0.1:1/v1", "--select", "chat", "--require", "chatt"], "did you mean 'chat'?"),
        (["judge", str(BROKEN), "--select", "tols"], "did you mean 'tools'"),
        (["explain", "chat.done-last"], "did you mean 'chat.stream.done-last'"),
        (["explain", "chat.stream"], "`contract rules chat.stream` lists them"),
        (["rules", "tols"], "did you mean 'tools'"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(argv: list[str], hint: str) -> None:
    done = run_contract(*argv)
    assert done.returncode == 2
    assert hint in done.stderr


def test_the_judgement_of_one_file_is_short() -> None:
    path = str(ROOT / "fixtures" / "conforming" / "poem-dict.yaml")
    short = run_contract("judge", path).stdout.splitlines()
    assert len(short) < 8
    assert short[1].startswith("rules     ")
    assert "0 broken" in short[1]
    assert any("chat.choices" in line for line in run_contract("judge", path, "--all").stdout.splitlines())


def test_a_note_that_a_fixture_does_not_declare_is_no_surprise() -> None:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / "poem-dict.yaml").exchange
    fields = tuple(field for field in exchange.headers if field[0].lower() != "x-request-id")
    noted = replace(exchange, headers=fields)
    assert judge(noted).ids() == {"http.request-id"}
    assert judge_recordings([Recording(noted, breaks=())]).surprises == []


def test_the_terminal_cuts_bytes_to_its_width() -> None:
    view = View(fixture.load(BROKEN / "tools.arguments.yaml").exchange)
    for width in (60, 80, 120):
        terminal = Terminal(Console(file=io.StringIO(), width=width, highlight=False))
        terminal.print_findings(with_evidence(judge(view).findings, (view,)))
        assert isinstance(terminal.console.file, io.StringIO)
        (row,) = (line for line in terminal.console.file.getvalue().splitlines() if line.startswith("    bytes"))
        assert len(row) <= width
        assert '"arguments":{' in row
