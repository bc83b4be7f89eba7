"""Passes over the message around the body: raw bytes, writes, pauses, heads, trailers, ending, framing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.shrinking.editing import retold, unpacked
from contract_tests.shrinking.search import Search, reduce
from fake_server.wire.exchange import Ending, Exchange, Framing, Headers, Request, Write
from fake_server.wire.proof import capture_replay

_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
"""Header fields without which a reader takes the body for something else."""


def plain_message(search: Search) -> None:
    """All that is seldom the fault, in one step: one write, no pauses, the fields of the body alone."""
    best = search.best
    plain = _one_write(best).but(
        headers=_of_the_body(best.headers), informational=(), trailers=(), head_pause=0.0
    )
    search.accepts(_natural(retold(best, plain)))


def raw_dropped(search: Search) -> None:
    """The raw bytes are kept only where the values do not tell the fault."""
    best = search.best
    if not best.raw or search.accepts(_natural(best).but(raw=(), problem="")):
        return
    plain = best.but(raw=())
    if not search.accepts(plain.but(problem=capture_replay(plain).problem)):
        search.accepts(_bodiless(best))


def coding_taken_off(search: Search) -> None:
    """A compressed body is unpacked."""
    search.accepts(unpacked(search.best))


def fewer_writes(search: Search) -> None:
    """One write without a pause; else as few writes and pauses as the fault needs."""
    best = search.best
    if search.accepts(_one_write(best).but(head_pause=0.0)):
        return
    search.accepts(_one_write(best))
    search.accepts(search.best.but(head_pause=0.0))
    search.accepts(search.best.but(writes=tuple(Write(one.data) for one in search.best.writes)))
    writes = search.best.writes
    reduce(range(1, len(writes)), lambda cuts: search.accepts(best.but(writes=_joined(writes, cuts))))


def fewer_heads(search: Search) -> None:
    """Header fields, 1xx heads and trailers that the fault does not need are gone, and its body needs not."""
    whole = search.best
    kept = _of_the_body(whole.headers)
    loose = [pair for pair in whole.headers if pair not in kept]
    reduce(loose, lambda some: search.accepts(whole.but(headers=_only(whole.headers, {*kept, *some}))))
    best = search.best
    reduce(best.informational, lambda some: search.accepts(best.but(informational=tuple(some))))
    last = search.best
    reduce(last.trailers, lambda some: search.accepts(last.but(trailers=tuple(some))))


def natural_end(search: Search) -> None:
    """A clean end and the framing that the body comes in by itself."""
    search.accepts(_natural(search.best))


def request_heads(search: Search) -> None:
    """Request header fields that neither the fault nor the request's body needs are gone."""
    request = search.best.request
    if not request.headers:
        return
    needed = {"content-type"} if request.body else set()
    if search.best.status == 401:
        needed.add("authorization")  # that it is wrong, or not there, is what was refused
    kept = {pair for pair in request.headers if pair[0].lower() in needed}

    def asked(some: Iterable[tuple[str, str]]) -> Exchange:
        headers = _only(request.headers or (), {*kept, *some})
        return search.best.but(request=Request(request.method, request.target, headers, request.body))

    reduce([pair for pair in request.headers if pair not in kept], lambda some: search.accepts(asked(some)))


def _one_write(exchange: Exchange) -> Exchange:
    return exchange.with_payload(exchange.payload)


def _bodiless(exchange: Exchange) -> Exchange:
    return _natural(exchange).but(headers=(), writes=(), trailers=(), framing=None, raw=(), problem="")


def _of_the_body(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() in _OF_THE_BODY)


def _only(headers: Headers, kept: Iterable[tuple[str, str]]) -> Headers:
    return tuple(pair for pair in headers if pair in kept)


def _joined(writes: tuple[Write, ...], cuts: Iterable[int]) -> tuple[Write, ...]:
    """The same bytes, cut only before the writes with these numbers."""
    return tuple(_joint(writes, [0, *cuts]))


def _joint(writes: tuple[Write, ...], starts: list[int]) -> Iterator[Write]:
    for start, stop in zip(starts, [*starts[1:], len(writes)], strict=True):
        yield Write(b"".join(one.data for one in writes[start:stop]), writes[start].pause)


def _natural(exchange: Exchange) -> Exchange:
    """The exchange as it would be had its end been known and clean, where a stopped one needs not be."""
    if exchange.ending in (Ending.CLEAN, Ending.UNKNOWN, Ending.OVERSIZED):
        return exchange
    headers = exchange.headers
    if exchange.framing is Framing.LENGTH:
        length = str(len(exchange.payload))
        headers = tuple(
            (name, length if name.lower() == "content-length" else value) for name, value in headers
        )
    return exchange.but(ending=Ending.CLEAN, problem="", headers=headers)
