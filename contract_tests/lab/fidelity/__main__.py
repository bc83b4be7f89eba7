"""`python -m contract_tests.lab.fidelity`: record and replay odd replies with each tool."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from contract_tests.lab.fidelity import page
from contract_tests.lab.fidelity.comparing import Cell, Verdict
from contract_tests.lab.fidelity.rows import column
from contract_tests.lab.fidelity.sending import raw_server
from contract_tests.lab.fidelity.tools import OWN, TOOLS, Tool
from contract_tests.lab.pages.marks import DocumentError, replaced
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed, ending_on_sigterm

README = Path(__file__).with_name("README.md")
MOST_REASON = 200


async def measure_tool(tool: Tool) -> dict[str, Cell]:
    """The column of one tool, measured on its own. Raises NotInstalled and ProcessFailed."""
    with tempfile.TemporaryDirectory(prefix="fidelity-", ignore_cleanup_errors=True) as folder:
        async with raw_server() as raw:
            try:
                measurement = await tool.measure(raw, Path(folder))
                return column(raw.sent, measurement)
            except (OSError, ValueError, LookupError) as error:
                raise ProcessFailed(f"its output cannot be read: {error}") from error


def compare(tools: Iterable[Tool]) -> tuple[dict[str, dict[str, Cell]], dict[str, str]]:
    """The columns of the tools that could be measured, and why the others could not."""
    columns, missing = {}, {}
    for tool in tools:
        try:
            columns[tool.name] = asyncio.run(measure_tool(tool))
        except NotInstalled as error:
            missing[tool.name] = f"not installed: {str(error)[:MOST_REASON]}"
        except ProcessFailed as error:
            missing[tool.name] = f"not measured: {str(error)[:MOST_REASON]}"
    return columns, missing


@click.command()
@click.option("--write", is_flag=True, help="Put the table into README.md.")
@click.option("--check", is_flag=True, help="Fail where README.md says something else.")
def main(write: bool, check: bool) -> None:
    """Compare what this kit, vcrpy, mitmproxy and aimock preserve of odd replies that they record and replay.

    The other tools are installed below .cache/environments when first needed. Exits with 1 where this kit
    loses something.
    """
    with ending_on_sigterm():
        columns, missing = compare(TOOLS)
    for line in page.lines(columns, missing):
        click.echo(line)
    if write or check:
        if missing:
            raise click.ClickException(f"README.md was left alone: {', '.join(missing)} could not be measured")
        _to_readme(page.section(columns), write)
    lost = [
        title
        for name, cells in columns.items()
        if name.startswith(OWN)
        for title, cell in cells.items()
        if cell.verdict in (Verdict.NO, Verdict.PARTLY)
    ]
    click.get_current_context().exit(bool(lost) or OWN in missing)


def _to_readme(text: str, write: bool) -> None:
    try:
        before = README.read_text("utf-8")
        after = replaced(before, text)
        if write:
            README.write_text(after, "utf-8")
    except (OSError, DocumentError) as error:
        raise click.ClickException(f"{README.name} was not written: {error}") from error
    if not write and after != before:
        raise click.ClickException(f"{README.name} is out of date: run make bench-fidelity with --write")


if __name__ == "__main__":
    main()
