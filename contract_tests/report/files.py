"""Reports for machines: JSON and JUnit.

A report of a run is `{"format": "openai-contract-report/1", target, model, verdict, exit_code, seconds,
requests, stopped, notes: [text], cases: [case], rules: {id: exchanges it applied to}}`; a case is `{id,
section, title, outcome, reason, seconds, findings: [finding]}`; a finding is `{rule, level, clause, in: case
or recording, at: {event, path, byte}, expected, actual, breaks, see}`, numbers counted from 0 and null where
there is none. A report of recordings is `{"format": "openai-contract-judgement/1", verdict, exit_code,
exchanges, endpoints: {name: {exchanges, unjudged}}, findings: [finding], rules: {id: {applied, flagged,
not_reached}}, surprises: [text]}`. `schema.json` beside this file says the same for validators. Members may
be added within one format number, none changes its meaning. A verdict is pass, fail, not reached or harness
failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from contract_tests.judging import Summary
from contract_tests.outcome import CaseResult, ExitCode, Outcome, RunReport, failing
from contract_tests.report.findings import masked, told
from contract_tests.rules.engine import Finding, Level

FORMAT = "openai-contract-report/1"
JUDGEMENT_FORMAT = "openai-contract-judgement/1"
VERDICTS = {
    ExitCode.OK: "pass",
    ExitCode.FINDINGS: "fail",
    ExitCode.UNREACHABLE: "not reached",
    ExitCode.HARNESS: "harness failed",
}


def as_json(report: RunReport, code: ExitCode, secrets: Iterable[str] = ()) -> str:
    """The report as JSON text."""
    value = {
        "format": FORMAT,
        "target": report.target,
        "model": report.model,
        "verdict": VERDICTS[code],
        "exit_code": int(code),
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "stopped": report.stopped,
        "notes": list(report.notes),
        "cases": [_case(result) for result in report.results],
        "rules": dict(sorted(report.applied.items())),
    }
    return _clean_json(value, tuple(secrets))


def judgement_as_json(summary: Summary, code: ExitCode) -> str:
    """What was found in recordings, as JSON text."""
    value = {
        "format": JUDGEMENT_FORMAT,
        "verdict": VERDICTS[code],
        "exit_code": int(code),
        "exchanges": summary.exchanges,
        "endpoints": {
            name: {"exchanges": number, "unjudged": summary.unjudged[name]}
            for name, number in summary.per_endpoint.most_common()
        },
        "findings": [finding(one) for one in summary.findings],
        "rules": {
            name: {
                "applied": summary.applied[name],
                "flagged": summary.flagged[name],
                "not_reached": summary.not_reached[name],
            }
            for name in sorted({*summary.applied, *summary.not_reached})
        },
        "surprises": list(summary.surprises),
    }
    return _clean_json(value, ())


def finding(one: Finding) -> dict[str, Any]:
    """A finding as the JSON reports have it."""
    return {
        "rule": one.rule.id,
        "level": one.rule.level.value,
        "clause": one.rule.clause,
        "in": one.label,
        "at": {"event": one.place.event, "path": list(one.place.path), "byte": one.place.offset},
        "expected": one.expected,
        "actual": one.actual,
        "breaks": one.rule.harm,
        "see": one.rule.see,
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


def as_junit(
    report: RunReport, code: ExitCode, secrets: Iterable[str] = (), fail_on: Level = Level.MUST
) -> str:
    """The report as JUnit XML: a test case for each case, with its findings as its failure.

    A case fails by findings of the level `fail_on` and stronger ones; others stand in its system-out.
    """
    suite = TestSuite("openai-contract")
    suite.add_property("target", _xml(masked(report.target, secrets)))
    suite.add_property("model", _xml(report.model))
    suite.add_property("exit_code", str(int(code)))
    for result in report.results:
        case = TestCase(result.case_id, f"contract.{result.section}", round(result.seconds, 3))
        text = _xml(masked("\n".join(told(one) for one in result.findings), secrets))
        mark = _mark(result, text, _xml(masked(result.reason, secrets)), fail_on)
        if mark is not None:
            case.result = [mark]
        elif text:
            case.system_out = text
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    xml: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.decode()


def _mark(result: CaseResult, text: str, reason: str, fail_on: Level) -> Failure | Error | Skipped | None:
    match result.outcome:
        case Outcome.FAIL | Outcome.WARN | Outcome.PASS if result.outcome is Outcome.FAIL or failing(
            result.findings, fail_on
        ):
            rules = sorted({one.rule.id for one in result.findings})
            mark = Failure(", ".join(rules) or reason)
            mark.text = text
            return mark
        case Outcome.HARNESS_FAILED | Outcome.SETUP_FAILED:
            return Error(f"{result.outcome}: {reason}")
        case Outcome.UNSUPPORTED | Outcome.NOT_REACHED:
            return Skipped(f"{result.outcome}: {reason}")
    return None


def _xml(text: str) -> str:
    """The text without characters that XML 1.0 cannot carry."""
    return "".join(char if char in "\t\n" or (char >= " " and char.isprintable()) else "�" for char in text)
