"""Shrinking: runs all passes over an exchange, again and again, until none finds anything to leave out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic

from contract_tests.rules.engine.judge import Rule
from contract_tests.rules.engine.view import View
from contract_tests.rules.judged import Judged
from contract_tests.shrinking import event_passes, message_passes, request_passes, text_passes, value_passes
from contract_tests.shrinking.oracle import BreaksRule, MainFails
from contract_tests.shrinking.search import MAX_CALLS, Exhausted, Search
from contract_tests.shrinking.spans import patterns
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


def shrink_judged(
    original: Judged, rule: Rule | None = None, *, seconds: float = SECONDS, max_calls: int = MAX_CALLS
) -> ShrinkResult:
    """The smallest exchange that fails as the original does, and breaks no rule that the original keeps.

    To fail is to break `rule`, or without one that main() fails. Raises ValueError if the original does not.
    """
    deadline = monotonic() + seconds

    def is_late() -> bool:
        return monotonic() > deadline

    fails = BreaksRule(rule, original, is_late) if rule else MainFails(original, is_late)
    findings = [finding for finding in original.findings if rule in (None, finding.rule)]
    suspects = {finding.place.event for finding in findings if finding.place.event is not None}
    return shrink(original.exchange, fails, suspects=suspects, seconds=seconds, max_calls=max_calls)


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
        _cut_large(search)
        before: Exchange | None = None
        while before != search.best:
            before = search.best
            for reduce in _PASSES:
                search.check_time()
                if _is_applicable(reduce, search.best):
                    reduce(search)
    except Exhausted:
        finished = False
    return ShrinkResult(exchange, search.best, search.calls, monotonic() - began, finished)


def _cut_large(search: Search) -> None:
    """Take away what makes an exchange large, before the passes that look at every part of it."""
    if _is_applicable(value_passes.cut_long_texts, search.best):
        value_passes.cut_long_texts(search, value_passes.REPLY)
    if len(search.best.request.body) > value_passes.LONG:
        request_passes.reduce_parameters(search)


def _explains_problem(exchange: Exchange) -> bool:
    """Whether `problem` follows from the bytes: a text about raw bytes that are gone proves nothing."""
    if exchange.raw:
        return True
    return exchange.ending is not Ending.MALFORMED and capture_replay(exchange).problem == exchange.problem


def _is_applicable(reduce: Callable[..., None], exchange: Exchange) -> bool:
    """Whether a pass may change the exchange. The body of a short error, or of one too large, stays."""
    if not any(reduce.__module__ == module.__name__ for module in _BODY_PASSES):
        return True
    is_error = exchange.status is not None and exchange.status >= 400
    short_error = is_error and len(exchange.payload) <= SHORT_ERROR
    return exchange.ending is not Ending.OVERSIZED and not short_error


def measure(exchange: Exchange) -> dict[str, int]:
    """How large an exchange is, in units that mean something to a reader."""
    return {
        "events": len(View(exchange).events),
        "body bytes": len(exchange.payload),
        "JSON members and items": sum(1 for text in value_passes.reply_texts(exchange) for _ in patterns(text.tree)),
        "header fields": len(exchange.headers) + len(exchange.request.headers or ()),
        "writes": len(exchange.writes),
        "request bytes": len(exchange.request.body),
    }
