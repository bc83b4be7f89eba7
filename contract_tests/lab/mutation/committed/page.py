"""The score in words: the table for people, survivors in groups, and the section of README."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from contract_tests.lab.mutation.committed.score import OVERALL, PER_SECTION, Score

BEGIN, END = "<!-- mutants:begin -->", "<!-- mutants:end -->"
EXAMPLES = 2

_ABOUT = """
`make mutants` (seed {seed}) changes one thing in the committed exchanges and in the replies of the fake: a
path of the JSON, an event, a header field, the framing, a parameter that was not sent on, a streamed text.
Up to {most} are drawn of each section and kind. Those called equivalent have a form that genuine replies
have, or that HTTP leaves open, by a class that says so. What is left is listed by the command and explained
in contract_tests/lab/mutation/committed/SURVIVORS.md. It fails below {overall:.0%} adjusted over all, or
{least:.0%} in a section.
"""


class NoPlace(ValueError):
    """A page that has no place for the score; the message says what is missing."""


def rows(score: Score) -> Iterator[tuple[str, ...]]:
    """The table's cells, line by line, the heading first and all sections together last."""
    yield "section", "mutants", "noticed", "equivalent", "raw", "adjusted"
    for name, tally in (*score.sections.items(), ("all", score.total)):
        counts = (f"{number:,}" for number in (tally.made, tally.killed, tally.equivalent))
        yield name, *counts, f"{tally.raw:.1%}", f"{tally.adjusted:.1%}"


def table(score: Score) -> str:
    """The table for a terminal."""
    lines = [f"{cells[0]:20}" + "".join(f"{one:>12}" for one in cells[1:]) for cells in rows(score)]
    return "\n".join(lines)


def survivors(score: Score) -> Iterator[str]:
    """Survivors by section, place and operator, the largest groups first, with a few examples."""
    groups = sorted(score.survivors.items(), key=lambda group: (group[0][0], -len(group[1]), group[0]))
    for (section, shape, operator), found in groups:
        yield f"{len(found):5}  {section:20}{shape}  {operator}"
        yield from (f"{'':27}{one}" for one in found[:EXAMPLES])


def section(score: Score, seed: int, most: int) -> str:
    """What README says, markers included."""
    heading, *lines = rows(score)
    marks = "|---|" + "--:|" * (len(heading) - 1)
    told = [f"| {' | '.join(cells)} |" for cells in (heading, *lines)]
    about = _ABOUT.format(seed=seed, most=most, overall=OVERALL, least=PER_SECTION)
    return "\n".join((BEGIN, textwrap.fill(about.strip(), 110), "", told[0], marks, *told[1:], END))


def scores_in(page: str) -> dict[str, tuple[str, ...]]:
    """The cells of the table in a page, by section. Raises NoPlace."""
    lines = [line for line in _between(page).splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return {name: values for name, *values_ in cells[2:] if (values := tuple(values_))}


def put(page: str, text: str) -> str:
    """The page with its section replaced. Raises NoPlace."""
    return page.replace(f"{BEGIN}{_between(page)}{END}", text)


def _between(page: str) -> str:
    _, found, rest = page.partition(BEGIN)
    inside, closed, _ = rest.partition(END)
    if not (found and closed):
        raise NoPlace(f"the page has no lines {BEGIN} and {END} around the score")
    return inside
