"""Who is ahead in a row, by each of the two numbers on its own, on what several runs measured.

A case that one run alone asked counts for no place in coverage, one that it alone reached for none in conformance. A
run that was not asked what several others were has no place in that row; recordings and runs without a verdict have
none at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from contract_tests.report.matrix.columns import Cell, Column

OTHER_SELECTION = "it was not asked the same cases"
ALONE = "no other run measured this"
NOTHING = "nothing was reached"


@dataclass(frozen=True)
class Places:
    """The places of a column, from 1, by coverage and by conformance; without one, why. `of` are ranked."""

    coverage: int | None = None
    conformance: int | None = None
    of: int = 0
    why_not: str = ""


def rank(columns: Sequence[Column], cells: Sequence[Cell]) -> list[Places]:
    """The places in a row, in the order of the columns; the cells are those of the columns in this row."""
    overall = _shared(column.asked for column in columns if not column.no_place)
    by_rules = any(cell.unit == "rule" for column, cell in zip(columns, cells, strict=True) if column.is_run)
    ranked = [at for at, column in enumerate(columns) if not column.no_place]
    measured = {at: cells[at].reached if by_rules else cells[at].asked for at in ranked}
    shared = _shared(measured.values())
    wanted = overall if by_rules else shared
    full = [at for at in ranked if wanted <= (columns[at].asked if by_rules else cells[at].asked)]
    if not shared or len(full) < 2:
        return [Places(why_not=column.no_place or ALONE) for column in columns]
    common = _shared(cells[at].reached for at in full)
    coverage = _places({at: _part(cells[at].reached & shared, shared) for at in full}) if not by_rules else {}
    reached = {at: cells[at].reached & common for at in full}
    right = {at: _part(cells[at].right & common, reached[at]) for at in full if reached[at]}
    conformance = _places(right) if len(right) > 1 else {}
    return [
        Places(
            coverage.get(at),
            conformance.get(at),
            len(full),
            column.no_place or (OTHER_SELECTION if at not in full else "" if at in conformance else NOTHING),
        )
        for at, column in enumerate(columns)
    ]


def _shared(listed: Iterable[set[str]]) -> set[str]:
    """What at least two have."""
    counts = Counter(name for names in listed for name in names)
    return {name for name, number in counts.items() if number > 1}


def _part(some: set[str], all_: set[str]) -> Fraction:
    return Fraction(len(some), len(all_))


def _places(scores: Mapping[int, Fraction]) -> dict[int, int]:
    """The best score has place 1, equal scores have the same."""
    return {at: 1 + sum(other > score for other in scores.values()) for at, score in scores.items()}
