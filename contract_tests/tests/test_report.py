"""Reports of made-up runs: the text is golden, the files keep their schema, secrets stay in."""

from __future__ import annotations

import io
import json
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from junitparser import JUnitXml
from rich.console import Console

from contract_tests import report as report_package
from contract_tests.recordings.judging import judge_files
from contract_tests.report.files import as_json, judgement_as_json
from contract_tests.report.findings import first_few, format_finding, format_group
from contract_tests.report.terminal import Terminal, format_counts, format_verdict
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Evidence, Finding, Level
from contract_tests.rules.engine.node import Place
from contract_tests.run.outcome import REACHED, CaseResult, ExitCode, Outcome, RunReport
from contract_tests.run.run import Plan
from contract_tests.tests.junit_of_run import as_junit
from contract_tests.tests.shared import ROOT
from fake_server.relay.redact import mask_excerpt

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = json.loads((Path(report_package.__file__ or "").parent / "schema.json").read_text())
KEY = "sk-proj-planted-0123456789"


def finding(rule: str, label: str, actual: str = "something else", event: int | None = 3) -> Finding:
    place = Place(event, ("choices", 0, "delta"), 812)
    members = (
        ("stream", "true"),
        ("n", "2"),
        ("model", '"gpt-3.5-turbo"'),
        ("messages", '[{"role": "user", "content": "W…'),
    )
    before = '…"model":"gpt-3.5-turbo","choices":[{"index":1,"delta":'
    after = '{},"logprobs":null,"finish_reason":null}]}⏎⏎data: {"id":"chatcmpl-1","object":"chat.completion.ch…'
    evidence = Evidence("POST", "/v1/chat/completions", members, before, after, at_place=True)
    return Finding(RULES[rule], place, actual, RULES[rule].expected, label, evidence=evidence)


def result(case_id: str, outcome: Outcome, *findings: Finding, reason: str = "") -> CaseResult:
    section = case_id.rpartition(".")[0]
    applied = frozenset({"http.answers", *(one.rule.id for one in findings)}) if outcome in REACHED else frozenset()
    title = f"title of {case_id}"
    return CaseResult(case_id, section, title, outcome, findings, (), applied, reason=reason, seconds=0.25)


def made_up() -> RunReport:
    results = (
        result("chat.poem", Outcome.PASS),
        result("chat.stream.poem", Outcome.FAIL, finding("chat.stream.done-last", "chat.stream.poem")),
        result(
            "chat.stream.n",
            Outcome.FAIL,
            finding("chat.stream.done-last", "chat.stream.n"),
            finding("chat.stream.same-model", "chat.stream.n", '"gpt-4o" \x1b[31m then "gpt-5"'),
        ),
        result("chat.logprobs", Outcome.UNSUPPORTED, reason="status 400 names logprobs"),
        result("tools.auto", Outcome.WARN, finding("tools.calls-not-empty", "tools.auto", "[]", None)),
        result("tools.named", Outcome.NOT_REACHED, reason="the limit of 7 requests is reached"),
        result("tools.none", Outcome.NOT_REACHED, reason="the limit of 7 requests is reached"),
        result("models.list", Outcome.SETUP_FAILED, reason="no model was listed"),
        result("errors.bad-json", Outcome.HARNESS_FAILED, reason="ValueError: oh"),
    )
    return RunReport(
        "http://127.0.0.1:4000/v1",
        "gpt-3.5-turbo",
        results,
        requests=7,
        seconds=4.21,
        notes=("the target lists no models; gpt-3.5-turbo is used",),
        applied=Counter({"chat.stream.done-last": 2}),
        started="2026-11-30T07:00:00+00:00",
        command="contract run http://127.0.0.1:4000/v1 --model gpt-3.5-turbo",
    )


def shown(report: RunReport, code: ExitCode, secrets: tuple[str, ...] = (), width: int = 110) -> str:
    """The report as it is printed where there is no terminal."""
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    terminal = Terminal(console, secrets)
    terminal.print_plan(Plan(len(report.results), 12, 2048, report.target, report.model))
    for one in report.results:
        terminal.print_result(one)
    terminal.stop_progress()
    terminal.print_findings(report.findings, {one.case_id: one.title for one in report.results}, command=report.command)
    terminal.print_outcomes(report)
    terminal.print_verdict(report, code)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_the_report_of_a_run_is_golden(width: int) -> None:
    """CONTRACT_GOLDEN=write makes the files anew."""
    report = made_up()
    text = shown(report, report.exit_code(), width=width)
    path = GOLDEN / f"run-{width}.txt"
    if os.environ.get("CONTRACT_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_every_outcome_is_told_apart_in_the_verdict() -> None:
    line = format_verdict(made_up(), ExitCode.HARNESS)
    assert line == (
        "HARNESS FAILED  2 MUST findings of 1 rule, 2 SHOULD findings of 2 rules; 9 cases (1 unsupported, "
        "2 not reached, 1 setup failed, 1 harness failed), 7 requests, 4.2 s (exit code 4)"
    )
    assert format_counts([]) == "no findings"


def test_the_findings_of_a_rule_are_grouped_must_first() -> None:
    labels = [f"case {number}" for number in range(9)]
    found = [
        finding("http.request-id", "other"),
        *(finding("chat.id", label) for label in labels),
        finding("chat.id", "case 0", "another place of the same exchange"),
    ]
    (first, also), (note, _) = first_few(found, 1)
    assert ([one.label for one in first], also) == (["case 0"], labels[1:])
    assert note[0].rule.id == "http.request-id"
    assert format_finding(first[0], also=also).endswith("case 1, case 2, case 3, case 4, case 5, case 6 and 2 more")
    assert [len(first) for first, _ in first_few(found, 3)] == [3, 1]


def test_findings_of_one_rule_share_its_words() -> None:
    found = [
        replace(finding("chat.id", f"case {number}", f"seen {number}"), evidence=Evidence("GET", "/v1/models"))
        for number in range(3)
    ]
    text = format_group(found, ["case 7"])
    rule = RULES["chat.id"]
    assert (text.count(rule.clause), text.count(rule.see)) == (1, 1)
    assert text.splitlines()[-13:] == [
        line
        for number in range(3)
        for line in (
            f"    in        case {number}",
            "      at        event 3, choices[0].delta, byte 812",
            f"      actual    seen {number}",
            "      request   GET /v1/models",
        )
    ] + ["    also in   case 7"]
    other = replace(found[0], expected="another thing")
    assert format_group([found[0], other]).count("      expected  ") == (2 if rule.expected else 1)


def test_the_json_reports_keep_their_schema() -> None:
    report = made_up()
    value = json.loads(as_json(report, ExitCode.HARNESS))
    jsonschema.validate(value, SCHEMA)
    assert (value["verdict"], value["exit_code"], len(value["cases"])) == ("harness failed", 4, 9)
    assert value["cases"][1]["findings"][0]["at"] == {
        "event": 3,
        "path": ["choices", 0, "delta"],
        "byte": 812,
    }
    assert (value["started"], bool(value["kit"])) == (report.started, True)
    found = value["cases"][2]["findings"][0]
    assert found["request"]["members"]["n"] == "2"
    assert found["bytes"]["after"].startswith('{},"logprobs":null')
    assert found["again"].endswith(" --select chat.stream.n --record recordings")
    summary = judge_files([ROOT / "fixtures" / "broken"], select=["usage"])
    judged = json.loads(judgement_as_json(summary, ExitCode.FINDINGS))
    jsonschema.validate(judged, SCHEMA)
    assert judged["rules"]["usage.adds-up"]["flagged"] == 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"verdict": "perhaps"}, SCHEMA)


def test_junit_has_a_test_case_for_each_case_in_the_suite_of_its_section() -> None:
    document = JUnitXml.fromstring(as_junit(made_up(), ExitCode.HARNESS).encode())
    assert (document.tests, document.failures, document.errors, document.skipped) == (10, 2, 3, 3)
    assert [suite.name for suite in document] == ["chat", "chat.stream", "tools", "models", "errors", "verdict"]
    assert {suite.timestamp for suite in document} == {"2026-11-30T07:00:00+00:00"}
    assert (document.time, [suite.time for suite in document]) == (4.21, [0.5, 0.5, 0.75, 0.25, 0.25, 0.0])
    cases = {case.name: case for suite in document for case in suite}
    types = {name: case.result[0].type for name, case in cases.items() if case.result}
    assert (types["chat.stream.n"], types["tools.named"], types["models.list"]) == (
        "MUST",
        "not reached",
        "setup failed",
    )
    failure = cases["chat.stream.n"].result[0]
    assert failure.message == "chat.stream.done-last, chat.stream.same-model"
    assert "\N{REPLACEMENT CHARACTER}[31m" in failure.text
    assert cases["tools.named"].result[0].message == "not reached: the limit of 7 requests is reached"
    assert cases["chat.logprobs"].result[0].message == "unsupported: status 400 names logprobs"
    assert "tools.calls-not-empty" in cases["tools.auto"].system_out


def test_junit_fails_what_fails_the_run() -> None:
    text = as_junit(made_up(), ExitCode.HARNESS, fail_on=Level.SHOULD)
    document = JUnitXml.fromstring(text.encode())
    assert (document.tests, document.failures, document.errors, document.skipped) == (10, 3, 3, 3)
    warned = {case.name: case for suite in document for case in suite}["tools.auto"]
    assert (warned.result[0].message, warned.result[0].type) == ("tools.calls-not-empty", "SHOULD")


@pytest.mark.parametrize("fail_on", Level)
def test_a_note_never_fails(fail_on: Level) -> None:
    noted = result("chat.poem", Outcome.PASS, finding("http.request-id", "chat.poem"))
    report = RunReport("http://127.0.0.1:1/v1", "m", (noted,))
    document = JUnitXml.fromstring(as_junit(report, report.exit_code(fail_on), fail_on=fail_on).encode())
    assert (document.tests, document.failures, report.exit_code(fail_on)) == (1, 0, ExitCode.OK)
    both = result("chat.poem", Outcome.FAIL, *noted.findings, finding("chat.id", "chat.poem"))
    (suite,) = JUnitXml.fromstring(as_junit(replace(report, results=(both,)), ExitCode.FINDINGS).encode())
    (case,) = suite
    assert case.result[0].message == "chat.id"
    assert "http.request-id" not in case.result[0].text
    assert "http.request-id" in case.system_out


def test_secrets_are_in_no_report() -> None:
    echo = finding("chat.id", "chat.poem", f'the target says "Bearer {KEY}" and "{KEY[:12]}…')
    report = RunReport(
        "http://127.0.0.1:1/v1",
        "m",
        (result("chat.poem", Outcome.FAIL, echo, reason=f"status 401: {KEY}"),),
        notes=(f"the key {KEY} is wrong",),
        stopped=f"stopped at {KEY}",
    )
    code = ExitCode.FINDINGS
    for text in (shown(report, code, (KEY,)), as_json(report, code, (KEY,)), as_junit(report, code, (KEY,))):
        assert "planted" not in text
        assert not any(KEY[at : at + 6] in text for at in range(len("sk-proj-"), len(KEY) - 5))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghij.k-l",
        "authorization: basic dXNlcjpwYXNz",
        'x-api-key: "abcdefghij"',
        "Incorrect API key provided: sk-abcdefghij",
        "api_key=abcdefghij",
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str) -> None:
    assert not {"abcdefghij", "dXNlcjpwYXNz"} & set(mask_excerpt(text).replace("-", " ").split())
    assert "REDACTED" in mask_excerpt(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('p/q+r=se cret"99', "REDACTEDxxxxxxxx"),
        ("?k=p%2Fq%2Br%3Dse%20cret%2299&b=1", "?k=REDACTEDxxxxxxxxxxxxxxxxxx&b=1"),
        ("?k=p%2Fq%2Br%3Dse+cret%2299&b=1", "?k=x%2Fx%2Bx%3Dxx+Xxxx%22XX&b=1"),
        ('{"k": "p/q+r=se cret\\"99"}', '{"k": "REDACTEDxxxxxxxxx"}'),
        ("cut here: p/q+r=se", "cut here: REDACTED"),
        ('p/q+r=se cr... and p/q+r=se cret"99p/q+r=se', "REDACTEDxxx... and REDACTEDxxxxxxxxREDACTED"),
        ("shortened: p/q+…", "shortened: xxxx…"),
        ("p/q+ is no secret", "p/q+ is no secret"),
        ("", ""),
    ],
)
def test_a_secret_is_masked_in_every_form(text: str, left: str) -> None:
    assert mask_excerpt(text, ['p/q+r=se cret"99', "", "another"]) == left


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n    "])
@pytest.mark.parametrize("start", ["expected  Bearer", "send it as basic", "no api-key:", "api_key ="])
def test_masking_ends_at_the_line_end(start: str, end: str) -> None:
    text = f"{start}{end}actual    something-else"
    assert mask_excerpt(text) == text


def test_masking_leaves_the_rest_alone() -> None:
    text = "the bearer of news; a basic rule; task-force-ten; usage.total_tokens, byte 918"
    assert mask_excerpt(text) == text


@pytest.mark.parametrize("width", [40, 60, 110])
def test_a_run_on_a_terminal_shows_what_was_found_and_what_is_left(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True)
    terminal = Terminal(console)
    terminal.print_plan(Plan(30, 30, 0, "http://127.0.0.1:1", "m"))
    terminal.print_result(result("chat.poem", Outcome.PASS))
    must, should = finding("chat.stream.done-last", "chat.n"), finding("chat.stream.same-model", "chat.n")
    terminal.print_result(result("chat.n", Outcome.FAIL, must, should))
    assert terminal._progress._bar is not None
    terminal._progress._bar.refresh()
    terminal.stop_progress()
    assert isinstance(console.file, io.StringIO)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert "2/30" in plain
    assert ("1 MUST, 1 SHOULD; chat.n" in plain) or width < 100
    assert all(len(line) <= width for line in re.split(r"[\r\n]+", plain)[2:])


def test_a_long_run_without_a_terminal_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    for module in ("terminal", "progress"):
        monkeypatch.setattr(f"contract_tests.report.{module}.monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=110)
    terminal = Terminal(console)
    terminal.print_plan(Plan(30, 30, 0, "http://127.0.0.1:1", "m"))
    for seconds in range(1, 120, 11):
        now[0] = seconds
        terminal.print_result(result("chat.poem", Outcome.PASS))
    terminal.stop_progress()
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[2:] == ["progress  … 10% … … 20% … … 30% … …"]
