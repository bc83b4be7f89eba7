"""Reports for machines: JSON and JUnit.

The JSON report is `{"format": "openai-contract-report/1", target, model, verdict, exit_code, seconds,
requests, stopped, notes: [text], cases: [{id, section, title, outcome, reason, seconds, findings:
[finding]}], rules: {id: exchanges it applied to}}`; a finding is `{rule, level, clause, see, at: {event,
path, byte}, expected, actual}`. Members may be added within one format number, none changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from contract_tests.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.report.findings import masked, told
from contract_tests.rules.engine import Finding

FORMAT = "openai-contract-report/1"


def as_json(report: RunReport, code: ExitCode, secrets: Iterable[str] = ()) -> str:
    """The report as JSON text."""
    value = {
        "format": FORMAT,
        "target": report.target,
        "model": report.model,
        "verdict": "pass" if code is ExitCode.OK else "fail",
        "exit_code": int(code),
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "stopped": report.stopped,
        "notes": list(report.notes),
        "cases": [_case(result) for result in report.results],
        "rules": dict(sorted(report.applied.items())),
    }
    return _clean_json(value, tuple(secrets))


def findings_as_json(findings: Iterable[Finding], counts: dict[str, Any]) -> str:
    """The findings of a judgement of recordings as JSON text."""
    value = {"format": FORMAT, **counts, "findings": [finding(one) | {"in": one.label} for one in findings]}
    return _clean_json(value, ())


def finding(one: Finding) -> dict[str, Any]:
    """A finding as the JSON report has it."""
    return {
        "rule": one.rule.id,
        "level": one.rule.level.value,
        "clause": one.rule.clause,
        "see": one.rule.see,
        "at": {"event": one.place.event, "path": list(one.place.path), "byte": one.place.offset},
        "expected": one.expected,
        "actual": one.actual,
    }


def _case(result: CaseResult) -> dict[str, Any]:
    return {
        "id": result.case_id,
        "section": result.section,
        "title": result.title,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "findings": [finding(one) for one in result.findings],
    }


def _clean_json(value: Any, secrets: tuple[str, ...]) -> str:
    return json.dumps(_clean(value, secrets), ensure_ascii=False, indent=2) + "\n"


def _clean(value: Any, secrets: tuple[str, ...]) -> Any:
    """Every text of the value masked; lone surrogates replaced, so that it can be written."""
    if isinstance(value, str):
        return masked(value, secrets).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _clean(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, secrets) for inner in value]
    return value


def write_junit(report: RunReport, path: Path, secrets: Iterable[str] = ()) -> None:
    """A JUnit file: a test case for each case, with its findings as failures."""
    suite = TestSuite("openai-contract")
    for result in report.results:
        case = TestCase(result.case_id, f"contract.{result.section}", result.seconds)
        mark = _mark(result, tuple(secrets))
        if mark is not None:
            case.result = [mark]
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    document.write(str(path), pretty=True)


def _mark(result: CaseResult, secrets: tuple[str, ...]) -> Failure | Error | Skipped | None:
    reason = _xml(masked(result.reason, secrets))
    match result.outcome:
        case Outcome.FAIL:
            rules = sorted({one.rule.id for one in result.findings})
            mark = Failure(_xml(", ".join(rules) or reason))
            mark.text = _xml(masked("\n".join(told(one) for one in result.findings), secrets))
            return mark
        case Outcome.HARNESS_FAILED | Outcome.SETUP_FAILED:
            return Error(f"{result.outcome}: {reason}")
        case Outcome.UNSUPPORTED | Outcome.NOT_REACHED:
            return Skipped(f"{result.outcome}: {reason}")
    return None


def _xml(text: str) -> str:
    """The text without characters that XML 1.0 cannot carry."""
    return "".join(char if char in "\t\n" or (char >= " " and char.isprintable()) else "�" for char in text)
