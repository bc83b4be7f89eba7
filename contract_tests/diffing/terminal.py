"""Prints differences for people: one line each, those of several pairs added up, and the verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from contract_tests.diffing.answers import THE_ANSWER
from contract_tests.diffing.difference import Comparison, Difference, Kind
from contract_tests.diffing.forms import ABSENT
from contract_tests.diffing.reports import FindingPlace, ReportDiff, ReportedFinding
from contract_tests.diffing.sources import Pairs
from contract_tests.diffing.verdicts import Verdict
from contract_tests.report.findings import MARKS, count, some
from contract_tests.report.terminal import Terminal
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Level
from fake_server.relay.redact import shorten_masked

STYLES: dict[Verdict | None, str] = {
    Verdict.DRIFTED: "red",
    Verdict.OUTDATED: "red",
    Verdict.A_REFUSES: "red",
    Verdict.B_REFUSES: "red",
    Verdict.BEHIND: "yellow",
    Verdict.A_KNOWN: "yellow",
    Verdict.B_KNOWN: "yellow",
    Verdict.ALLOWED: "dim",
}
MANY = 200
"""Lines of one kind after which the rest is only counted."""
_WIDEST, _COLUMN = 160, 48
"""Characters of a cell that are shown, and the largest width of a column."""
_HEADER = "header "
_READ = (
    "content-type",
    "content-encoding",
    "retry-after",
    "retry-after-ms",
    "www-authenticate",
    "x-request-id",
    "location",
)
"""Header fields that clients of the API read; those of a vendor are put together."""
_VERDICT = max(map(len, Verdict))
_REPEATED = re.compile(r" ×\d+")


def print_differences(terminal: Terminal, comparisons: Sequence[Comparison], pairs: Pairs, each: bool = False) -> None:
    """Print every difference: of one pair as it is, of several added up or, with `each`, pair by pair."""
    if each or len(comparisons) == 1:
        for comparison in comparisons:
            if len(comparisons) > 1 and comparison.differences:
                names = dict.fromkeys((comparison.a, comparison.b))
                terminal.print()
                terminal.print(" and ".join(names), "bold")
            _table(terminal, {difference: [] for difference in comparison.differences})
    else:
        by_difference: dict[Difference, list[str]] = {}
        for comparison in comparisons:
            for difference in comparison.differences:
                by_difference.setdefault(_alike(difference), []).append(comparison.a)
        _table(terminal, by_difference, len(comparisons))
    _notes(terminal, comparisons, pairs)


def _alike(difference: Difference) -> Difference:
    """The difference without the repeat counts of steps, which vary from reply to reply."""
    return replace(difference, a=_REPEATED.sub(" ×…", difference.a), b=_REPEATED.sub(" ×…", difference.b))


def _table(terminal: Terminal, pairs_of: dict[Difference, list[str]], of: int = 0) -> None:
    """Print the differences by kind and broken rule, the most frequent first; `of` is the number of pairs or 0."""
    for kind in Kind:
        all_rows = [difference for difference in pairs_of if difference.kind is kind]
        rows = sorted(all_rows, key=lambda difference: (_order(difference), -len(pairs_of[difference])))
        folded = _only_on_one_side(rows) if kind is Kind.FRAMING else {}
        rows = [difference for difference in rows if not any(difference in group for group in folded.values())]
        if not rows and not folded:
            continue
        head = (kind.value, "A", "B", "verdict" if kind is Kind.SHAPE else "", "pairs" if of else "")
        lines = [
            tuple(_clean(terminal, text) for text in (difference.where, difference.a, difference.b))
            for difference in rows[:MANY]
        ]
        widths = [_width([*(line[column] for line in lines), head[column]]) for column in range(3)]
        terminal.print()
        last = _VERDICT if of and kind is Kind.SHAPE else 0
        lengths = (
            [len(f"{len(pairs_of[difference])}: {some(pairs_of[difference], 1)}") for difference in rows] if of else [0]
        )
        room = terminal.console.width
        table = sum(widths) + 4
        two_lines = table + 4 + (last or _VERDICT * (kind is Kind.SHAPE)) + max(lengths) > room
        if table > room and not terminal.keeps_lines:
            terminal.print(kind.value, "bold")
        else:
            _line(terminal, head[:3], widths, (head[3].ljust(last), head[4]), two_lines, "bold")
        heading = ""
        for difference, line in zip(rows, lines, strict=False):
            if difference.rule != heading:
                heading = difference.rule
                terminal.print(_format_rule(heading))
            where = f"{len(pairs_of[difference])}: {some(pairs_of[difference], 1)}" if of else ""
            more = ((difference.verdict or "").ljust(last), where)
            _line(terminal, line, widths, more, two_lines, STYLES.get(difference.verdict, ""))
        if len(rows) > MANY:
            terminal.print(f"… and {count(len(rows) - MANY, 'difference')} of {kind} more; --json has them all")
        for side, group in folded.items():
            names = dict.fromkeys(difference.where.removeprefix(_HEADER) for difference in group)
            terminal.print(
                f"only {side}      {count(len(names), 'header field')} of its own: {', '.join(names)}", "dim"
            )


def _order(difference: Difference) -> tuple[int, bool, int]:
    """Broken rules first, by level, what one side refuses before the rest; then what breaks none."""
    if difference.rule not in RULES:
        return len(Level), False, 0
    level = list(Level).index(RULES[difference.rule].level)
    return level, difference.where != THE_ANSWER, list(RULES).index(difference.rule)


def _format_rule(rule_id: str) -> str:
    if rule_id not in RULES:
        return "· no rule is broken"
    level = RULES[rule_id].level
    return f"{MARKS[level]} {rule_id}   {level}"


def _only_on_one_side(rows: Sequence[Difference]) -> dict[str, list[Difference]]:
    """The header fields that only one side has and that say nothing to a client of the API, by side."""
    folded: dict[str, list[Difference]] = {}
    for difference in rows:
        name = difference.where.removeprefix(_HEADER)
        if difference.where.startswith(_HEADER) and ABSENT in (difference.a, difference.b) and name not in _READ:
            folded.setdefault("B" if difference.a == ABSENT else "A", []).append(difference)
    return {side: group for side, group in folded.items() if len(group) > 1}


def _line(
    terminal: Terminal, cells: Sequence[str], widths: Sequence[int], more: Sequence[str], two_lines: bool, style: str
) -> None:
    """Print a row; where not all fits, the verdict and the pairs are a line of their own, and so is each cell."""
    row = "  ".join(_padded(cells, widths)).rstrip()
    whole = "  ".join(cell for cell in (*_padded(cells, widths), *more) if cell).rstrip()
    room = terminal.console.width
    if terminal.keeps_lines or (not two_lines and len(whole) <= room):
        terminal.print(whole, style)
        return
    if len(row) <= room:
        terminal.print(row, style)
    else:
        where, a, b = cells
        terminal.print(f"{where}\n    A   {a}\n    B   {b}", style)
    if rest := ", ".join(cell.strip() for cell in more if cell.strip()):
        terminal.print(f"    {rest}", style)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]


def _width(cells: Sequence[str]) -> int:
    """Wide enough for most cells; a longer one pushes the rest of its line to the right."""
    return min(max(map(len, cells)), sorted(map(len, cells))[len(cells) * 9 // 10] + 4, _COLUMN)


def _clean(terminal: Terminal, text: str) -> str:
    """The text, shortened, without secrets and on one line."""
    flat = " ".join(shorten_masked(text, _WIDEST, terminal.secrets).split())
    return terminal.clean(flat)


def _notes(terminal: Terminal, comparisons: Sequence[Comparison], pairs: Pairs) -> None:
    """Print what was not compared, each reason once."""
    unknown = Counter(text for comparison in comparisons for text in comparison.unknown)
    several = len(comparisons) > 1
    lines = [f"not compared  {text}" + f" in {count(number, 'pair')}" * several for text, number in unknown.items()]
    lines += [f"only in {name}     {some(only)}" for name, only in (("A", pairs.only_a), ("B", pairs.only_b)) if only]
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
    differences = [difference for comparison in comparisons for difference in comparison.differences]
    kinds = _format_counts(difference.kind for difference in differences)
    verdicts = _format_counts(difference.verdict for difference in differences if difference.verdict)
    of = f" in {count(len(comparisons), 'pair')}" if len(comparisons) != 1 else ""
    unpaired = len(pairs.only_a) + len(pairs.only_b)
    rest = f"; {count(unpaired, 'recording')} without a counterpart" if unpaired else ""
    if not differences:
        summary = "no differences"
    else:
        summary = f"{count(len(differences), 'difference')} ({kinds})" + (f": {verdicts}" if verdicts else "")
    return f"{'DIFFERENT' if code else 'SAME'}  {summary}{of}{rest} (exit code {code})"


def _format_counts(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in Counter(names).items())


def print_report_differences(terminal: Terminal, changes: ReportDiff, code: int) -> None:
    """Print the changes between two reports: their subjects, then what is new, gone or changed."""
    for name, a, b in changes.facts:
        terminal.print(f"{name:9} {a}" if a == b else f"{name:9} {a} → {b}")
    listed = (
        ("new", changes.new, "red"),
        ("gone", changes.gone, "green"),
        ("not asked in A", changes.not_asked_in_a, "dim"),
        ("not asked in B", changes.not_asked_in_b, "dim"),
    )
    for word, places, style in listed:
        if places:
            terminal.print()
        for line in _format_places(places):
            terminal.print(f"{word:9} {line}", style)
    lines = [
        f"{'tolerated' if now else 'no longer tolerated'}  {place}" for place, (_, now) in changes.tolerated.items()
    ]
    lines += [f"outcome   {case}: {before} → {after}" for case, before, after in changes.outcomes]
    lines += [f"{word:9} {some(ids)}" for word, ids in (("added", changes.added), ("removed", changes.removed)) if ids]
    if lines:
        terminal.print()
    for line in lines:
        terminal.print(line)
    parts = {word: places for word, places, _ in listed if places or word in ("new", "gone")}
    parts["still there"] = changes.still
    counts = ", ".join(f"{len(places)} {word}" for word, places in parts.items())
    changed = f"; {count(len(changes.outcomes), 'outcome')} changed" if changes.outcomes else ""
    terminal.print()
    terminal.print(
        f"{'DIFFERENT' if code else 'SAME'}  findings: {counts}{changed} (exit code {code})",
        "bold red" if code else "bold green",
    )


def _format_places(places: Mapping[FindingPlace, ReportedFinding]) -> Iterator[str]:
    """A line for each rule: where it is broken, and what was seen first; MUST first."""
    by_rule: dict[tuple[str, str, bool], list[FindingPlace]] = {}
    for place, finding in places.items():
        by_rule.setdefault((finding.level, place.rule, finding.tolerated), []).append(place)
    for (level, rule, tolerated), group in sorted(
        by_rule.items(), key=lambda item: list(Level).index(Level(item[0][0]))
    ):
        mark = " (tolerated)" if tolerated else ""
        labels = list(dict.fromkeys(place.label for place in group))
        where = str(group[0]) if len(group) == 1 else f"{rule} in {some(labels, 3)} ({count(len(group), 'finding')})"
        yield f"{level:6} {where}: {places[group[0]].actual}{mark}"
