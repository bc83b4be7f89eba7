"""`contract export DIR`: the rules and the kit's own exchanges as data for any language."""

from __future__ import annotations

from pathlib import Path

import click

from contract_tests.cli.shared_options import console
from contract_tests.corpus.writing import NotEmpty, export
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def export_command(folder: Path) -> int:
    """Write every rule, and exchanges that keep and break them, as data.

    JSON and raw bytes, which any language reads: DIR/README.md describes them, and `node DIR/check.mjs` reads and
    checks them. DIR must be new or empty.
    """
    if not folder.absolute().parent.is_dir():
        raise click.UsageError(f"{folder}: there is no folder {folder.parent}; create it first")
    try:
        files = export(folder)
    except NotEmpty as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{folder}: cannot be written: {error.strerror}") from error
    terminal = Terminal(console())
    size = sum(map(len, files.values()))
    terminal.print(f"written   {folder}: {count(len(files), 'file')}, {size / 1e6:.1f} MB", whole=True)
    terminal.print("read it   README.md says what is where; `node check.mjs` reads and checks all of it")
    return 0
