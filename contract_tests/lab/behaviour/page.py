"""Scores of judges, and the table of them in README.md of this folder."""

from __future__ import annotations

from collections import Counter
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

    def colors(self, name: str) -> str:
        """What is said of a mutation, with how many seeds: "should 3, red 2"."""
        counts = Counter(verdict.color for verdict in self.verdicts if verdict.mutation.name == name)
        return ", ".join(f"{color} {count}" for color, count in counts.items())

    def __str__(self) -> str:
        (caught, illegal), (accused, legal) = self.count(may=False), self.count(may=True)
        return (
            f"{self.judge}: red are {caught} of {illegal} illegal runs ({self.share(may=False):.1%}) "
            f"and {accused} of {legal} legal ones"
        )


def write_scores(scores: Sequence[Score]) -> None:
    """Replace the table in README.md of this folder."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    table = "\n".join(_lines(scores))
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def _lines(scores: Sequence[Score]) -> Iterator[str]:
    yield "| judge | seeds | illegal, red | legal, red |"
    yield "|---|--:|--:|--:|"
    for score in scores:
        (caught, illegal), (accused, legal) = score.count(may=False), score.count(may=True)
        seeds = len({verdict.seed for verdict in score.verdicts})
        share = f"{score.share(may=False):.1%}"
        yield f"| {score.judge} | {seeds} | {caught} of {illegal} ({share}) | {accused} of {legal} |"
    ours = scores[0]
    for may, words in ((False, "not red with every seed"), (True, "red although legal")):
        colors = ", ".join(f"`{name}` ({ours.colors(name)})" for name in ours.wrong(may=may))
        yield ""
        yield f"By {ours.judge} {words}: {colors or 'none'}."
