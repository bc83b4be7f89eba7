"""Legs in words: a report per server, the table of all, the last line, and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contract_tests.interop.expected import Change
from contract_tests.interop.judging import Leg, Verdict
from contract_tests.outcome import Outcome
from contract_tests.rules.engine import Finding, Level

MIB = 1024 * 1024
MAX_CASES = 4
_COLUMNS = (
    "server",
    "version",
    *Outcome,
    "MUST",
    "SHOULD",
    "requests",
    "seconds",
    "start",
    "memory",
    "rules",
)


def report(leg: Leg, change: Change) -> str:
    """What was found on one server, a paragraph for each rule: the first place, and how often."""
    server = leg.server
    lines = [f"== {server.title} {server.version}: {leg.verdict}{': ' if leg.why else ''}{leg.why}"]
    if leg.report is None:
        return lines[0]
    lines += [f"  note: {note}" for note in leg.report.notes]
    for level in (Level.MUST, Level.SHOULD):
        by_rule: dict[str, list[Finding]] = {}
        for one in leg.findings:
            if one.rule.level is level:
                by_rule.setdefault(one.rule.id, []).append(one)
        for found in by_rule.values():
            lines += ["", *_paragraph(found, new=found[0].rule.id in change.new)]
    lines += ["", *(f"  warning: {rule} is new here; read its bytes" for rule in change.new)]
    lines += [f"  warning: {rule} is no longer found here" for rule in change.gone]
    return "\n".join(lines).rstrip()


def _paragraph(found: Sequence[Finding], *, new: bool) -> list[str]:
    first = found[0]
    cases = list(dict.fromkeys(one.label for one in found))
    shown = ", ".join(cases[:MAX_CASES]) + (
        f" and {len(cases) - MAX_CASES} more" if cases[MAX_CASES:] else ""
    )
    mark = "✗" if first.rule.level is Level.MUST else "!"
    lines = [
        f"{mark} {first.rule.id}   {first.rule.level}   {len(found)} times{'   new' if new else ''}",
        f"  {first.rule.clause}",
        f"    in        {shown}",
        f"    at        {first.place}",
    ]
    if first.expected:
        lines.append(f"    expected  {first.expected}")
    return [*lines, f"    actual    {first.actual}"]


def table(legs: Sequence[Leg], changes: Mapping[str, Change]) -> str:
    """One line for each server, with counts of cases by outcome and of findings by level."""
    rows = [_COLUMNS, *(_row(leg, changes[leg.server.name]) for leg in legs)]
    used = [
        place
        for place, name in enumerate(_COLUMNS)
        if name not in (*Outcome,) or any(row[place] not in ("0", "-") for row in rows[1:])
    ]
    widths = {place: max(len(row[place]) for row in rows) for place in used}
    return "\n".join("  ".join(row[place].ljust(widths[place]) for place in used).rstrip() for row in rows)


def _row(leg: Leg, change: Change) -> tuple[str, ...]:
    name, version = leg.server.name, leg.server.version
    if leg.report is None:
        return (name, version, *("-" for _ in Outcome), *("-" * 6), str(leg.verdict))
    changed = [*(f"new: {', '.join(change.new)}",) * bool(change.new)]
    changed += [*(f"gone: {', '.join(change.gone)}",) * bool(change.gone)]
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
        "; ".join(changed) or ("as expected" if leg.verdict is Verdict.JUDGED else str(leg.verdict)),
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


def as_json(leg: Leg, change: Change) -> dict[str, Any]:
    """A leg as a JSON object; without bodies, which may be large."""
    told: dict[str, Any] = {
        "server": leg.server.name,
        "version": leg.server.version,
        "verdict": str(leg.verdict),
        "why": leg.why,
        "seconds": {"install": round(leg.installed, 2), "start": round(leg.started, 2)},
        "memory_bytes": leg.memory,
        "new": change.new,
        "gone": change.gone,
    }
    if leg.report is None:
        return told
    told["seconds"]["run"] = round(leg.report.seconds, 2)
    return told | {
        "requests": leg.report.requests,
        "model": leg.report.model,
        "notes": leg.report.notes,
        "outcomes": {str(one): count for one, count in leg.outcomes.items()},
        "cases": [
            {
                "id": one.case_id,
                "outcome": str(one.outcome),
                "reason": one.reason,
                "findings": [_finding(found) for found in one.findings],
            }
            for one in leg.report.results
        ],
    }


def _finding(found: Finding) -> dict[str, str]:
    return {
        "rule": found.rule.id,
        "level": str(found.rule.level),
        "exchange": found.label,
        "at": str(found.place),
        "expected": found.expected,
        "actual": found.actual,
    }


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
