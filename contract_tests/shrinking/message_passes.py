"""Passes over the message around the body: raw bytes, writes, pauses, headers, trailers, ending, framing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from contract_tests.shrinking.editing import refresh_problem, remove_content_coding
from contract_tests.shrinking.search import Search, reduce
from fake_server.wire.exchange import Ending, Exchange, Framing, Headers, Request, Write
from fake_server.wire.proof import capture_replay

_BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
"""Header fields that tell a reader how to read the body."""


def simplify_message(search: Search) -> None:
    """Remove in one step what is rarely the fault: all writes but one, pauses, all but the body's headers."""
    best = search.best
    plain = _one_write(best).but(headers=_body_headers(best.headers), informational=(), trailers=(), head_pause=0.0)
    search.accepts(_with_clean_ending(refresh_problem(best, plain)))


def drop_raw(search: Search) -> None:
    """Drop the raw bytes if the parsed values still show the fault."""
    best = search.best
    if not best.raw or search.accepts(_with_clean_ending(best).but(raw=(), problem="")):
        return
    plain = best.but(raw=())
    if not search.accepts(plain.but(problem=capture_replay(plain).problem)):
        bare = _with_clean_ending(best)
        search.accepts(bare.but(headers=(), writes=(), trailers=(), framing=None, raw=(), problem=""))


def remove_coding(search: Search) -> None:
    """Decompress a compressed body."""
    search.accepts(remove_content_coding(search.best))


def reduce_writes(search: Search) -> None:
    """One write without a pause, or else as few writes and pauses as the fault needs."""
    best = search.best
    if search.accepts(_one_write(best).but(head_pause=0.0)):
        return
    search.accepts(_one_write(best))
    search.accepts(search.best.but(head_pause=0.0))
    search.accepts(search.best.but(writes=tuple(Write(write.data) for write in search.best.writes)))
    writes = search.best.writes
    reduce(range(1, len(writes)), lambda cuts: search.accepts(best.but(writes=_join_writes(writes, cuts))))


def reduce_headers(search: Search) -> None:
    """Remove header fields, 1xx heads and trailers that neither the fault nor the body needs."""
    whole = search.best
    needed = _body_headers(whole.headers)
    others = [pair for pair in whole.headers if pair not in needed]
    reduce(others, lambda some: search.accepts(whole.but(headers=_only(whole.headers, {*needed, *some}))))
    best = search.best
    reduce(best.informational, lambda some: search.accepts(best.but(informational=tuple(some))))
    last = search.best
    reduce(last.trailers, lambda some: search.accepts(last.but(trailers=tuple(some))))


def normalize_ending(search: Search) -> None:
    """Try a clean ending."""
    search.accepts(_with_clean_ending(search.best))


def reduce_request_headers(search: Search) -> None:
    """Remove request header fields that neither the fault nor the request's body needs."""
    request = search.best.request
    if not request.headers:
        return
    needed = {"content-type"} if request.body else set()
    if search.best.status == 401:
        needed.add("authorization")  # the server refused the request because of this field
    fixed = {pair for pair in request.headers if pair[0].lower() in needed}

    def with_fields(some: Iterable[tuple[str, str]]) -> Exchange:
        headers = _only(request.headers or (), {*fixed, *some})
        return search.best.but(request=Request(request.method, request.target, headers, request.body))

    others = [pair for pair in request.headers if pair not in fixed]
    reduce(others, lambda some: search.accepts(with_fields(some)))


def _one_write(exchange: Exchange) -> Exchange:
    return exchange.with_payload(exchange.payload)


def _body_headers(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() in _BODY_HEADERS)


def _only(headers: Headers, wanted: Iterable[tuple[str, str]]) -> Headers:
    return tuple(pair for pair in headers if pair in wanted)


def _join_writes(writes: tuple[Write, ...], cuts: Iterable[int]) -> tuple[Write, ...]:
    """The same bytes, cut only before the writes with these numbers."""
    return tuple(
        Write(b"".join(write.data for write in writes[start:stop]), writes[start].pause)
        for start, stop in pairwise((0, *cuts, len(writes)))
    )


def _with_clean_ending(exchange: Exchange) -> Exchange:
    """The exchange as it would be if it had ended cleanly, with a Content-Length that fits."""
    if exchange.ending in (Ending.CLEAN, Ending.UNKNOWN, Ending.OVERSIZED):
        return exchange
    headers = exchange.headers
    if exchange.framing is Framing.LENGTH:
        length = str(len(exchange.payload))
        headers = tuple((name, length if name.lower() == "content-length" else value) for name, value in headers)
    return exchange.but(ending=Ending.CLEAN, problem="", headers=headers)
