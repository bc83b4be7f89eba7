"""Differences as people read them: one line each, those of several pairs together, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from contract_tests.diffing.difference import Comparison, Difference, Kind
from contract_tests.diffing.reports import ReportDiff
from contract_tests.diffing.sources import Pairs
from contract_tests.diffing.verdicts import Verdict
from contract_tests.report.findings import count, masked, printable, some
from contract_tests.report.terminal import Terminal

STYLES = {
    Verdict.DRIFTED: "red",
    Verdict.OUTDATED: "red",
    Verdict.BEHIND: "yellow",
    Verdict.A_KNOWN: "yellow",
    Verdict.B_KNOWN: "yellow",
    Verdict.ALLOWED: "dim",
}
MANY = 200
"""Lines of one kind after which the rest is counted."""
_WIDEST = 120


def tell(terminal: Terminal, comparisons: Sequence[Comparison], pairs: Pairs, each: bool = False) -> None:
    """Every difference: of one pair as it is, of several added up (or with `each` pair by pair)."""
    if each or len(comparisons) == 1:
        for one in comparisons:
            if len(comparisons) > 1 and one.differences:
                terminal.say()
                terminal.say(one.a if one.a == one.b else f"{one.a} and {one.b}", "bold")
            _table(terminal, {found: [] for found in one.differences})
    else:
        together: dict[Difference, list[str]] = {}
        for one in comparisons:
            for found in one.differences:
                together.setdefault(found, []).append(one.a)
        _table(terminal, together, len(comparisons))
    _notes(terminal, comparisons, pairs)


def _table(terminal: Terminal, found: dict[Difference, list[str]], of: int = 0) -> None:
    """The differences by kind, the most frequent first; `of` is the number of pairs."""
    for kind in Kind:
        rows = sorted((one for one in found if one.kind is kind), key=lambda one: -len(found[one]))
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for name in (kind.value, "A", "B", "verdict" if kind is Kind.SHAPE else "", "pairs" if of else ""):
            table.add_column(name, overflow="fold")
        for one in rows[:MANY]:
            where = f"{len(found[one])}: {some(found[one], 2)}" if of else ""
            verdict = Text(one.verdict or "", style=STYLES.get(one.verdict, "") if one.verdict else "")
            cells = (one.where, one.a, one.b)
            table.add_row(*(_cell(terminal, text) for text in cells), verdict, _cell(terminal, where))
        terminal.say()
        terminal.console.print(table)
        if len(rows) > MANY:
            terminal.say(f"… and {count(len(rows) - MANY, 'difference')} of {kind} more; --json has them all")


def _cell(terminal: Terminal, text: str) -> Text:
    shown = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
    return Text(printable(masked(shown, terminal.secrets).encode("utf-8", "replace").decode()))


def _notes(terminal: Terminal, comparisons: Sequence[Comparison], pairs: Pairs) -> None:
    """What was not compared, said once."""
    unknown: dict[str, int] = {}
    for one in comparisons:
        for text in one.unknown:
            unknown[text] = unknown.get(text, 0) + 1
    several = len(comparisons) > 1
    lines = [
        f"not compared  {text}" + f" in {count(number, 'pair')}" * several for text, number in unknown.items()
    ]
    lines += [
        f"only in {name}     {some(only)}"
        for name, only in (("A", pairs.only_a), ("B", pairs.only_b))
        if only
    ]
    lines += [f"not asked     {text}" for text in _few(pairs.not_asked)]
    if lines:
        terminal.say()
    for line in lines:
        terminal.say(line, "dim")


def _few(texts: Sequence[str], limit: int = 5) -> list[str]:
    more = len(texts) - limit
    return [*texts[:limit], *([f"and {more:,} more"] if more > 0 else [])]


def verdict(comparisons: Sequence[Comparison], pairs: Pairs, code: int) -> str:
    """The last line."""
    found = [one for comparison in comparisons for one in comparison.differences]
    kinds = _counted(found, lambda one: one.kind.value)
    verdicts = _counted((one for one in found if one.verdict), lambda one: (one.verdict or "").lower())
    of = f" in {count(len(comparisons), 'pair')}" if len(comparisons) != 1 else ""
    unpaired = len(pairs.only_a) + len(pairs.only_b)
    rest = f"; {count(unpaired, 'recording')} without a counterpart" if unpaired else ""
    if not found:
        said = "nothing differs"
    else:
        said = f"{count(len(found), 'difference')} ({kinds})" + (f"; {verdicts}" if verdicts else "")
    return f"{'DIFFERENT' if code else 'SAME'}  {said}{of}{rest} (exit code {code})"


def _counted(found: Iterable[Difference], name: Callable[[Difference], str]) -> str:
    numbers: dict[str, int] = {}
    for one in found:
        numbers[name(one)] = numbers.get(name(one), 0) + 1
    return ", ".join(f"{number:,} {what}" for what, number in numbers.items())


def tell_reports(terminal: Terminal, found: ReportDiff, code: int) -> None:
    """Two reports: what they are of, then what is new, gone, and otherwise now."""
    for name, a, b in found.facts:
        terminal.say(f"{name:9} {a}" if a == b else f"{name:9} {a} → {b}")
    for word, places, style in (("new", found.new, "red"), ("gone", found.gone, "green")):
        if places:
            terminal.say()
        for place, one in places.items():
            mark = " (tolerated)" if one.tolerated else ""
            terminal.say(f"{word:9} {one.level:6} {place}: {one.actual}{mark}", style)
    lines = [
        f"{'tolerated' if now else 'no longer tolerated'}  {place}"
        for place, (_, now) in found.tolerated.items()
    ]
    lines += [f"outcome   {case}: {before} → {after}" for case, before, after in found.outcomes]
    lines += [
        f"{word:9} {some(ids)}" for word, ids in (("added", found.added), ("removed", found.removed)) if ids
    ]
    if lines:
        terminal.say()
    for line in lines:
        terminal.say(line)
    counts = f"{len(found.new)} new, {len(found.gone)} gone, {len(found.still)} still there"
    changed = f"; {count(len(found.outcomes), 'outcome')} changed" if found.outcomes else ""
    terminal.say()
    terminal.say(
        f"{'DIFFERENT' if code else 'SAME'}  findings: {counts}{changed} (exit code {code})",
        "bold red" if code else "bold green",
    )
