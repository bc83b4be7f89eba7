"""Reports for machines in JSON.

A report of a run is `{"format": "openai-contract-report/1", target, model, verdict, exit_code, seconds,
requests, stopped, notes: [text], cases: [case], rules: {id: exchanges it applied to}, tolerances, required:
[section], lacking: [{section, outcome, reason, cases: [id]}]}`; a case is `{id, section, title, outcome,
reason, seconds, findings: [finding], tolerated: [finding]}`; a finding is `{rule, level, clause, in: case or
recording, at: {event, path, byte}, expected, actual, breaks, see}`, numbers counted from 0 and null where
there is none. A report of recordings is `{"format": "openai-contract-judgement/1", verdict, exit_code,
exchanges, endpoints: {name: {exchanges, unjudged}}, findings: [finding], rules: {id: {applied, flagged,
not_reached}}, surprises: [text], tolerated: [finding], tolerances}`. A tolerated finding is not among the
`findings`; its member `tolerated` is the entry that covers it, `{by, place: file:line, rule, in, at, actual,
reason, link, expires: date or null}`. The tolerances are `{by: [text], expired: [entry], gone: [entry]}`.
`schema.json` beside this file says the same for validators. Members may be added within one format number,
none changes its meaning. A verdict is pass, fail, not reached or harness failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from contract_tests.recordings.judging import Summary
from contract_tests.report.breakage import load_table
from contract_tests.report.findings import mask
from contract_tests.rules.engine.judge import Finding
from contract_tests.run.outcome import CaseResult, ExitCode, Lack, RunReport
from contract_tests.tolerance.entry import Ledger, ToleranceEntry, Tolerated

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
        "tolerances": _ledger(report.ledger),
        "required": list(report.required),
        "lacking": [_lack(one) for one in report.lacking],
    }
    return _clean_json(value, tuple(secrets))


def judgement_as_json(
    summary: Summary,
    code: ExitCode,
    tolerated: Iterable[Tolerated] = (),
    ledger: Ledger | None = None,
) -> str:
    """What was found in recordings, as JSON text; what is tolerated is not among the summary's findings."""
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
        "tolerated": [_tolerated(one) for one in tolerated],
        "tolerances": _ledger(ledger or Ledger()),
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
        "clients": dict(load_table().of_rule(one.rule.id)),
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
        "tolerated": [_tolerated(one) for one in result.tolerated],
    }


def _tolerated(one: Tolerated) -> dict[str, Any]:
    """The finding, marked with the entry that covers it."""
    return {**finding(one.finding), "tolerated": _entry(one.entry)}


def _entry(one: ToleranceEntry) -> dict[str, Any]:
    expires = one.expires.isoformat() if one.expires else None
    members = {"by": one.by, "place": one.place, "rule": one.rule, "in": one.label, "at": one.path}
    return {**members, "actual": one.actual, "reason": one.reason, "link": one.link, "expires": expires}


def _ledger(ledger: Ledger) -> dict[str, Any]:
    return {
        "by": list(ledger.by),
        "expired": [_entry(one) for one in ledger.expired],
        "gone": [_entry(one) for one in ledger.gone],
    }


def _lack(one: Lack) -> dict[str, Any]:
    return {
        "section": one.section,
        "outcome": one.outcome.value,
        "reason": one.reason,
        "cases": list(one.cases),
    }


def _clean_json(value: Any, secrets: tuple[str, ...]) -> str:
    return json.dumps(_clean(value, secrets), ensure_ascii=False, indent=2) + "\n"


def _clean(value: Any, secrets: tuple[str, ...]) -> Any:
    """Every text of the value masked; lone surrogates replaced, so that it can be written."""
    if isinstance(value, str):
        return mask(value, secrets).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _clean(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, secrets) for inner in value]
    return value
