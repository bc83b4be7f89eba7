"""The flow: what comes piece by piece goes on piece by piece, and what nobody waits for any more ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Place
from contract_tests.sandwich.pair import Pair, succeeded
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.text import format_count

flow = Section(
    "sandwich.flow",
    "Through a proxy: the flow",
    see.CHAT_STREAMING,
    relation=True,
    basis="a stream is asked for to be read while it comes, and the times are those of both sides' bytes",
)
FEWEST, SHORTEST = 8, 0.5
"""Writes and seconds from which on the pace of an upstream's stream can be compared."""
BUFFERED = 4
"""How many times as fast as it was sent a stream may come."""
SOON = 1.0
"""Seconds that the upstream may go on after the caller has left."""


def seconds_of(exchange: Exchange, first: int = 0) -> float:
    """Seconds from the head of a reply, or from its first write on with `first` 1, to its last write."""
    return sum(write.pause for write in exchange.writes[first:])


def paced(pair: Pair) -> Iterator[tuple[Exchange, Exchange]]:
    """The caller's exchange and the upstream's, if that is a stream that came bit by bit to its end."""
    answer = pair.answer
    if answer is None or not (succeeded(answer) and answer.form == "events" and succeeded(pair.caller)):
        return
    if len(answer.exchange.writes) >= FEWEST and seconds_of(answer.exchange, 1) >= SHORTEST:
        yield pair.front, answer.exchange


@flow.rule("as-it-comes", over=paced, harm="users wait for the whole answer, and see it all at once")
def as_it_comes(front: Exchange, upstream: Exchange) -> Iterable[Complaint]:
    """A stream is passed on as it comes, not held back until its end."""
    took, takes = seconds_of(front, 1), seconds_of(upstream, 1)
    if took * BUFFERED < takes:
        writes = format_count(len(front.writes), "write")
        sent = format_count(len(upstream.writes), "write")
        yield Place(), f"{writes} within {took:.2g} s", f"{sent} within {takes:.2g} s, as they were sent"


def left(pair: Pair) -> Iterator[Pair]:
    """The pair, if the caller left before the end."""
    if pair.front.ending is Ending.CLIENT_LEFT and pair.upstream:
        yield pair


@flow.rule("leaves-too", over=left, level=SHOULD, harm="tokens are paid for that nobody reads")
def leaves_too(pair: Pair) -> Iterable[Complaint]:
    """When the caller leaves, the proxy leaves its upstream too."""
    upstream = pair.upstream[-1]
    if upstream.ending is Ending.CLEAN and seconds_of(upstream) > seconds_of(pair.front) + SOON:
        size = format_count(len(upstream.payload), "byte")
        yield Place(), f"its reply was taken to its end, {size} in {seconds_of(upstream):.2g} s", "an end soon after"
