"""Section relations: what becomes of the next caller when one has left before the end of its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations

SLOWER, MARGIN = 3.0, 0.5
"""An answer was held up when it took so many times another one's time, and so many seconds more."""
_ROLES = ("before", "next", "next again", "later")


def seconds(view: View) -> float:
    """From the end of the request to the end of the reply."""
    exchange = view.exchange
    return exchange.head_pause + sum(write.pause for write in exchange.writes)


def held_up(view: View, other: View) -> bool:
    """Whether an answer took much longer than another one to the same question."""
    return seconds(view) > SLOWER * seconds(other) + MARGIN


def _twice_behind_a_leaver(trace: Trace) -> Iterator[tuple[View, View, View, View]]:
    """The answers before and after two callers left, where the first of them was held up."""
    before, after, again, later = (trace.roles.get(role) for role in _ROLES)
    if before and after and again and later and before.ok and later.ok:
        yield before, after, again, later


@relations.rule(
    "leaver-not-served",
    over=_twice_behind_a_leaver,
    relation=True,
    level=SHOULD,
    expected="about the time that the same answer takes otherwise",
    harm="a user who stops an answer waits for the end of it all the same, and so does everybody else",
)
def leaver_not_served(views: tuple[View, View, View, View]) -> Iterable[Complaint]:
    """After a caller has hung up, the next one does not wait for the rest of its answer."""
    before, after, again, later = views
    slower = max(before, later, key=seconds)
    if held_up(after, slower) and held_up(again, slower):
        usual, waited = seconds(slower), min(seconds(after), seconds(again))
        yield after, f"{waited:.1f} s behind a caller that left, twice; {usual:.1f} s without one"
