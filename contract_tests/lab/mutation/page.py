"""The score as text: tables for a terminal, survivors in groups, and the section of README.md."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from contract_tests.lab.mutation.score import OVERALL, PER_SECTION, Score, Tally

BEGIN, END = "<!-- mutants:begin -->", "<!-- mutants:end -->"
EXAMPLES = 2

_ABOUT = """
`make mutants` (seed {seed}) changes one thing in the committed exchanges and in the replies of the fake: a
value in the JSON, an event, a header field, the framing, a parameter that was not sent on, a streamed text.
At most {most} mutants are drawn of each section and kind of operator. An equivalent mutant is not broken: it
belongs to a class of forms that genuine replies have or that HTTP leaves open. The command lists the
survivors, and SURVIVORS.md explains them. It fails below an adjusted score of {overall:.0%} over all, or
{least:.0%} in a section.
"""


class NoPlace(ValueError):
    """A page that has no place for the score; the message says what is missing."""


def lines(score: Score) -> Iterator[str]:
    """Everything there is to say about a score, for a terminal."""
    yield from survivors(score)
    for name, count in score.classes.most_common():
        yield f"{count:5}  equivalent          {name}"
    yield ""
    yield from table("operator", score.operators)
    yield ""
    yield from table("section", {**score.sections, "all": score.total})
    yield ""


def rows(name: str, tallies: Mapping[str, Tally]) -> Iterator[tuple[str, ...]]:
    """The cells of a table of tallies, row by row, the heading first."""
    yield name, "mutants", "noticed", "equivalent", "raw", "adjusted"
    for name, tally in tallies.items():
        counts = (f"{number:,}" for number in (tally.made, tally.killed, tally.equivalent))
        yield name, *counts, f"{tally.raw:.1%}", f"{tally.adjusted:.1%}"


def table(name: str, tallies: Mapping[str, Tally]) -> Iterator[str]:
    """A table of tallies for a terminal."""
    for cells in rows(name, tallies):
        yield f"{cells[0]:24}" + "".join(f"{cell:>12}" for cell in cells[1:])


def survivors(score: Score) -> Iterator[str]:
    """Survivors by section, place and operator, the largest groups first, with a few examples."""
    groups = sorted(score.survivors.items(), key=lambda group: (group[0][0], -len(group[1]), group[0]))
    for (section, shape, operator), examples in groups:
        yield f"{len(examples):5}  {section:20}{shape}  {operator}"
        yield from (f"{'':27}{example}" for example in examples[:EXAMPLES])


def section(score: Score, seed: int, most: int) -> str:
    """What README.md says about the score, with the markers around it."""
    cells = list(rows("section", {**score.sections, "all": score.total}))
    marks = "|---|" + "--:|" * (len(cells[0]) - 1)
    heading, *body = (f"| {' | '.join(row)} |" for row in cells)
    about = _ABOUT.format(seed=seed, most=most, overall=OVERALL, least=PER_SECTION)
    return "\n".join((BEGIN, textwrap.fill(about.strip(), 110), "", heading, marks, *body, END))


def scores_in(page: str) -> dict[str, tuple[str, ...]]:
    """The cells of the table in a page, by section. Raises NoPlace."""
    lines = [line for line in _between(page).splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return {name: values for name, *values_ in cells[2:] if (values := tuple(values_))}


def put(page: str, text: str) -> str:
    """The page with its section replaced. Raises NoPlace."""
    return page.replace(f"{BEGIN}{_between(page)}{END}", text)


def _between(page: str) -> str:
    _, begin, rest = page.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    if not (begin and end):
        raise NoPlace(f"the page has no lines {BEGIN} and {END} around the score")
    return inside
