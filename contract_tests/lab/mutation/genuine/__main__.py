"""`python -m contract_tests.lab.mutation.genuine`: break genuine recordings by seed; what is missed."""

from __future__ import annotations

from pathlib import Path

import click

from contract_tests.lab.mutation.genuine.generate import OPERATORS, generate
from contract_tests.lab.mutation.genuine.measure import FEW, Measure, is_rare
from contract_tests.lab.tools.checkout import SHARED
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import InputError
from contract_tests.rules.engine.judge import MUST, SHOULD

FILE = "recordings/openai.jsonl"


def shared_recordings() -> Path:
    """The genuine recordings below OPENAI_CONTRACT_SHARED, by default beside the repository."""
    return SHARED / FILE


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed breaks the same places.")
@click.option("--count", default=1000, show_default=True, type=click.IntRange(1), help="How many defects.")
@click.option("--level", type=click.Choice(["must", "should"]), default="should", show_default=True)
@click.option("--recordings", type=click.Path(path_type=Path), help=f"Default: …/shared/{FILE}.")
def main(seed: int, count: int, level: str, recordings: Path | None) -> None:
    """Break genuine recordings, judge them, list what no rule of LEVEL or above noticed."""
    path = recordings or shared_recordings()
    if not path.is_file():
        raise click.ClickException(f"no recordings at {path}: set OPENAI_CONTRACT_SHARED or --recordings")
    measure = Measure((MUST,) if level == "must" else (MUST, SHOULD))
    try:
        recordings_read = list(read(path))
    except InputError as error:
        raise click.ClickException(str(error)) from error
    for _ in measure.take(generate(recordings_read, seed, count)):
        pass
    if not measure.made:
        raise click.ClickException(f"{path}: nothing in it can be broken: no chat or models replies")
    for name in OPERATORS:
        click.echo(f"{measure.flagged[name]:5} of {measure.made[name]:5}  {name}")
    total, flagged = measure.made.total(), measure.flagged.total()
    click.echo(f"{flagged:5} of {total:5}  flagged, {measure.share:.1%} (seed {seed}, level {level})")
    missed = sum(is_rare(one) for one in measure.survivors)
    click.echo(
        f"{measure.rare - missed:5} of {measure.rare:5}  "
        f"of these at places that fewer than {FEW} recordings show"
    )
    for one in sorted(measure.survivors, key=lambda defect: (defect.operator, defect.form)):
        click.echo(f"missed  {one.recording_id}  {one.operator}  {one.where}: {one.before} -> {one.after}")


if __name__ == "__main__":
    main()
