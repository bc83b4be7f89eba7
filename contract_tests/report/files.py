"""Reports as JSON.

A report of a run is `{"format": "openai-contract-report/1", kit: version, started: ISO 8601, target, model, server:
{field: value}, verdict, exit_code, fail_on: level, seconds, requests, stopped, notes: [text], cases: [case], rules:
{id: exchanges it applied to}, tolerances, config: file of options, recordings, required: [section], lacking: [{section,
outcome, reason, cases: [id]}], selection, summary}`; a case is `{id, section, title, outcome, reason, seconds,
findings: [finding], tolerated: [finding], exchanges: [exchange]}`. `recordings` are the saved exchanges that findings
are in, by what `in` says of them: `{label: {file, line: in a file of several, else 0}}`.

A report of recordings is `{"format": "openai-contract-judgement/1", verdict, exit_code, fail_on, exchanges, endpoints:
{name: {exchanges, unjudged, failing: judged, with a MUST finding, tolerated or not}}, findings: [finding], rules: {id:
{applied, flagged, not_reached}}, surprises: [text], tolerated: [finding], tolerances, recordings, summary,
exchanges_with_findings: [exchange], selection, stopped: why nothing was judged, judged: what `in` may say}`.

The selection is only there where not all was asked or judged: `{by: [words of the command line], left_out: {section or
endpoint: cases or exchanges}}`. Coverage counts what was left out as not there.

A finding is `{rule, level, clause, in: case or recording, at: {event, path, byte}, expected, actual, request: {method,
target, members: {name: shown}} or null, bytes: {before, after} around the place or null, breaks, clients, because,
see, again: command}`, numbers counted from 0 and null where there is none. A tolerated finding is not among the
`findings`; its member `tolerated` is the entry that covers it, `{by, place: file:line, rule, in, at, actual, reason,
link, expires: date or null}`. The tolerances are `{by: [text], expired: [entry], gone: [entry]}`.

An exchange is what `contract_tests.rules.outline` describes: each has the times of its writes, and the first two that
break a rule have texts; there are at most 1,000 in a report, with 250,000 characters of texts.

The summary (`summary.py`) is `{unit: case or exchange, total: numbers, tiers: {name: numbers}, sections: {name: numbers
with tier and outcomes: {name: cases}}, findings: {level: {findings, rules}}, tolerated}`, where numbers are
`{coverage: {count, of, percent or null}, conformance: the same}`.

`schema.json` beside this file says the same for validators, `document.py` for the forms. Members may be added within
one format number, none changes its meaning. A verdict is pass, fail, not reached or harness failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, cast

from contract_tests.recordings.judging import Summary
from contract_tests.report.document import JUDGEMENT, RUN, Document
from contract_tests.report.exchanges import choose_exchanges, format_json
from contract_tests.report.findings import finding_as_json
from contract_tests.report.summary import summarize
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import CaseResult, ExitCode, RunReport
from contract_tests.tolerance.entry import Ledger, ToleranceEntry, Tolerated
from fake_server.command_line import kit_version
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import dump_json

MOST_LABELS = 50_000
"""Recordings that a report names; one of more does not say which it judged."""
VERDICTS = {
    ExitCode.OK: "pass",
    ExitCode.FINDINGS: "fail",
    ExitCode.USAGE: "not reached",
    ExitCode.UNREACHABLE: "not reached",
    ExitCode.HARNESS: "harness failed",
}


def run_document(
    report: RunReport, code: ExitCode, secrets: Iterable[str] = (), fail_on: Level = Level.MUST
) -> Document:
    """The report of a run as a document; `fail_on` is the lowest level of finding that fails."""
    secrets = tuple(secrets)
    shown = choose_exchanges(report, secrets)
    value = {
        "format": RUN,
        "kit": kit_version(),
        "started": report.started,
        "target": report.target,
        "model": report.model,
        "server": report.server,
        "verdict": VERDICTS[code],
        "exit_code": int(code),
        "fail_on": fail_on,
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "stopped": report.stopped,
        "notes": report.notes,
        "cases": [_case(result, report.command, shown[result.case_id]) for result in report.results],
        "rules": dict(sorted(report.applied.items())),
        "tolerances": _ledger(report.ledger),
        "config": report.config,
        "recordings": {label: {"file": file, "line": 0} for label, file in report.recordings.items()},
        "required": report.required,
        "lacking": [asdict(lack) for lack in report.lacking],
        **_selection(report.selected, report.left_out),
    }
    return finish(value, secrets)


def judgement_document(
    summary: Summary,
    code: ExitCode,
    tolerated: Iterable[Tolerated] = (),
    ledger: Ledger | None = None,
    secrets: Iterable[str] = (),
    fail_on: Level = Level.MUST,
    stopped: str = "",
) -> Document:
    """The judgement of recordings as a document; `summary.findings` must not contain the tolerated ones.

    `stopped` says why nothing was judged.
    """
    value = {
        "format": JUDGEMENT,
        "kit": kit_version(),
        "verdict": VERDICTS[code],
        "exit_code": int(code),
        "fail_on": fail_on,
        "exchanges": summary.exchanges,
        "endpoints": {
            name: {"exchanges": number, "unjudged": summary.unjudged[name], "failing": summary.failing[name]}
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
        "exchanges_with_findings": summary.outlines,
        "recordings": {label: {"file": file, "line": line} for label, (file, line) in summary.origins.items()},
        **_selection(summary.selected_by, summary.left_out),
        **({"stopped": stopped} if stopped else {}),
        **({"judged": list(summary.judged)} if len(summary.judged) <= MOST_LABELS else {}),
    }
    return finish(value, secrets)


def finish(value: Any, secrets: Iterable[str]) -> Document:
    """The value as a document: every text masked, with its summary."""
    document = cast(Document, clean(value, secrets))
    document["summary"] = summarize(document)
    return document


def as_json(report: RunReport, code: ExitCode, secrets: Iterable[str] = ()) -> str:
    """The report as JSON text."""
    return format_json(run_document(report, code, secrets))


def judgement_as_json(
    summary: Summary,
    code: ExitCode,
    tolerated: Iterable[Tolerated] = (),
    ledger: Ledger | None = None,
    secrets: Iterable[str] = (),
) -> str:
    """The judgement of recordings as JSON text."""
    return format_json(judgement_document(summary, code, tolerated, ledger, secrets))


def _case(result: CaseResult, command: str, exchanges: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": result.case_id,
        "section": result.section,
        "title": result.title,
        "outcome": result.outcome,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "findings": [finding_as_json(finding, command) for finding in result.findings],
        "tolerated": [_tolerated(covered) for covered in result.tolerated],
        "exchanges": exchanges,
    }


def _selection(by: Iterable[str], left_out: Mapping[str, int]) -> dict[str, Any]:
    listed = list(by)
    return {"selection": {"by": listed, "left_out": dict(left_out)}} if listed else {}


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
    return dump_json(clean(value, secrets))


def clean(value: Any, secrets: Iterable[str] = ()) -> Any:
    """The value as JSON text would be read again, every text in it masked, names too."""
    known = tuple(secrets)

    def clean(part: Any) -> Any:
        if isinstance(part, str):
            return mask_excerpt(str(part), known).encode("utf-8", "replace").decode()
        if isinstance(part, dict):
            return {clean(name): clean(inner) for name, inner in part.items()}
        return [clean(inner) for inner in part] if isinstance(part, (list, tuple)) else part

    return clean(value)
