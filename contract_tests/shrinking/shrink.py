"""Shrinking: runs all passes over an exchange, again and again, until none finds anything to leave out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from time import monotonic

from contract_tests.rules.engine.judge import Finding, Rule
from contract_tests.rules.judged import Judged
from contract_tests.shrinking import event_passes, message_passes, request_passes, text_passes, value_passes
from contract_tests.shrinking.main_oracle import MainFails
from contract_tests.shrinking.oracle import BreaksRule
from contract_tests.shrinking.search import MAX_CALLS, Exhausted, Search
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.proof import capture_replay

SECONDS = 60.0
SHORT_ERROR = 400
"""Bytes up to which the body of an error reply is not shortened: its reader goes by its wording."""

_PASSES: tuple[Callable[[Search], None], ...] = (
    message_passes.drop_raw,
    message_passes.remove_coding,
    message_passes.simplify_message,
    event_passes.reduce_events,
    value_passes.reduce_members_everywhere,
    value_passes.reduce_members,
    event_passes.join_events,
    event_passes.reduce_lines,
    value_passes.shorten_texts,
    text_passes.reduce_bytes,
    text_passes.reduce_raw_lines,
    message_passes.normalize_ending,
    message_passes.reduce_writes,
    message_passes.reduce_headers,
    message_passes.reduce_request_headers,
    request_passes.reduce_parameters,
)
_BODY_PASSES = (event_passes, value_passes, text_passes)


@dataclass(frozen=True)
class ShrinkResult:
    """The exchange before and after, and the cost: candidates tried and seconds.

    `finished` is False if a limit ended the search, so that `after` may not be the smallest.
    """

    before: Exchange
    after: Exchange
    calls: int
    seconds: float
    finished: bool


def shrink_rule(original: Judged, rule: Rule, *, seconds: float = SECONDS, max_calls: int = MAX_CALLS) -> ShrinkResult:
    """The smallest exchange that breaks `rule` as the original does, and no rule that the original keeps.

    Raises ValueError if the original does not break the rule.
    """
    suspects = _events_of(finding for finding in original.findings if finding.rule.id == rule.id)
    return shrink(
        original.exchange,
        BreaksRule(rule, original),
        suspects=suspects,
        seconds=seconds,
        max_calls=max_calls,
    )


def shrink_main(original: Judged, *, seconds: float = SECONDS, max_calls: int = MAX_CALLS) -> ShrinkResult:
    """The smallest exchange on which main() fails as on the original, and that breaks no rule it keeps.

    Raises ValueError if main() does not fail on the original.
    """
    suspects = _events_of(original.findings)
    return shrink(original.exchange, MainFails(original), suspects=suspects, seconds=seconds, max_calls=max_calls)


def _events_of(findings: Iterable[Finding]) -> set[int]:
    """The numbers of the events that have a finding."""
    return {finding.place.event for finding in findings if finding.place.event is not None}


def shrink(
    exchange: Exchange,
    fails: Callable[[Exchange], bool],
    *,
    suspects: Collection[int] = (),
    seconds: float = SECONDS,
    max_calls: int = MAX_CALLS,
) -> ShrinkResult:
    """The smallest exchange for which `fails` holds, as it does for this one.

    `suspects` are the numbers of events that are tried first. The same input gives the same result unless a
    limit (`seconds`, or `max_calls` candidates) ends the search; the result is never larger than the input.
    In the result of a finished search, no single thing that a pass can leave out can be left out.
    """
    began = monotonic()
    if not any(write.data for write in exchange.raw):
        exchange = exchange.but(raw=())

    def fails_by_itself(candidate: Exchange) -> bool:
        return _explains_problem(candidate) and fails(candidate)

    search = Search(exchange, fails_by_itself if exchange.raw else fails, seconds, max_calls)
    finished = True
    try:
        message_passes.drop_raw(search)
        event_passes.keep_likely_events(search, suspects)
        _until_nothing_changes(search)
    except Exhausted:
        finished = False
    return ShrinkResult(exchange, search.best, search.calls, monotonic() - began, finished)


def _until_nothing_changes(search: Search) -> None:
    before: Exchange | None = None
    while before != search.best:
        before = search.best
        for reduce in _PASSES:
            if _is_applicable(reduce, search.best):
                reduce(search)


def _explains_problem(exchange: Exchange) -> bool:
    """Whether `problem` follows from the bytes: a text about raw bytes that are gone proves nothing."""
    if exchange.raw:
        return True
    return exchange.ending is not Ending.MALFORMED and capture_replay(exchange).problem == exchange.problem


def _is_applicable(reduce: Callable[[Search], None], exchange: Exchange) -> bool:
    """Whether a pass may change the exchange. The body of a short error, or of one too large, stays."""
    if not any(reduce.__module__ == module.__name__ for module in _BODY_PASSES):
        return True
    is_error = exchange.status is not None and exchange.status >= 400
    short_error = is_error and len(exchange.payload) <= SHORT_ERROR
    return exchange.ending is not Ending.OVERSIZED and not short_error
