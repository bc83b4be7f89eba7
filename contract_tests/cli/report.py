"""`contract report RUN.json`: makes any form of a report later, from the JSON report that was saved."""

from __future__ import annotations

from pathlib import Path

import click

from contract_tests.cli.forms import Outputs, form_options, write_forms
from contract_tests.cli.shared_options import console
from contract_tests.report.document import RUN
from contract_tests.report.forms import FORMS
from contract_tests.report.saved import read_document
from contract_tests.report.terminal import Terminal


@click.command("report")
@click.argument("path", metavar="RUN.json", type=click.Path(path_type=Path))
@form_options("--json")
def report_command(path: Path, outputs: Outputs) -> int:
    """Make other forms of a saved report.

    RUN.json is what `contract run`, `offline` or `judge` wrote with --json. Nothing is asked and judged anew; the exit
    code is 0 once every file is written, whatever the verdict.
    """
    if not outputs:
        wanted = ", ".join(option for option in FORMS if option != "--json")
        raise click.UsageError(f"say what to make of {path}: {wanted} FILE, --annotations; several at once are fine")
    terminal = Terminal(console())
    document = read_document(path, terminal.secrets)
    for option in outputs.files:
        if FORMS[option].runs_only and document["format"] != RUN:
            raise click.UsageError(f"{option} reports cases, and {path} is of recordings, which have none; omit it")
    written = write_forms(outputs, lambda: document)
    written.report(terminal)
    written.raise_failures()
    return 0
