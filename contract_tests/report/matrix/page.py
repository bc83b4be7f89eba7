"""The page of `contract matrix`: servers, features, and behind each cell what is wrong or missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contract_tests.report.forms.parts import VERDICTS
from contract_tests.report.html.page import render
from contract_tests.report.matrix.columns import Cell, Flaw
from contract_tests.report.matrix.table import MEANINGS, SYMBOLS, Matrix, Row, conformance, coverage

MOST_FLAWS = 12
"""Rules that a cell lists; the first finding of each is shown for the first MOST_EXAMPLES of the page."""
MOST_EXAMPLES = 2_000
BADGES = {"not there": "unsupported", "not measured": "not reached"}
"""States that the style of the page knows by the outcome that they are made of."""


@dataclass(frozen=True)
class Shown:
    """A cell as the page shows it: its anchor, both numbers, the rules that are broken, with or without an example."""

    anchor: str
    cell: Cell
    state: str
    style: str
    symbol: str
    conformance: Any
    coverage: Any
    flaws: Sequence[tuple[Flaw, bool]]
    more: int


def format_matrix(matrix: Matrix, with_examples: bool = True) -> str:
    """The page. Without examples it quotes nothing that a server sent: rules and counts alone."""
    left = MOST_EXAMPLES if with_examples else 0
    rows: list[tuple[Row, list[Shown]]] = []
    for row in matrix.rows:
        shown = []
        for at, cell in enumerate(row.cells):
            flaws = cell.worst
            listed = [(flaw, number < left) for number, flaw in enumerate(flaws[:MOST_FLAWS])]
            left = max(left - len(listed), 0)
            shown.append(_show(row, at, cell, listed, len(flaws) - len(listed)))
        rows.append((row, shown))
    groups: dict[str, list[tuple[Row, list[Shown]]]] = {}
    for pair in rows:
        groups.setdefault(pair[0].feature.group, []).append(pair)
    return render(
        "matrix.html",
        matrix=matrix,
        groups=groups,
        verdicts=VERDICTS,
        states={state: (SYMBOLS[state], meaning) for state, meaning in MEANINGS.items()},
        is_quoting=with_examples,
    )


def _show(row: Row, at: int, cell: Cell, flaws: Sequence[tuple[Flaw, bool]], more: int) -> Shown:
    state = cell.state
    numbers = conformance(cell), coverage(cell)
    anchor = f"{row.feature.id}-{at + 1}"
    return Shown(anchor, cell, state, BADGES.get(state, state), SYMBOLS[state], *numbers, flaws, more)
