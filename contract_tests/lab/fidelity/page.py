"""The comparison as text: for a terminal, and as the section of the README beside this file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from contract_tests.lab.fidelity.comparing import Cell, Verdict

BEGIN, END = "<!-- fidelity:begin -->", "<!-- fidelity:end -->"
Columns = Mapping[str, Mapping[str, Cell]]
"""The name of a tool -> the title of a row -> its cell."""

_ABOUT = """
`make bench-fidelity` has each tool record odd replies of a raw socket server and replay them, and compares
what a client gets with what was sent. Each tool runs as its documentation says, with the settings that keep
most (`contract_tests/lab/fidelity` names them). A dash stands where the client of a replay in process does
not show it of the live server either.
"""


class NoPlace(ValueError):
    """A page that has no place for the table; the message says what is missing."""


def rows(columns: Columns) -> Iterator[tuple[str, ...]]:
    """The table's cells, line by line, the heading first."""
    yield "what is kept", *columns
    for title in next(iter(columns.values()), ()):
        yield title, *(words(column[title]) for column in columns.values())


def words(cell: Cell) -> str:
    """One cell: the verdict and, where it says more, the fact."""
    if cell.verdict is Verdict.YES:
        return f"yes ({cell.fact})" if cell.fact else "yes"
    return f"{cell.verdict}: {cell.fact}" if cell.fact else str(cell.verdict)


def markdown(columns: Columns) -> str:
    heading, *lines = ([cell.replace("|", "\\|") for cell in cells] for cells in rows(columns))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *lines))


def section(columns: Columns) -> str:
    """What README says, markers included."""
    about = textwrap.fill(" ".join(_ABOUT.split()), 110, break_long_words=False)
    return "\n".join((BEGIN, about, "", markdown(columns), END))


def told(columns: Columns, missing: Mapping[str, str]) -> Iterator[str]:
    """The comparison for a terminal: each tool with what it keeps in number, and what it does not by name."""
    for name, column in columns.items():
        kept = sum(cell.verdict is Verdict.YES for cell in column.values())
        shown = sum(cell.verdict is not Verdict.NOT_SHOWN for cell in column.values())
        yield f"{name}: {kept} of {shown} kept"
        for title, cell in column.items():
            if cell.verdict in (Verdict.PARTLY, Verdict.NO):
                yield f"  {title:46}{words(cell)}"
    yield from (f"{name}: {why}" for name, why in missing.items())


def put(page: str, text: str) -> str:
    """The page with its section replaced. Raises NoPlace."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise NoPlace(f"the page has no lines {BEGIN} and {END} around the table")
    return f"{before}{text}{after}"
