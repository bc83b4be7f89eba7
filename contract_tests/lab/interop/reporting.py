"""Legs as text and as JSON: a report per server, the table of all servers, the last line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract_tests.lab.interop.expected import Change
from contract_tests.lab.interop.judging import Leg, Verdict
from contract_tests.report.files import as_json
from contract_tests.report.findings import first_few, format_finding
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome
from fake_server.wire.fixture import Fixture, save

MIB = 1024 * 1024
OUTCOMES = tuple(outcome.value for outcome in Outcome)
COUNTS = ("MUST", "SHOULD", "requests", "seconds", "start", "memory")
SUMMARY = "interop.json"
"""The file about all servers, beside a report of each."""
RESPONSES = "responses"
"""The section, and the column that says what became of its cases."""
COLUMNS = ("server", "version", *OUTCOMES, RESPONSES, *COUNTS, "rules")


def format_leg(leg: Leg, change: Change) -> str:
    """What was found on one server: each rule's first finding in full, then what was not expected."""
    because = f": {leg.reason}" if leg.reason else ""
    heading = f"== {leg.server.title} {leg.server.version}: {leg.verdict}{because}"
    if leg.report is None:
        return heading
    lines = [heading, *(f"note      {note}" for note in leg.report.notes)]
    lines += [
        f"{result.outcome:14} {result.case_id}: {result.reason}" for result in leg.report.results if result.reason
    ]
    for (finding,), also in first_few((finding for finding in leg.findings if finding.rule.level is not Level.NOTE), 1):
        lines += ["", format_finding(finding, also=also)]
    if change.new or change.gone:
        lines += ["", *(f"warning: {rule} is new here; read its bytes" for rule in change.new)]
        lines += [f"warning: {rule} is no longer found here" for rule in change.gone]
    return "\n".join(lines)


def format_table(legs: Sequence[Leg], changes: Mapping[str, Change]) -> str:
    """One line for each server; outcomes that no case had are left out, and so are Responses that nobody asked for."""
    rows = [COLUMNS, *(_row(leg, changes[leg.server.name]) for leg in legs)]
    used = [
        column
        for column, name in enumerate(COLUMNS)
        if name not in (*OUTCOMES, RESPONSES) or any(row[column] not in ("0", "-") for row in rows[1:])
    ]
    widths = {column: max(len(row[column]) for row in rows) for column in used}
    return "\n".join("  ".join(row[column].ljust(widths[column]) for column in used).rstrip() for row in rows)


def _row(leg: Leg, change: Change) -> tuple[str, ...]:
    name, version = leg.server.name, leg.server.version
    if leg.report is None:
        return (name, version, *("-" * (len(COLUMNS) - 3)), str(leg.verdict))
    unexpected = [
        f"{kind}: {', '.join(rules)}" for kind, rules in (("new", change.new), ("gone", change.gone)) if rules
    ]
    return (
        name,
        version,
        *(str(leg.outcomes[outcome]) for outcome in Outcome),
        ", ".join(f"{number} {outcome}" for outcome, number in leg.outcomes_of(RESPONSES).items()) or "-",
        str(leg.count_rules(Level.MUST).total()),
        str(leg.count_rules(Level.SHOULD).total()),
        str(leg.report.requests),
        f"{leg.report.seconds:.1f}",
        f"{leg.start_seconds:.1f} s",
        f"{leg.memory // MIB} MB" if leg.memory else "-",
        "; ".join(unexpected) or ("as expected" if leg.verdict is Verdict.JUDGED else str(leg.verdict)),
    )


def format_last_line(legs: Sequence[Leg], *, skip_missing: bool, seconds: float) -> str:
    """The verdict over all servers."""
    judged = [leg for leg in legs if leg.verdict is Verdict.JUDGED]
    must = sum(leg.count_rules(Level.MUST).total() for leg in legs)
    should = sum(leg.count_rules(Level.SHOULD).total() for leg in legs)
    text = f"interop: {_plural(len(judged), 'server')} judged, {_plural(must, 'MUST finding')}, {should} SHOULD"
    skipped = [leg.server.name for leg in legs if is_excused(leg, skip_missing=skip_missing)]
    failed = [leg.server.name for leg in legs if leg not in judged and leg.server.name not in skipped]
    for label, names in (("skipped", skipped), ("failed", failed)):
        text += f", {label}: {', '.join(names)}" if names else ""
    return f"{text} ({seconds:.0f} s)"


def is_excused(leg: Leg, *, skip_missing: bool) -> bool:
    """Whether a leg that was not judged is no failure.

    A skipped server is none; with `skip_missing`, a server that did not start is none either.
    """
    return leg.verdict is Verdict.SKIPPED or (skip_missing and leg.verdict is Verdict.NOT_STARTED)


def write_json(legs: Sequence[Leg], changes: Mapping[str, Change], folder: Path) -> None:
    """Write SUMMARY about all servers, and each server's report as `<server>.json`. Raises OSError."""
    (folder / SUMMARY).write_text(
        json.dumps([_summary(leg, changes[leg.server.name]) for leg in legs], indent=2) + "\n", "utf-8"
    )
    for leg in legs:
        if leg.report is not None:
            text = as_json(leg.report, leg.report.exit_code())
            (folder / f"{leg.server.name}.json").write_text(text, "utf-8")


def _summary(leg: Leg, change: Change) -> dict[str, Any]:
    return {
        "server": leg.server.name,
        "version": leg.server.version,
        "verdict": leg.verdict.value,
        "why": leg.reason,
        "install_seconds": round(leg.install_seconds, 2),
        "start_seconds": round(leg.start_seconds, 2),
        "memory_bytes": leg.memory,
        "outcomes": {outcome.value: leg.outcomes[outcome] for outcome in Outcome},
        RESPONSES: {outcome.value: number for outcome, number in leg.outcomes_of(RESPONSES).items()},
        "must": dict(sorted(leg.count_rules(Level.MUST).items())),
        "should": dict(sorted(leg.count_rules(Level.SHOULD).items())),
        "new": list(change.new),
        "gone": list(change.gone),
    }


def save_findings(leg: Leg, folder: Path) -> int:
    """Save the exchanges of every case with findings as fixtures, and return their number.

    Empties the folder first. `contract judge` reads the fixtures too. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    saved = 0
    for result in leg.report.results if leg.report else ():
        if not any(finding.rule.level is not Level.NOTE for finding in result.findings):
            continue
        for number, exchange in enumerate(result.exchanges):
            rules = sorted({finding.rule.id for finding in result.findings if finding.label == exchange.label})
            title = f"{leg.server.title} {leg.server.version}: {exchange.label or result.title}"
            save(Fixture(exchange, title, tuple(rules)), folder / f"{result.case_id}-{number}.yaml")
            saved += 1
    return saved


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
