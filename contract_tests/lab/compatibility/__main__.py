"""`python -m contract_tests.lab.compatibility FOLDER`: make COMPATIBILITY.md from recordings."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import yaml

from contract_tests.lab.compatibility.page import Readings, as_markdown, outdated_readings, tally, unread_findings
from contract_tests.lab.pages.marks import DocumentError, between, replaced
from contract_tests.recordings.jsonl import read_lines
from contract_tests.recordings.recording import InputError
from contract_tests.recordings.tally import Tally

HERE = Path(__file__).resolve().parent
PAGE = HERE / "COMPATIBILITY.md"
TRUTH = "openai.jsonl"
"""The recordings of api.openai.com itself; they are what the rules are checked against."""


def tally_others(folder: Path) -> Tally:
    """Judge and count the recordings of every provider but api.openai.com. Raises InputError."""
    paths = sorted(path for path in folder.glob("*.jsonl") if path.name != TRUTH)
    if not paths:
        raise InputError(f"{folder}: no .jsonl file of a provider; name the folder of the shared recordings")
    return tally(recording for path in paths for recording in read_lines(path))


def load_readings() -> Readings:
    """Provider -> rule -> what the bytes say, as written down by those who read them."""
    readings: Readings = yaml.safe_load((HERE / "readings.yaml").read_text("utf-8"))
    return readings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--write", is_flag=True, help=f"Write the table into {PAGE.name}.")
@click.option("--check", is_flag=True, help=f"Fail where {PAGE.name} says something else.")
def main(folder: Path, write: bool, check: bool) -> None:
    """Judge the recordings in FOLDER and print how each provider differs from the contract."""
    try:
        counted, known = tally_others(folder), load_readings()
        generated = as_markdown(counted, known)
        page = PAGE.read_text("utf-8")
        stale = between(page) != generated
        if write:
            PAGE.write_text(replaced(page, generated), "utf-8")
    except (InputError, DocumentError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if not (write or check):
        click.echo(generated)
    for label, pairs in (
        ("not read", unread_findings(counted, known)),
        ("no longer found", outdated_readings(counted, known)),
    ):
        for name, rule in pairs:
            click.echo(f"{label}: {rule} of {name} (contract_tests/lab/compatibility/readings.yaml)", err=True)
    if write:
        click.echo(f"{PAGE.name}: {'written' if stale else 'was up to date'}")
    elif check and stale:
        raise click.ClickException(f"{PAGE.name} is out of date: make compatibility")
    sys.exit(1 if check and unread_findings(counted, known) else 0)


if __name__ == "__main__":
    main()
