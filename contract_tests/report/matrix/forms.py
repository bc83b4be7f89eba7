"""The matrix as lines for a terminal and as Markdown; the page is in `page.py`."""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.report.findings import count
from contract_tests.report.forms.markdown import code
from contract_tests.report.forms.parts import VERDICTS, format_percent, one_line
from contract_tests.report.matrix.columns import Cell
from contract_tests.report.matrix.ranking import Places
from contract_tests.report.matrix.table import MEANINGS, SYMBOLS, Matrix, Row, conformance, coverage

MOST_BYTES = 400_000
"""Of Markdown in UTF-8; GitHub shows files up to 512 KB."""
_MOST_COLUMNS, _MOST_RULES = 8, 6
_NAME, _WIDTH, _MARGIN = 34, 12, 30
"""Characters of a name, of a column, of the names of the features."""


def format_lines(matrix: Matrix, width: int) -> Iterator[str]:
    """The matrix as lines of at most `width` characters where that leaves room for a column."""
    for number, (column, places) in enumerate(zip(matrix.columns, matrix.places, strict=True), 1):
        total = column.summary["total"]
        yield (
            f"{number:>3}  {one_line(column.name, _NAME):{_NAME}}  {VERDICTS[column.verdict]:11}  "
            f"conformance {format_percent(total['conformance']):>6}  coverage {format_percent(total['coverage']):>6}  "
            f"{_place(places)}"
        ).rstrip()
    per_block = max(1, (width - _MARGIN) // _WIDTH)
    for start in range(0, len(matrix.columns), per_block):
        block = range(start, min(start + per_block, len(matrix.columns)))
        yield ""
        yield f"{'':{_MARGIN}}{''.join(f'{at + 1:<{_WIDTH}}' for at in block)}".rstrip()
        for row in matrix.rows:
            cells = "".join(f"{_short(row.cells[at]):{_WIDTH}}" for at in block)
            yield f"{row.feature.title:{_MARGIN}}{cells}".rstrip()
    yield ""
    yield "each cell: conformance/coverage in percent"
    yield from (f"{SYMBOLS[state]}  {meaning}" for state, meaning in MEANINGS.items())
    yield from matrix.notes


def _short(cell: Cell) -> str:
    symbol = SYMBOLS[cell.state]
    if not cell.reached:
        return symbol
    return f"{symbol} {_whole(conformance(cell)['percent'])}/{_whole(coverage(cell)['percent'])}"


def _whole(percent: float | None) -> str:
    return "–" if percent is None else str(int(percent))


def _place(places: Places) -> str:
    if places.conformance is None:
        return f"not ranked: {one_line(places.why_not, 60)}" if places.why_not else ""
    return f"place {places.conformance} and {places.coverage} of {places.of}"


def format_matrix_markdown(matrix: Matrix) -> str:
    """The matrix in GitHub's Markdown: the servers, the features, and below them what is wrong with each."""
    text, left_out = "\n".join(_head(matrix)), 0
    for row in matrix.rows:
        part = "\n".join(_section(matrix, row))
        if len(text.encode()) + len(part.encode()) > MOST_BYTES:
            left_out += 1
        else:
            text += part
    return text + (f"\n{count(left_out, 'feature')} had no room here; the page has all.\n" if left_out else "")


def _head(matrix: Matrix) -> Iterator[str]:
    yield f"# {count(len(matrix.columns), 'server')} compared\n"
    yield (
        "*Conformance* is how right that is which is there, *coverage* how much of it is there; neither is part of the "
        "other. A place is given by each number alone, on what at least two runs measured.\n"
    )
    yield from (f"{code(note)}\n" for note in matrix.notes)
    yield "| server | verdict | conformance | coverage | place by each | what |"
    yield "|:--|:--|--:|--:|:--|:--|"
    for column, places in zip(matrix.columns, matrix.places, strict=True):
        total = column.summary["total"]
        facts = "; ".join(f"{name} {text}" for name, text in column.facts.items())
        place = _place(places).replace("|", "\\|") if places.conformance else f"not ranked: {code(places.why_not)}"
        yield (
            f"| {code(column.name)} | {VERDICTS[column.verdict]} | {format_percent(total['conformance'])} | "
            f"{format_percent(total['coverage'])} | {place} | {code(facts)} |"
        )
    yield ""
    for start in range(0, len(matrix.columns), _MOST_COLUMNS):
        block = range(start, min(start + _MOST_COLUMNS, len(matrix.columns)))
        yield f"| feature | {' | '.join(code(matrix.columns[at].name) for at in block)} |"
        yield f"|:--|{':--|' * len(block)}"
        for row in matrix.rows:
            cells = " | ".join(f"{_cell(row.cells[at])}" for at in block)
            yield f"| [{row.feature.title}](#{_anchor(row)}) | {cells} |"
        yield ""
    yield "Each cell: conformance, then coverage. " + "; ".join(
        f"{SYMBOLS[state]} {meaning}" for state, meaning in MEANINGS.items()
    )
    yield ""


def _anchor(row: Row) -> str:
    """The anchor of the heading on GitHub; the titles are the kit's own."""
    return "".join(sign for sign in row.feature.title.lower().replace(" ", "-") if sign.isalnum() or sign in "-_")


def _cell(cell: Cell) -> str:
    if not cell.reached:
        return SYMBOLS[cell.state]
    return f"{SYMBOLS[cell.state]} {format_percent(conformance(cell))}, {format_percent(coverage(cell))}"


def _section(matrix: Matrix, row: Row) -> Iterator[str]:
    yield f"\n## {row.feature.title}\n"
    yield f"{row.feature.question}\n"
    yield "| server | conformance | coverage | place by each | what is wrong | what is not there |"
    yield "|:--|--:|--:|:--|:--|:--|"
    for at in row.order:
        cell, places = row.cells[at], row.places[at]
        if not (cell.reached or cell.lacks):
            continue
        unit = "" if cell.unit == "case" else " rules"
        right, there = conformance(cell), coverage(cell)
        place = "not ranked" if places.conformance is None else f"{places.conformance}, {places.coverage or '–'}"
        alone = f" ({row.alone(at)} asked of it alone)" if row.alone(at) else ""
        yield (
            f"| {code(matrix.columns[at].name)} | {SYMBOLS[cell.state]} {right['count']} of {right['of']}{unit} | "
            f"{there['count']} of {there['of']}{unit}{alone} | {place} | {_flaws(cell)} | {_lacks(cell)} |"
        )


def _flaws(cell: Cell) -> str:
    flaws = cell.worst
    shown = [f"{flaw.level} {code(flaw.rule)} × {flaw.findings:,}" for flaw in flaws[:_MOST_RULES]]
    return ", ".join([*shown, f"{len(flaws) - _MOST_RULES} more"] if len(flaws) > _MOST_RULES else shown)


def _lacks(cell: Cell) -> str:
    listed = [f"{len(ids)} {outcome}: {code(one_line(reason, 100))}" for (outcome, reason), ids in cell.lacks.items()]
    return "; ".join(listed[:2] + ([count(len(listed) - 2, "more reason")] if len(listed) > 2 else []))
