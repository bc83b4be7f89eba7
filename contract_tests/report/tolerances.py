"""What is tolerated, and which entries are out of date, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contract_tests.report.findings import MARKS, count, some
from contract_tests.rules.engine import Level
from contract_tests.rules.node import show_path
from contract_tests.tolerance import ANYTHING, Entry, Ledger, Tolerated


def why(entry: Entry) -> str:
    """'by profile azure: the reason (link; until 2027-01-31)'."""
    until = f"until {entry.expires}" if entry.expires else ""
    beside = "; ".join(part for part in (entry.link, until) if part)
    return f"by {entry.by}: {entry.reason}" + (f" ({beside})" if beside else "")


def said(entry: Entry) -> str:
    """'chat.stream.object in chat.stream.poem at choices[*].delta, seen as ""'."""
    parts = (("in", entry.label), ("at", entry.path), ("seen as", entry.actual))
    return " ".join([entry.rule, *(f"{word} {text}" for word, text in parts if text != ANYTHING)])


def told_tolerated(tolerated: Iterable[Tolerated]) -> list[str]:
    """A block of lines for each profile or baseline: its entries with what they cover, MUST first."""
    by_entry: dict[Entry, list[Tolerated]] = {}
    for one in tolerated:
        by_entry.setdefault(one.entry, []).append(one)
    blocks = []
    for name in dict.fromkeys(entry.by for entry in by_entry):
        mine = {entry: covered for entry, covered in by_entry.items() if entry.by == name}
        findings = count(sum(map(len, mine.values())), "finding")
        rules = count(len({entry.rule for entry in mine}), "rule")
        head = f"tolerated by {name}: {findings} of {rules}"
        blocks.append("\n".join([head, *(line for one in _ordered(mine) for line in _entry(*one))]))
    return blocks


def _ordered(mine: dict[Entry, list[Tolerated]]) -> list[tuple[Entry, list[Tolerated]]]:
    order = list(Level)
    return sorted(mine.items(), key=lambda item: order.index(item[1][0].finding.rule.level))


def _entry(entry: Entry, covered: Sequence[Tolerated]) -> list[str]:
    level = covered[0].finding.rule.level
    paths = dict.fromkeys(show_path(one.finding.place.path) or "the reply" for one in covered)
    labels = dict.fromkeys(one.finding.label for one in covered)
    lines = [
        f"  {MARKS[level]} {entry.rule}   {level}   {count(len(covered), 'finding')}",
        f"      at        {some(list(paths), 3)}",
        f"      in        {some(list(labels), 3)}",
        f"      reason    {entry.reason}",
    ]
    if entry.link:
        lines.append(f"      link      {entry.link}")
    if entry.expires:
        lines.append(f"      expires   {entry.expires}")
    return lines


def told_ledger(ledger: Ledger) -> list[str]:
    """A line for each entry that is out of date, with what to do."""
    lines = []
    for one in ledger.expired:
        was = f"was tolerated until {one.expires}; mend the target or set a new date"
        lines.append(f"expired   {one.by} ({one.place}): {said(one)} {was}")
    for one in ledger.gone:
        lines.append(f"gone      {one.by} ({one.place}): {said(one)} occurs no longer; remove the entry")
    return lines
