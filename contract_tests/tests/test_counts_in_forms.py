"""What a short form leaves out is counted: with none, one, as many as it shows, one more, and thousands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from contract_tests.report.document import Document
from contract_tests.report.files import finish
from contract_tests.report.findings import some
from contract_tests.report.forms import markdown
from contract_tests.report.forms.annotations import MOST, format_annotations
from contract_tests.report.forms.badge import format_badge, format_shields
from contract_tests.report.forms.markdown import format_markdown
from contract_tests.report.forms.sarif import format_sarif
from contract_tests.rules import RULES
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.tests.documents import document_of, of_recordings
from contract_tests.tests.test_report import finding, result
from contract_tests.tolerance.entry import ToleranceEntry, Tolerated

SHOWN = 6
NUMBERS = (1, SHOWN - 1, SHOWN, SHOWN + 1, SHOWN + 2, 13, 2_500)


def run_of(results: Sequence[CaseResult], **more: object) -> Document:
    document = document_of(RunReport("http://127.0.0.1:1/v1", "m", tuple(results)))
    return finish({**document, **more}, ())


def failing(number: int, rule: str = "usage.adds-up", each: int = 1) -> list[CaseResult]:
    """That many cases, each with `each` findings of the rule."""
    ids = [f"chat.n{count}" for count in range(number)]
    return [CaseResult(i, "chat", i, Outcome.FAIL, tuple(finding(rule, i, f"{n}") for n in range(each))) for i in ids]


def counted(text: str) -> int:
    """How many `chat.n…` a line names or counts."""
    more = re.search(r"and ([\d,]+) more", text)
    return len(set(re.findall(r"chat\.n\d+", text))) + (int(more[1].replace(",", "")) if more else 0)


@pytest.mark.parametrize("of", NUMBERS)
def test_the_first_of_many_are_counted_as_many(of: int) -> None:
    labels = [f"chat.n{count}" for count in range(of)]
    assert counted(some(labels)) == counted(some(labels[:SHOWN], of=of)) == of
    assert counted(some(labels[:3], of=of)) == max(of, len(labels[:3]))
    assert some([]) == ""


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("number", NUMBERS)
def test_the_cases_of_a_rule(number: int, each: int) -> None:
    for document in (run_of(failing(number, each=each)), of_recordings(run_of(failing(number, each=each)))):
        (line,) = format_annotations(document).splitlines()
        assert counted(re.search(r"In .*?: (.*?)(%0A|$)", line)[1]) == number  # type: ignore[index]
        text = format_markdown(document)
        also = re.search(r"also in +(.*(\n {8,}.*)*)", text)
        assert (counted(" ".join(also[1].split())) if also else 0) == number - 1


@pytest.mark.parametrize("number", NUMBERS)
def test_the_cases_that_were_not_judged(number: int) -> None:
    results = [CaseResult(f"chat.n{n}", "chat", "", Outcome.UNSUPPORTED, reason="status 400") for n in range(number)]
    (row,) = [line for line in format_markdown(run_of(results)).splitlines() if line.startswith("| unsupported |")]
    assert counted(row) == number


@pytest.mark.parametrize("number", NUMBERS)
def test_the_cases_that_are_required(number: int) -> None:
    lack = {"section": "chat", "outcome": "unsupported", "reason": "status 400"}
    document = run_of([], lacking=[{**lack, "cases": [f"chat.n{n}" for n in range(number)]}])
    document["verdict"] = "fail"
    (row,) = [line for line in format_markdown(document).splitlines() if "is required" in line]
    assert counted(row) == number


@pytest.mark.parametrize("number", [1, 39, 40, 41, 300])
def test_the_reasons_why_something_was_not_judged(number: int) -> None:
    results = [
        CaseResult(f"chat.n{n}", "chat", "", Outcome.UNSUPPORTED, reason=f"status {n % number}")
        for n in range(2 * number)
    ]
    text = format_markdown(run_of(results))
    rows = [line for line in text.splitlines() if line.startswith("| unsupported |")]
    more = re.search(r"^(\d+) more reasons? of (\d+) cases$", text, re.MULTILINE)
    assert (len(rows) + int(more[1]) if more else len(rows)) == number
    assert (2 * len(rows) + int(more[2]) if more else 2 * len(rows)) == 2 * number


@pytest.mark.parametrize("number", [1, 19, 20, 21, 22, 59, 60, 61, 62, 150])
def test_the_rules_that_have_no_room(number: int) -> None:
    results = [result for rule in list(RULES)[:number] for result in failing(1, rule, each=2)]
    text = format_markdown(run_of(results))
    shown = len(re.findall(r"<details><summary>. <b>", text))
    rest = re.search(r"<summary>(\d+) more rules?</summary>\n\n(.*)", text)
    assert shown + (int(rest[1]) if rest else 0) == number
    if rest:
        more = re.search(r"and (\d+) more$", rest[2])
        assert rest[2].count("(2)") + (int(more[1]) if more else 0) == int(rest[1])


@pytest.mark.parametrize("number", [0, 1, MOST - 1, MOST, MOST + 1, 60])
def test_annotations_beyond_those_that_are_shown(number: int) -> None:
    rules = [rule.id for rule in RULES.values() if rule.level == "MUST"][:number]
    lines = format_annotations(run_of([result for rule in rules for result in failing(1, rule, each=2)])).splitlines()
    assert len(lines) == min(number, MOST)
    more = re.search(r"::(\d+) MUST findings of (\d+) more rules$", lines[-1]) if lines else None
    assert bool(more) == (number > MOST)
    if more:
        assert (int(more[2]), int(more[1])) == (number - MOST + 1, 2 * (number - MOST + 1))


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 102, 3_000])
def test_the_notes_of_a_run(number: int) -> None:
    document = run_of([], notes=[f"note {n}" for n in range(number)])
    document["verdict"] = "fail"
    text = format_sarif(document)
    more = re.search(r'"([\d,]+) more notes?; the JSON', text)
    listed = len(re.findall(r'"note \d+"', text))
    assert listed + (int(more[1].replace(",", "")) if more else 0) == number


def test_what_is_required_for_several_reasons_counts_them() -> None:
    lack = {"section": "chat", "outcome": "unsupported", "cases": ["chat.n1"]}
    for number in (1, 2, 3, markdown._MOST_ROWS, markdown._MOST_ROWS + 1, 200):
        document = run_of([], lacking=[{**lack, "reason": f"status {n}"} for n in range(number)])
        document["verdict"] = "fail"
        line = format_annotations(document).splitlines()[0]
        others = {1: "status 0", 2: "status 0 and 1 other reason"}.get(number, f"and {number - 1} other reasons")
        assert line.endswith(others)
        text = format_markdown(document)
        more = re.search(r"and (\d+) more reasons? why", text)
        assert text.count("is required**") + (int(more[1]) if more else 0) == number


@pytest.mark.parametrize(
    ("rule", "colour", "name"),
    [("usage.adds-up", "#7a5600", "yellow"), ("http.request-id", "#1b6e2d", "brightgreen")],
    ids=["MUST", "SHOULD"],
)
def test_a_pass_that_tolerates_must_findings_is_not_as_green(rule: str, colour: str, name: str) -> None:
    entry = ToleranceEntry(rule, "known", by="baseline known.yaml", place="known.yaml:3")
    case = replace(result("chat.short", Outcome.WARN), tolerated=(Tolerated(finding(rule, "chat.short"), entry),))
    document = document_of(RunReport("http://127.0.0.1:1/v1", "m", (case,)), ExitCode.OK)
    badge, shields = format_badge(document), json.loads(format_shields(document))
    assert f'fill="{colour}"' in badge
    assert shields["color"] == name
    assert shields["message"].startswith("pass, 1 tolerated · ")
    assert "PASS, 1 finding tolerated" in format_markdown(document).splitlines()[0]
