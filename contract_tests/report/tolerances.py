"""Formats tolerated findings, and tolerance entries that are out of date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contract_tests.report.document import Entry
from contract_tests.report.findings import MARKS, count, some
from contract_tests.rules.engine.judge import Level
from contract_tests.rules.engine.node import show_path
from contract_tests.tolerance.entry import ANYTHING, Ledger, ToleranceEntry, Tolerated, group_by_label


def format_reason(entry: ToleranceEntry) -> str:
    """'by profile azure: the reason (link; until 2027-01-31)'."""
    return _format_reason(entry.by, entry.reason, entry.link, str(entry.expires or ""))


def format_reason_in(entry: Entry) -> str:
    """The same of an entry in a document."""
    return _format_reason(entry["by"], entry["reason"], entry["link"], entry["expires"] or "")


def _format_reason(by: str, reason: str, link: str, expires: str) -> str:
    beside = "; ".join(part for part in (link, expires and f"until {expires}") if part)
    return f"by {by}: {reason}" + (f" ({beside})" if beside else "")


def describe_entry(entry: ToleranceEntry, labels: Sequence[str]) -> str:
    """'chat.stream.object in chat.stream.poem at choices[*].delta, seen as ""'."""
    parts = (("in", some(labels)), ("at", entry.path), ("seen as", entry.actual))
    return " ".join([entry.rule, *(f"{word} {text}" for word, text in parts if text != ANYTHING)])


def format_tolerated(tolerated: Iterable[Tolerated]) -> list[str]:
    """A block of lines for each profile or baseline: what it covers, by rule and reason, MUST first."""
    blocks: dict[str, dict[tuple[object, ...], list[Tolerated]]] = {}
    for covered in tolerated:
        entry = covered.entry
        reasons = blocks.setdefault(entry.by, {})
        reasons.setdefault((entry.rule, entry.reason, entry.link, entry.expires), []).append(covered)
    return [_block(name, list(reasons.values())) for name, reasons in blocks.items()]


def _block(name: str, reasons: list[list[Tolerated]]) -> str:
    order = list(Level)
    reasons.sort(key=lambda covered: order.index(covered[0].finding.rule.level))
    findings = count(sum(map(len, reasons)), "finding")
    rules = count(len({covered[0].entry.rule for covered in reasons}), "rule")
    lines = [line for covered in reasons for line in _reason(covered)]
    return "\n".join([f"tolerated by {name}: {findings} of {rules}", *lines])


def _reason(covered: Sequence[Tolerated]) -> list[str]:
    """One rule with one reason, and where it is broken."""
    entry, level = covered[0].entry, covered[0].finding.rule.level
    paths = dict.fromkeys(show_path(item.finding.place.path) or "the reply" for item in covered)
    labels = dict.fromkeys(item.finding.label for item in covered)
    rows = (
        ("at", some(list(paths), 3)),
        ("in", some(list(labels), 3)),
        ("reason", entry.reason),
        ("link", entry.link),
        ("expires", str(entry.expires or "")),
    )
    head = f"  {MARKS[level]} {entry.rule}   {level}   {count(len(covered), 'finding')}"
    return [head, *(f"      {name:9} {text}" for name, text in rows if text)]


def format_ledger(ledger: Ledger) -> list[str]:
    """A line for each entry that is out of date, with what to do."""
    lines = []
    for entry, labels in group_by_label(ledger.expired):
        was = f"was tolerated until {entry.expires}; fix the target or set a new date"
        lines.append(f"expired   {entry.place}: {describe_entry(entry, labels)} {was}")
    for entry, labels in group_by_label(ledger.gone):
        lines.append(f"gone      {entry.place}: {describe_entry(entry, labels)} no longer occurs; remove it")
    return lines
