"""The two numbers of a report: how much is there, and how right that is, never mixed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract_tests.recordings.judging import judge_files
from contract_tests.report.document import Document, Numbers
from contract_tests.report.files import judgement_document, run_document
from contract_tests.report.summary import share
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_report import finding, made_up, result
from contract_tests.tolerance.entry import ToleranceEntry, Tolerated


def of_run(*results: CaseResult) -> Document:
    return run_document(RunReport("http://127.0.0.1:1/v1", "m", results), ExitCode.OK)


def both(numbers: Numbers) -> tuple[int, int, int, int]:
    coverage, conformance = numbers["coverage"], numbers["conformance"]
    return coverage["count"], coverage["of"], conformance["count"], conformance["of"]


def test_a_run_is_counted_in_cases_by_section_and_tier() -> None:
    summary = run_document(made_up(), ExitCode.HARNESS)["summary"]
    assert summary["unit"] == "case"
    assert both(summary["total"]) == (4, 9, 2, 4)
    assert {name: both(numbers) for name, numbers in summary["sections"].items()} == {
        "chat": (1, 2, 1, 1),
        "chat.stream": (2, 2, 0, 2),
        "tools": (1, 3, 1, 1),
        "models": (0, 1, 0, 0),
        "errors": (0, 1, 0, 0),
    }
    assert {name: numbers["tier"] for name, numbers in summary["sections"].items()} == {
        "chat": "chat",
        "chat.stream": "chat",
        "tools": "chat",
        "models": "other",
        "errors": "other",
    }
    assert {tier: both(numbers) for tier, numbers in summary["tiers"].items()} == {
        "chat": (4, 7, 2, 4),
        "other": (0, 2, 0, 0),
    }
    assert summary["sections"]["tools"]["outcomes"] == {"warn": 1, "not reached": 2}
    assert summary["findings"]["MUST"] == {"findings": 2, "rules": 1}
    assert summary["total"]["coverage"]["percent"] == 44.4
    assert summary["sections"]["models"]["conformance"]["percent"] is None


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome not in ("pass", "warn", "fail")])
def test_what_was_not_reached_lowers_coverage_and_never_conformance(outcome: Outcome) -> None:
    numbers = of_run(result("chat.a", Outcome.PASS), result("chat.b", outcome))["summary"]["total"]
    assert both(numbers) == (1, 2, 1, 1)


@pytest.mark.parametrize(
    ("rule", "conforms"), [("chat.id", False), ("tools.calls-not-empty", True), ("http.request-id", True)]
)
@pytest.mark.parametrize("tolerated", [False, True])
def test_a_must_finding_lowers_conformance_and_never_coverage(rule: str, conforms: bool, tolerated: bool) -> None:
    broken = finding(rule, "chat.b")
    case = result("chat.b", Outcome.WARN, *(() if tolerated else (broken,)))
    entry = ToleranceEntry(rule, reason="it is known", by="profile a")
    case = replace(case, tolerated=(Tolerated(broken, entry),) if tolerated else ())
    document = of_run(result("chat.a", Outcome.PASS), case)
    assert both(document["summary"]["total"]) == (2, 2, 1 + conforms, 2)
    assert document["summary"]["tolerated"] == int(tolerated)


def test_recordings_are_counted_in_exchanges_by_endpoint() -> None:
    names = ("broken/usage.adds-up", "broken/http.content-type", "conforming/poem-dict", "conforming/poem-stream")
    judged = judge_files([ROOT / "fixtures" / f"{name}.yaml" for name in names])
    summary = judgement_document(judged, ExitCode.FINDINGS)["summary"]
    assert summary["unit"] == "exchange"
    assert summary["total"]["coverage"]["of"] == judged.exchanges
    assert summary["total"]["coverage"]["count"] == judged.exchanges - judged.unjudged.total()
    chat = summary["sections"]["chat/completions"]
    assert chat["tier"] == "chat"
    assert 0 < chat["conformance"]["count"] < chat["conformance"]["of"]
    failing = {broken.label for broken in judged.findings if broken.rule.level == "MUST"}
    right = summary["total"]["conformance"]
    assert right["of"] - right["count"] <= len(failing)


@pytest.mark.parametrize(
    ("count", "of", "percent"), [(0, 0, None), (0, 3, 0.0), (1, 3, 33.3), (1999, 2000, 99.9), (2, 2, 100.0)]
)
def test_a_percentage_is_rounded_down_so_that_100_is_all(count: int, of: int, percent: Any) -> None:
    assert share(count, of)["percent"] == percent
