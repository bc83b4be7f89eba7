"""Legs in words and as JSON: a report per server, the table of all, the last line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract_tests.lab.interop.expected import Change
from contract_tests.lab.interop.judging import Leg, Verdict
from contract_tests.report.files import as_json
from contract_tests.report.findings import format_finding, grouped
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome
from fake_server.wire.fixture import Fixture, save

MIB = 1024 * 1024
OUTCOMES = tuple(one.value for one in Outcome)
COLUMNS = (
    "server",
    "version",
    *OUTCOMES,
    "MUST",
    "SHOULD",
    "requests",
    "seconds",
    "start",
    "memory",
    "rules",
)


def report(leg: Leg, change: Change) -> str:
    """What was found on one server: each rule's first finding in full, then what is unexpected."""
    lines = [f"== {leg.server.title} {leg.server.version}: {leg.verdict}{': ' if leg.why else ''}{leg.why}"]
    if leg.report is None:
        return lines[0]
    lines += [f"note      {note}" for note in leg.report.notes]
    lines += [f"{one.outcome:14} {one.case_id}: {one.reason}" for one in leg.report.results if one.reason]
    for one, also in grouped(found for found in leg.findings if found.rule.level is not Level.NOTE):
        lines += ["", format_finding(one, also=also)]
    if change.new or change.gone:
        lines += ["", *(f"warning: {rule} is new here; read its bytes" for rule in change.new)]
        lines += [f"warning: {rule} is no longer found here" for rule in change.gone]
    return "\n".join(lines)


def table(legs: Sequence[Leg], changes: Mapping[str, Change]) -> str:
    """One line for each server; outcomes that no case had are left out."""
    rows = [COLUMNS, *(_row(leg, changes[leg.server.name]) for leg in legs)]
    used = [
        place
        for place, name in enumerate(COLUMNS)
        if name not in OUTCOMES or any(row[place] not in ("0", "-") for row in rows[1:])
    ]
    widths = {place: max(len(row[place]) for row in rows) for place in used}
    return "\n".join("  ".join(row[place].ljust(widths[place]) for place in used).rstrip() for row in rows)


def _row(leg: Leg, change: Change) -> tuple[str, ...]:
    name, version = leg.server.name, leg.server.version
    if leg.report is None:
        return (name, version, *("-" * (len(COLUMNS) - 3)), str(leg.verdict))
    unexpected = [
        f"{word}: {', '.join(rules)}" for word, rules in (("new", change.new), ("gone", change.gone)) if rules
    ]
    return (
        name,
        version,
        *(str(leg.outcomes[one]) for one in Outcome),
        str(leg.rules(Level.MUST).total()),
        str(leg.rules(Level.SHOULD).total()),
        str(leg.report.requests),
        f"{leg.report.seconds:.1f}",
        f"{leg.started:.1f} s",
        f"{leg.memory // MIB} MB" if leg.memory else "-",
        "; ".join(unexpected) or ("as expected" if leg.verdict is Verdict.JUDGED else str(leg.verdict)),
    )


def last_line(legs: Sequence[Leg], *, skipping: bool, seconds: float) -> str:
    """The verdict over all servers."""
    judged = [leg for leg in legs if leg.verdict is Verdict.JUDGED]
    must = sum(leg.rules(Level.MUST).total() for leg in legs)
    should = sum(leg.rules(Level.SHOULD).total() for leg in legs)
    text = f"interop: {_many(len(judged), 'server')} judged, {_many(must, 'MUST finding')}, {should} SHOULD"
    skipped = [leg.server.name for leg in legs if excused(leg, skipping=skipping)]
    failed = [leg.server.name for leg in legs if leg not in judged and leg.server.name not in skipped]
    for word, names in (("skipped", skipped), ("failed", failed)):
        text += f", {word}: {', '.join(names)}" if names else ""
    return f"{text} ({seconds:.0f} s)"


def excused(leg: Leg, *, skipping: bool) -> bool:
    """Whether a leg without a judgement is no failure; `skipping` excuses servers that do not start too."""
    return leg.verdict is Verdict.SKIPPED or (skipping and leg.verdict is Verdict.NOT_STARTED)


def write_json(legs: Sequence[Leg], changes: Mapping[str, Change], folder: Path) -> None:
    """`interop.json` about all, and the contract's report as `<server>.json`. Raises OSError."""
    (folder / "interop.json").write_text(
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
        "why": leg.why,
        "install_seconds": round(leg.installed, 2),
        "start_seconds": round(leg.started, 2),
        "memory_bytes": leg.memory,
        "outcomes": {one.value: leg.outcomes[one] for one in Outcome},
        "must": dict(sorted(leg.rules(Level.MUST).items())),
        "should": dict(sorted(leg.rules(Level.SHOULD).items())),
        "new": list(change.new),
        "gone": list(change.gone),
    }


def keep(leg: Leg, folder: Path) -> int:
    """Save the exchanges of every case with findings as fixtures, to read their bytes; how many.

    `contract judge` reads them too. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    kept = 0
    for result in leg.report.results if leg.report else ():
        if not any(one.rule.level is not Level.NOTE for one in result.findings):
            continue
        for place, exchange in enumerate(result.exchanges):
            rules = sorted({one.rule.id for one in result.findings if one.label == exchange.label})
            title = f"{leg.server.title} {leg.server.version}: {exchange.label or result.title}"
            save(Fixture(exchange, title, tuple(rules)), folder / f"{result.case_id}-{place}.yaml")
            kept += 1
    return kept


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
