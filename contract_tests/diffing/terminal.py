"""Differences as people read them: one line each, those of several pairs together, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from contract_tests.diffing.difference import Comparison, Difference, Kind
from contract_tests.diffing.reports import ReportDiff
from contract_tests.diffing.sources import Pairs
from contract_tests.diffing.verdicts import Verdict
from contract_tests.report.findings import count, mask, printable, some
from contract_tests.report.terminal import Terminal
from fake_server.wire.text import shorten

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
_WIDEST, _COLUMN = 160, 48
"""Characters of a cell that are shown, and of a column that others are lined up to."""
_VERDICT = max(map(len, Verdict))
_REPEATED = re.compile(r" ×\d+")


def print_differences(
    terminal: Terminal, comparisons: Sequence[Comparison], pairs: Pairs, each: bool = False
) -> None:
    """Every difference: of one pair as it is, of several added up (or with `each` pair by pair)."""
    if each or len(comparisons) == 1:
        for one in comparisons:
            if len(comparisons) > 1 and one.differences:
                terminal.print()
                terminal.print(one.a if one.a == one.b else f"{one.a} and {one.b}", "bold")
            _table(terminal, {found: [] for found in one.differences})
    else:
        together: dict[Difference, list[str]] = {}
        for one in comparisons:
            for found in one.differences:
                together.setdefault(_alike(found), []).append(one.a)
        _table(terminal, together, len(comparisons))
    _notes(terminal, comparisons, pairs)


def _alike(one: Difference) -> Difference:
    """The difference without how often steps repeat, which no two replies have alike."""
    return replace(one, a=_REPEATED.sub(" ×…", one.a), b=_REPEATED.sub(" ×…", one.b))


def _table(terminal: Terminal, found: dict[Difference, list[str]], of: int = 0) -> None:
    """The differences by kind, the most frequent first; `of` is the number of pairs, 0 where it is one."""
    for kind in Kind:
        rows = sorted((one for one in found if one.kind is kind), key=lambda one: -len(found[one]))
        if not rows:
            continue
        head = (kind.value, "A", "B", "verdict" if kind is Kind.SHAPE else "", "pairs" if of else "")
        lines = [tuple(_clean(terminal, text) for text in (one.where, one.a, one.b)) for one in rows[:MANY]]
        widths = [_width([*(line[column] for line in lines), head[column]]) for column in range(3)]
        terminal.print()
        last = _VERDICT if of and kind is Kind.SHAPE else 0
        _line(terminal, [*_padded(head[:3], widths), head[3].ljust(last), head[4]], "bold")
        for one, line in zip(rows, lines, strict=False):
            where = f"{len(found[one])}: {some(found[one], 1)}" if of else ""
            _line(terminal, [*_padded(line, widths), (one.verdict or "").ljust(last), where], _style(one))
        if len(rows) > MANY:
            terminal.print(
                f"… and {count(len(rows) - MANY, 'difference')} of {kind} more; --json has them all"
            )


def _line(terminal: Terminal, cells: Sequence[str], style: str) -> None:
    terminal.print("  ".join(cell for cell in cells if cell).rstrip(), style)


def _style(one: Difference) -> str:
    return STYLES.get(one.verdict, "") if one.verdict else ""


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]


def _width(cells: Sequence[str]) -> int:
    """As wide as most of them need; a longer one pushes the rest of its line."""
    return min(max(map(len, cells)), sorted(map(len, cells))[len(cells) * 9 // 10] + 4, _COLUMN)


def _clean(terminal: Terminal, text: str) -> str:
    """The text, shortened, without secrets and on one line."""
    flat = " ".join(shorten(text, _WIDEST).split())
    return printable(mask(flat, terminal.secrets))


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
        terminal.print()
    for line in lines:
        terminal.print(line, "dim")


def _few(texts: Sequence[str], limit: int = 5) -> list[str]:
    more = len(texts) - limit
    return [*texts[:limit], *([f"and {more:,} more"] if more > 0 else [])]


def format_verdict(comparisons: Sequence[Comparison], pairs: Pairs, code: int) -> str:
    """The last line."""
    found = [one for comparison in comparisons for one in comparison.differences]
    kinds = _format_counts(found, lambda one: one.kind.value)
    verdicts = _format_counts((one for one in found if one.verdict), lambda one: one.verdict or "")
    of = f" in {count(len(comparisons), 'pair')}" if len(comparisons) != 1 else ""
    unpaired = len(pairs.only_a) + len(pairs.only_b)
    rest = f"; {count(unpaired, 'recording')} without a counterpart" if unpaired else ""
    if not found:
        said = "nothing differs"
    else:
        said = f"{count(len(found), 'difference')} ({kinds})" + (f": {verdicts}" if verdicts else "")
    return f"{'DIFFERENT' if code else 'SAME'}  {said}{of}{rest} (exit code {code})"


def _format_counts(found: Iterable[Difference], name: Callable[[Difference], str]) -> str:
    numbers: dict[str, int] = {}
    for one in found:
        numbers[name(one)] = numbers.get(name(one), 0) + 1
    return ", ".join(f"{what} {number:,}" for what, number in numbers.items())


def print_report_differences(terminal: Terminal, found: ReportDiff, code: int) -> None:
    """Two reports: what they are of, then what is new, gone, and otherwise now."""
    for name, a, b in found.facts:
        terminal.print(f"{name:9} {a}" if a == b else f"{name:9} {a} → {b}")
    for word, places, style in (("new", found.new, "red"), ("gone", found.gone, "green")):
        if places:
            terminal.print()
        for place, one in places.items():
            mark = " (tolerated)" if one.tolerated else ""
            terminal.print(f"{word:9} {one.level:6} {place}: {one.actual}{mark}", style)
    lines = [
        f"{'tolerated' if now else 'no longer tolerated'}  {place}"
        for place, (_, now) in found.tolerated.items()
    ]
    lines += [f"outcome   {case}: {before} → {after}" for case, before, after in found.outcomes]
    lines += [
        f"{word:9} {some(ids)}" for word, ids in (("added", found.added), ("removed", found.removed)) if ids
    ]
    if lines:
        terminal.print()
    for line in lines:
        terminal.print(line)
    counts = f"{len(found.new)} new, {len(found.gone)} gone, {len(found.still)} still there"
    changed = f"; {count(len(found.outcomes), 'outcome')} changed" if found.outcomes else ""
    terminal.print()
    terminal.print(
        f"{'DIFFERENT' if code else 'SAME'}  findings: {counts}{changed} (exit code {code})",
        "bold red" if code else "bold green",
    )
