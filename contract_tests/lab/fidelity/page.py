"""The comparison as text: for a terminal, and as the generated part of this folder's README."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from contract_tests.lab.fidelity.comparing import Cell, Verdict

Columns = Mapping[str, Mapping[str, Cell]]
"""The name of a tool -> the title of a row -> its cell."""

_ABOUT = """
`make bench-fidelity` has each tool record odd replies of a raw socket server and replay them, and compares
what a client gets with what was sent. Each tool runs as its documentation says, with the settings that
preserve most (`contract_tests/lab/fidelity/__init__.py` names them). A dash marks what the client of a replay
in process does not show of the live server either.
"""


def rows(columns: Columns) -> Iterator[tuple[str, ...]]:
    """The table's cells, line by line, the heading first."""
    yield "what is preserved", *columns
    for title in next(iter(columns.values()), ()):
        yield title, *(format_cell(column[title]) for column in columns.values())


def format_cell(cell: Cell) -> str:
    """The verdict and, where there is one, the fact."""
    if cell.verdict is Verdict.YES:
        return f"yes ({cell.fact})" if cell.fact else "yes"
    return f"{cell.verdict}: {cell.fact}" if cell.fact else str(cell.verdict)


def markdown(columns: Columns) -> str:
    heading, *body = ([cell.replace("|", "\\|") for cell in cells] for cells in rows(columns))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *body))


def section(columns: Columns) -> str:
    """The generated part of README: the table and how to read it."""
    about = textwrap.fill(" ".join(_ABOUT.split()), 110, break_long_words=False)
    return f"{about}\n\n{markdown(columns)}"


def lines(columns: Columns, missing: Mapping[str, str]) -> Iterator[str]:
    """The comparison for a terminal: how much each tool preserves, and by name what it does not."""
    for name, column in columns.items():
        preserved = sum(cell.verdict is Verdict.YES for cell in column.values())
        shown = sum(cell.verdict is not Verdict.NOT_SHOWN for cell in column.values())
        yield f"{name}: {preserved} of {shown} preserved"
        for title, cell in column.items():
            if cell.verdict in (Verdict.PARTLY, Verdict.NO):
                yield f"  {title:46}{format_cell(cell)}"
    yield from (f"{name}: {reason}" for name, reason in missing.items())
