"""Scores of judges, and the table of them in README.md of this folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.behaviour.judging import RED, Verdict

PAGE = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- scores:begin -->", "<!-- scores:end -->"


@dataclass(frozen=True)
class Score:
    """The verdicts of a judge."""

    judge: str
    verdicts: tuple[Verdict, ...]

    def count(self, *, may: bool) -> tuple[int, int]:
        """How many runs of the legal or of the illegal mutations are red, and how many there are."""
        of_kind = [verdict for verdict in self.verdicts if verdict.mutation.may is may]
        # A legal target without a verdict is as bad as an accused one, an illegal one as bad as a missed one.
        return sum(verdict.color == RED if not may else not verdict.is_right for verdict in of_kind), len(of_kind)

    def share(self, *, may: bool) -> float:
        """The share of red ones among the runs of the legal or of the illegal mutations; 1 or 0 of none."""
        red, runs = self.count(may=may)
        return red / runs if runs else float(not may)

    def wrong(self, *, may: bool) -> list[str]:
        """The names of the illegal mutations that are not red with every seed, or of the legal ones that once are."""
        names = (
            verdict.mutation.name for verdict in self.verdicts if verdict.mutation.may is may and not verdict.is_right
        )
        return list(dict.fromkeys(names))

    def __str__(self) -> str:
        (caught, illegal), (accused, legal) = self.count(may=False), self.count(may=True)
        return (
            f"{self.judge}: red are {caught} of {illegal} illegal runs ({self.share(may=False):.1%}) "
            f"and {accused} of {legal} legal ones"
        )


def write_scores(scores: Sequence[Score], seeds: int) -> None:
    """Replace the table in README.md of this folder."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    table = "\n".join(_lines(scores, seeds))
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def _lines(scores: Sequence[Score], seeds: int) -> Iterator[str]:
    kinds = {
        may: len({verdict.mutation.name for verdict in scores[0].verdicts if verdict.mutation.may is may})
        for may in (False, True)
    }
    yield f"{kinds[False]} illegal and {kinds[True]} legal mutations, each with {seeds} seeds:"
    yield ""
    yield "| judge | illegal, red | legal, red |"
    yield "|---|--:|--:|"
    for score in scores:
        (caught, illegal), (accused, legal) = score.count(may=False), score.count(may=True)
        yield f"| {score.judge} | {caught} of {illegal} ({score.share(may=False):.1%}) | {accused} of {legal} |"
    for may, words in ((False, "Not red with every seed"), (True, "Red although legal")):
        if names := scores[0].wrong(may=may):
            yield ""
            yield f"{words} for {scores[0].judge}: {', '.join(names)}."
