"""The matrix: a row for each feature that something was measured of, a column for each report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract_tests.report.document import Share
from contract_tests.report.matrix.columns import Cell, Column
from contract_tests.report.matrix.features import Feature, load_features
from contract_tests.report.matrix.ranking import Places, rank
from contract_tests.report.summary import share
from fake_server.wire.text import printable, shorten

MOST_COLUMNS = 500
SYMBOLS = {"pass": "✓", "warn": "!", "fail": "✗", "not there": "○", "not measured": "·"}
MEANINGS = {
    "pass": "what was reached keeps every MUST and SHOULD",
    "warn": "what was reached keeps every MUST; a SHOULD is broken",
    "fail": "a MUST is broken",
    "not there": "the server says that it does not have this",
    "not measured": "nothing was asked, or nothing was reached: this says nothing about the server",
}


@dataclass(frozen=True)
class Row:
    """A feature with the cells and places of all columns, in their order; `alone`: ids that one run alone asked."""

    feature: Feature
    cells: tuple[Cell, ...]
    places: tuple[Places, ...]

    @property
    def order(self) -> list[int]:
        """The columns as a list shows them: by places, then those without one."""
        last = len(self.cells) + 1
        return sorted(
            range(len(self.cells)),
            key=lambda at: (self.places[at].conformance or last, self.places[at].coverage or last, at),
        )

    def alone(self, at: int) -> int:
        """How many cases of a cell no other column asked."""
        others = set[str]().union(*(cell.asked for index, cell in enumerate(self.cells) if index != at))
        return len(self.cells[at].asked - others) if len(self.cells) > 1 and self.cells[at].unit == "case" else 0


@dataclass(frozen=True)
class Matrix:
    """The columns, the rows, the places over everything, and remarks about what can be compared."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    places: tuple[Places, ...]
    notes: tuple[str, ...]


def make_matrix(columns: Sequence[Column]) -> Matrix:
    """The columns beside each other; a feature that nothing was measured of has no row."""
    rows = []
    for feature in load_features().values():
        cells = tuple(column.cells[feature.id] for column in columns)
        if any(cell.reached or cell.lacks for cell in cells):
            rows.append(Row(feature, cells, tuple(rank(columns, cells))))
    places = rank(columns, [_whole(each) for each in columns])
    return Matrix(tuple(columns), tuple(rows), tuple(places), tuple(_notes(columns)))


def coverage(cell: Cell) -> Share:
    """How much of what was asked is there; of rules, how many found something to judge."""
    return share(len(cell.reached), len(cell.asked))


def conformance(cell: Cell) -> Share:
    """How much of what is there keeps every MUST."""
    return share(len(cell.right), len(cell.reached))


def _whole(column: Column) -> Cell:
    """Every case of a run in one cell."""
    cell = Cell("case")
    for part in column.cells.values():
        if part.unit == "case":
            cell.asked |= part.asked
            cell.reached |= part.reached
            cell.right |= part.right
    return cell


def _notes(columns: Sequence[Column]) -> Iterator[str]:
    kits = sorted({column.facts.get("kit", "an older kit") for column in columns})
    if len(kits) > 1:
        listed = shorten(printable(", ".join(kits), ""), 80)
        yield f"The reports are of several versions of the kit ({listed}), which may ask different cases."
    if not all(column.is_run for column in columns):
        yield (
            "Of recordings, a feature counts rules, not cases: coverage is how many of them found something to judge. "
            "That depends on what was recorded, so recordings are not ranked."
        )
