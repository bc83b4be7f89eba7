"""`python -m contract_tests.lab.mutation`: change exchanges by seed, and see what the rules notice."""

from __future__ import annotations

import os
from pathlib import Path

import click

from contract_tests.lab.mutation import page
from contract_tests.lab.mutation.corpora.committed import CONFORMING, collect
from contract_tests.lab.mutation.corpora.draw import draw
from contract_tests.lab.mutation.corpora.genuine import RECORDINGS, GenuineCorpus
from contract_tests.lab.mutation.score import FEW, Score
from contract_tests.lab.tools.checkout import ROOT, SHARED
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import InputError
from contract_tests.rules.engine.judge import MUST, SHOULD, Level

README = ROOT / "contract_tests" / "lab" / "mutation" / "README.md"

seed_option = click.option("--seed", default=1, show_default=True, help="The same seed makes the same mutants.")


@click.group()
def main() -> None:
    """Score the rules: which changed exchanges do they notice?"""


@main.command()
@seed_option
@click.option(
    "--most",
    default=400,
    show_default=True,
    type=click.IntRange(1),
    help="Draw at most this many mutants of each section and kind of operator.",
)
@click.option(
    "--draws",
    default=3,
    show_default=True,
    type=click.IntRange(0),
    help="Plant each text defect this often in each case.",
)
@click.option("--write", is_flag=True, help=f"Write the scores into {README.name} of this folder.")
def committed(seed: int, most: int, draws: int, write: bool) -> None:
    """Mutate the committed exchanges and the fake's replies. Exit code 1 below the thresholds.

    Mutants of each section and kind of operator are drawn with equal chance, by seed; survivors are listed.
    """
    if not CONFORMING.is_dir():
        raise click.ClickException(f"no committed exchanges at {CONFORMING}: run this in a checkout of the kit")
    corpus = collect(seed, draws)
    score = _score()
    score.judge([*draw(corpus.replies, seed, most), *corpus.unasked])
    score.add(corpus.planted)
    for line in page.lines(score):
        click.echo(line)
    if write:
        try:
            README.write_text(page.put(README.read_text("utf-8"), page.section(score, seed, most)), encoding="utf-8")
        except (OSError, page.NoPlace) as error:
            raise click.ClickException(f"{README.name} was not written: {error}") from error
    for complaint in score.complaints:
        click.echo(f"below the threshold: {complaint}")
    click.get_current_context().exit(bool(score.complaints))


@main.command()
@seed_option
@click.option("--count", default=1000, show_default=True, type=click.IntRange(1), help="Draw this many mutants.")
@click.option(
    "--level",
    type=click.Choice(["must", "should"]),
    default="should",
    show_default=True,
    help="Count the findings of rules of this level and above.",
)
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    default=SHARED / RECORDINGS,
    help=f"Default: {RECORDINGS} in the folder OPENAI_CONTRACT_SHARED.",
)
def genuine(seed: int, count: int, level: str, recordings: Path) -> None:
    """Mutate genuine recordings, in ways that no recording shows; list what no rule notices."""
    if not recordings.is_file():
        raise click.ClickException(f"no recordings at {recordings}: set OPENAI_CONTRACT_SHARED or use --recordings")
    try:
        corpus = GenuineCorpus(read(recordings))
    except InputError as error:
        raise click.ClickException(str(error)) from error
    score = _score((MUST,) if level == "must" else (MUST, SHOULD))
    score.judge(list(corpus.draw(seed, count)))
    if not score.total.made:
        raise click.ClickException(f"{recordings}: nothing in it can be broken: no replies of the judged endpoints")
    for line in page.lines(score):
        click.echo(line)
    click.echo(f"{score.rare.killed} of {score.rare.made} noticed at places that fewer than {FEW} recordings have")
    click.echo(f"(seed {seed}, level {level})")


def _score(levels: tuple[Level, ...] = (MUST, SHOULD)) -> Score:
    return Score(levels, os.cpu_count() or 1)


if __name__ == "__main__":
    main()
