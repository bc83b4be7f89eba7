"""`python -m contract_tests.lab.matrix RECORDINGS REPORTS OUT`: compares recorded providers and the servers of interop.

The page and the Markdown have facts and counts alone: nothing that a provider sent is quoted.
"""

from __future__ import annotations

from pathlib import Path

import click

from contract_tests.lab.interop.reporting import SUMMARY
from contract_tests.recordings.judging import judge_files
from contract_tests.recordings.recording import InputError
from contract_tests.report.files import judgement_document
from contract_tests.report.findings import count
from contract_tests.report.matrix.columns import Column, make_column
from contract_tests.report.matrix.forms import format_matrix_markdown
from contract_tests.report.matrix.page import format_matrix
from contract_tests.report.matrix.table import make_matrix
from contract_tests.report.saved import read_document
from contract_tests.run.outcome import ExitCode


def read_columns(recordings: Path, reports: Path) -> list[Column]:
    """A column for each report of a server and for each provider's recordings. Raises InputError."""
    saved = sorted(path for path in reports.glob("*.json") if path.name != SUMMARY)
    columns = [make_column(path.stem, read_document(path)) for path in saved]
    for path in sorted(recordings.glob("*.jsonl")):
        summary = judge_files([path])
        is_wrong = any(finding.rule.level == "MUST" for finding in summary.findings)
        code = ExitCode.FINDINGS if is_wrong else ExitCode.OK
        columns.append(make_column(f"{path.stem} (recorded)", judgement_document(summary, code)))
    if not columns:
        raise InputError(f"neither reports in {reports} (`make interop` writes them) nor recordings in {recordings}")
    return columns


@click.command()
@click.argument("recordings", type=click.Path(path_type=Path))
@click.argument("reports", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def main(recordings: Path, reports: Path, out: Path) -> None:
    """Write OUT/matrix.html and OUT/matrix.md."""
    try:
        matrix = make_matrix(read_columns(recordings, reports))
        out.mkdir(parents=True, exist_ok=True)
        (out / "matrix.html").write_text(format_matrix(matrix, with_examples=False), "utf-8")
        (out / "matrix.md").write_text(format_matrix_markdown(matrix), "utf-8")
    except (InputError, OSError) as error:
        raise click.ClickException(str(error)) from error
    runs = sum(column.is_run for column in matrix.columns)
    of = f"{count(runs, 'server')} and {count(len(matrix.columns) - runs, 'recorded provider')}"
    click.echo(f"{out}: matrix.html and matrix.md of {of}")
    if not runs:
        click.echo(f"no report in {reports}: `make interop` writes them", err=True)


if __name__ == "__main__":
    main()
