"""Reports as JSON.

A report of a run is `{"format": "openai-contract-report/1", kit: version, started: ISO 8601, target, model, server:
{field: value}, verdict, exit_code, seconds, requests, stopped, notes: [text], cases: [case], rules: {id: exchanges
it applied to}, tolerances, required: [section], lacking: [{section, outcome, reason, cases: [id]}]}`; a case is
`{id, section, title, outcome, reason, seconds, findings: [finding], tolerated: [finding]}`; a finding is `{rule,
level, clause, in: case or recording, at: {event, path, byte}, expected, actual, request: {method, target, members:
{name: shown}} or null, bytes: {before, after} around the place or null, breaks, see, again: command}`, numbers
counted from 0 and null where there is none. A report of recordings is `{"format": "openai-contract-judgement/1",
verdict, exit_code, exchanges, endpoints: {name: {exchanges, unjudged}}, findings: [finding], rules: {id: {applied,
flagged, not_reached}}, surprises: [text], tolerated: [finding], tolerances}`. A tolerated finding is not among the
`findings`; its member `tolerated` is the entry that covers it, `{by, place: file:line, rule, in, at, actual,
reason, link, expires: date or null}`. The tolerances are `{by: [text], expired: [entry], gone: [entry]}`.
`schema.json` beside this file says the same for validators. Members may be added within one format number,
none changes its meaning. A verdict is pass, fail, not reached or harness failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from contract_tests.recordings.judging import Summary
from contract_tests.report.findings import again, clients_of, reason
from contract_tests.rules.engine.judge import Finding
from contract_tests.run.outcome import CaseResult, ExitCode, RunReport
from contract_tests.tolerance.entry import Ledger, ToleranceEntry, Tolerated
from fake_server.command_line import kit_version
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import dump_json

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
        "kit": kit_version(),
        "started": report.started,
        "target": report.target,
        "model": report.model,
        "server": report.server,
        "verdict": VERDICTS[code],
        "exit_code": int(code),
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "stopped": report.stopped,
        "notes": report.notes,
        "cases": [_case(result, report.command) for result in report.results],
        "rules": dict(sorted(report.applied.items())),
        "tolerances": _ledger(report.ledger),
        "required": report.required,
        "lacking": [asdict(lack) for lack in report.lacking],
    }
    return clean_json(value, secrets)


def judgement_as_json(
    summary: Summary,
    code: ExitCode,
    tolerated: Iterable[Tolerated] = (),
    ledger: Ledger | None = None,
    secrets: Iterable[str] = (),
) -> str:
    """The judgement of recordings as JSON text; `summary.findings` must not contain the tolerated ones."""
    value = {
        "format": JUDGEMENT_FORMAT,
        "kit": kit_version(),
        "verdict": VERDICTS[code],
        "exit_code": int(code),
        "exchanges": summary.exchanges,
        "endpoints": {
            name: {"exchanges": number, "unjudged": summary.unjudged[name]}
            for name, number in summary.per_endpoint.most_common()
        },
        "findings": [finding_as_json(finding) for finding in summary.findings],
        "rules": {
            name: {
                "applied": summary.applied[name],
                "flagged": summary.flagged[name],
                "not_reached": summary.not_reached[name],
            }
            for name in sorted({*summary.applied, *summary.not_reached})
        },
        "surprises": summary.surprises,
        "tolerated": [_tolerated(covered) for covered in tolerated],
        "tolerances": _ledger(ledger or Ledger()),
    }
    return clean_json(value, secrets)


def finding_as_json(finding: Finding, command: str = "") -> dict[str, Any]:
    """A finding as a JSON object; `command` is the run that found it."""
    evidence = finding.evidence
    return {
        "rule": finding.rule.id,
        "level": finding.rule.level,
        "clause": finding.rule.clause,
        "in": finding.label,
        "at": {"event": finding.place.event, "path": finding.place.path, "byte": finding.place.offset},
        "expected": finding.expected,
        "actual": finding.actual,
        "request": evidence
        and {"method": evidence.method, "target": evidence.target, "members": dict(evidence.members)},
        "bytes": evidence and {"before": evidence.before, "after": evidence.after},
        "breaks": finding.harm,
        "clients": dict(clients_of(finding)),
        "because": reason(finding),
        "see": finding.rule.see,
        "again": again(finding, command),
    }


def _case(result: CaseResult, command: str) -> dict[str, Any]:
    return {
        "id": result.case_id,
        "section": result.section,
        "title": result.title,
        "outcome": result.outcome,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "findings": [finding_as_json(finding, command) for finding in result.findings],
        "tolerated": [_tolerated(covered) for covered in result.tolerated],
    }


def _tolerated(covered: Tolerated) -> dict[str, Any]:
    """A tolerated finding as a JSON object, with the entry that covers it."""
    return {**finding_as_json(covered.finding), "tolerated": _entry(covered.entry)}


def _entry(entry: ToleranceEntry) -> dict[str, Any]:
    expires = entry.expires.isoformat() if entry.expires else None
    members = {"by": entry.by, "place": entry.place, "rule": entry.rule, "in": entry.label, "at": entry.path}
    return {**members, "actual": entry.actual, "reason": entry.reason, "link": entry.link, "expires": expires}


def _ledger(ledger: Ledger) -> dict[str, Any]:
    return {
        "by": ledger.by,
        "expired": [_entry(entry) for entry in ledger.expired],
        "gone": [_entry(entry) for entry in ledger.gone],
    }


def clean_json(value: Any, secrets: Iterable[str] = ()) -> str:
    """The value as JSON text, every text in it masked, names too."""
    known = tuple(secrets)

    def clean(part: Any) -> Any:
        if isinstance(part, str):
            return mask_excerpt(part, known)
        if isinstance(part, dict):
            return {clean(name): clean(inner) for name, inner in part.items()}
        return [clean(inner) for inner in part] if isinstance(part, (list, tuple)) else part

    return dump_json(clean(value))
