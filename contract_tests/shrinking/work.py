"""All passes, again and again until none finds anything to leave out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Rule
from contract_tests.rules.engine.judge import judge as judge_by
from contract_tests.shrinking import event_passes, message_passes, request_passes, text_passes, value_passes
from contract_tests.shrinking.main_oracle import MainFails
from contract_tests.shrinking.oracle import BreaksRule
from contract_tests.shrinking.search import MAX_CALLS, Exhausted, Search
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.proof import capture_replay

SECONDS = 60.0
FEW_WORDS = 400
"""Bytes of an error's body that stay as they are."""

_PASSES: tuple[Callable[[Search], None], ...] = (
    message_passes.raw_dropped,
    message_passes.coding_taken_off,
    message_passes.plain_message,
    event_passes.fewer_events,
    value_passes.fewer_members_everywhere,
    value_passes.fewer_members,
    event_passes.joined_events,
    event_passes.fewer_lines,
    value_passes.shorter_texts,
    text_passes.fewer_bytes,
    text_passes.fewer_raw_lines,
    message_passes.natural_end,
    message_passes.fewer_writes,
    message_passes.fewer_heads,
    message_passes.request_heads,
    request_passes.fewer_parameters,
)
_OF_THE_BODY = (event_passes, value_passes, text_passes)


@dataclass(frozen=True)
class Shrunk:
    """What came of it. `finished` is False where the bounds ended the search: it could be smaller still."""

    before: Exchange
    after: Exchange
    calls: int
    seconds: float
    finished: bool


def shrink_rule(
    exchange: Exchange, rule: Rule, *, seconds: float = SECONDS, max_calls: int = MAX_CALLS
) -> Shrunk:
    """The smallest exchange that breaks `rule` as this one does, and no rule that this one keeps.

    Raises ValueError where the exchange does not break the rule.
    """
    oracle = BreaksRule(rule, exchange)
    places = (one.place.event for one in judge_by((rule,), exchange).findings)
    suspects = {place for place in places if place is not None}
    return shrink(exchange, oracle, suspects=suspects, seconds=seconds, max_calls=max_calls)


def shrink_main(exchange: Exchange, *, seconds: float = SECONDS, max_calls: int = MAX_CALLS) -> Shrunk:
    """The smallest exchange on which main() fails as on this one, and that breaks no rule this one keeps.

    Raises ValueError where main() does not fail on it.
    """
    suspects = {one.place.event for one in judge(exchange).findings if one.place.event is not None}
    return shrink(exchange, MainFails(exchange), suspects=suspects, seconds=seconds, max_calls=max_calls)


def shrink(
    exchange: Exchange,
    fails: Callable[[Exchange], bool],
    *,
    suspects: Collection[int] = (),
    seconds: float = SECONDS,
    max_calls: int = MAX_CALLS,
) -> Shrunk:
    """The smallest exchange for which `fails` holds, as it does for this one.

    `suspects` are numbers of events that are tried first. The same input gives the same result unless a bound
    ends the search; the result is never worse than the input, and where the search came to its end nothing
    that a pass can leave out can be left out alone.
    """
    began = monotonic()
    if not any(write.data for write in exchange.raw):
        exchange = exchange.but(raw=())

    def fails_by_itself(candidate: Exchange) -> bool:
        return _tells_its_problem(candidate) and fails(candidate)

    search = Search(exchange, fails_by_itself if exchange.raw else fails, seconds, max_calls)
    finished = True
    try:
        message_passes.raw_dropped(search)
        event_passes.likely_events(search, suspects)
        _until_nothing_changes(search)
    except Exhausted:
        finished = False
    return Shrunk(exchange, search.best, search.calls, monotonic() - began, finished)


def _until_nothing_changes(search: Search) -> None:
    before: Exchange | None = None
    while before != search.best:
        before = search.best
        for one in _PASSES:
            if _fits(one, search.best):
                one(search)


def _tells_its_problem(exchange: Exchange) -> bool:
    """Whether the bytes say what the problem says: words about raw bytes that are gone prove nothing."""
    if exchange.raw:
        return True
    return exchange.ending is not Ending.MALFORMED and capture_replay(exchange).problem == exchange.problem


def _fits(one: Callable[[Search], None], exchange: Exchange) -> bool:
    """Whether a pass may change the exchange.

    A body that was too large is the fault itself, and the few words of an error are what its reader goes by.
    """
    if not any(one.__module__ == module.__name__ for module in _OF_THE_BODY):
        return True
    told = exchange.status is not None and exchange.status >= 400 and len(exchange.payload) <= FEW_WORDS
    return exchange.ending is not Ending.OVERSIZED and not told
