"""`contract matrix A.json B.json …`: several servers beside each other, by features."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from contract_tests.cli.failures import leave_nothing_stale
from contract_tests.cli.shared_options import console, output_file, write
from contract_tests.report.matrix.columns import make_column, name_columns
from contract_tests.report.matrix.forms import format_lines, format_matrix_markdown
from contract_tests.report.matrix.page import format_matrix
from contract_tests.report.matrix.table import MOST_COLUMNS, Matrix, make_matrix
from contract_tests.report.saved import read_document
from contract_tests.report.terminal import Terminal


@click.command("matrix")
@click.argument("paths", metavar="REPORT.json…", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_file("--html", "html_file", text="Write an HTML page to this file, which needs nothing else to be read.")
@output_file("--markdown", "markdown_file", text="Write Markdown to this file.")
@leave_nothing_stale("html_file", "markdown_file")
def matrix_command(paths: tuple[Path, ...], html_file: Path | None, markdown_file: Path | None) -> int:
    """Compare servers by their saved reports.

    Each REPORT.json is what `contract run`, `offline` or `judge` wrote with --json: a column, called like its file.
    Nothing is asked and judged anew; the exit code is 0 whatever the verdicts. Without a file to write, the matrix is
    printed.
    """
    if html_file and html_file == markdown_file:
        raise click.UsageError(f"--html and --markdown name the same file, {html_file}; give each its own")
    if len(paths) > MOST_COLUMNS:
        raise click.UsageError(f"{len(paths):,} reports, and a matrix has room for {MOST_COLUMNS}; compare fewer")
    terminal = Terminal(console())
    matrix = read_matrix(paths, terminal.secrets)
    for path, form in ((html_file, format_matrix), (markdown_file, format_matrix_markdown)):
        if path:
            terminal.print(f"written   {write(path, form(matrix))}")
    if not (html_file or markdown_file):
        for line in format_lines(matrix, terminal.console.width):
            terminal.print(line)
    return 0


def read_matrix(paths: tuple[Path, ...], secrets: tuple[str, ...] = ()) -> Matrix:
    """The matrix of saved reports. Raises InputError, and click.UsageError for the same report twice."""
    columns = []
    seen: dict[bytes, Path] = {}
    for path in paths:
        document = read_document(path, secrets)
        digest = hashlib.sha256(repr(document).encode("utf-8", "replace")).digest()
        if digest in seen:
            raise click.UsageError(f"{path} is the same report as {seen[digest]}; name each once")
        seen[digest] = path
        columns.append(make_column(path.stem, document))
    for column, name in zip(columns, name_columns(columns), strict=True):
        column.name = name
    return make_matrix(columns)
