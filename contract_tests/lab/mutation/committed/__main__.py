"""`python -m contract_tests.lab.mutation.committed`: change exchanges by seed; what the rules notice."""

from __future__ import annotations

import click

from contract_tests.lab.mutation.committed import page
from contract_tests.lab.mutation.committed.corpus import CONFORMING, collect
from contract_tests.lab.mutation.committed.generate import draw
from contract_tests.lab.mutation.committed.score import Score
from contract_tests.lab.tools.checkout import ROOT

README = ROOT / "contract_tests" / "lab" / "mutation" / "README.md"


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same mutants.")
@click.option(
    "--most", default=400, show_default=True, type=click.IntRange(1), help="So many of a section and kind."
)
@click.option(
    "--draws", default=3, show_default=True, type=click.IntRange(0), help="How often a text is spoilt."
)
@click.option("--write", is_flag=True, help="Put the scores into README.md.")
def main(seed: int, most: int, draws: int, write: bool) -> None:
    """Score the rules: which changed exchanges do they notice? Exit code 1 below the marks.

    Mutants of each section and kind of operator are drawn with equal chance, by seed; survivors are listed.
    """
    if not CONFORMING.is_dir():
        raise click.ClickException(
            f"no committed exchanges at {CONFORMING}: run this in a checkout of the kit"
        )
    corpus = collect(seed, draws)
    score = Score()
    score.judge(draw(corpus.sources, seed, most))
    score.judge(corpus.unasked)
    score.add(corpus.planted)
    for line in page.survivors(score):
        click.echo(line)
    for name, count in score.classes.most_common():
        click.echo(f"{count:5}  equivalent          {name}")
    click.echo(f"\n{page.table(score)}\n")
    if write:
        try:
            README.write_text(
                page.put(README.read_text("utf-8"), page.section(score, seed, most)), encoding="utf-8"
            )
        except (OSError, page.NoPlace) as error:
            raise click.ClickException(f"{README.name} was not written: {error}") from error
    for complaint in score.complaints:
        click.echo(f"below the mark: {complaint}")
    click.get_current_context().exit(bool(score.complaints))


if __name__ == "__main__":
    main()
