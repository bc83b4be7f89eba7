"""Exchanges with another body that stay true to themselves: writes, lengths, coding and what went wrong."""

from __future__ import annotations

import gzip
from collections.abc import Collection

from contract_tests.shrinking.spans import Edit, applied
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Ending, Exchange, Headers, Write
from fake_server.wire.proof import capture_replay

_ENDED_BY_BYTES = (Ending.CLEAN, Ending.CUT, Ending.RESET, Ending.MALFORMED)


def body_of(exchange: Exchange) -> bytes:
    """The body that edits count in: without its content coding where that can be taken off and put on."""
    return decode_content(exchange)[0] if _is_gzip(exchange) else exchange.payload


def edited(exchange: Exchange, edits: Collection[Edit]) -> Exchange:
    """The exchange with the edits made in its body; every other byte stays in the write it came in.

    A Content-Length is as right or as wrong afterwards as it was.
    """
    if not edits:
        return exchange
    if _is_gzip(exchange):
        return with_payload(exchange, gzip.compress(applied(body_of(exchange), edits), mtime=0))
    writes: list[Write] = []
    begin, pause = 0, 0.0
    for write in exchange.writes:
        stop = begin + len(write.data)
        here = [
            (max(start, begin) - begin, min(end, stop) - begin, new if begin <= start < stop else b"")
            for start, end, new in edits
            if start < stop and (end > begin or begin <= start)
        ]
        data = applied(write.data, here)
        pause += write.pause
        if data:
            writes.append(Write(data, pause))
            pause = 0.0
        begin = stop
    return _settled(exchange, tuple(writes))


def with_payload(exchange: Exchange, payload: bytes) -> Exchange:
    """The exchange with other bytes in one write, its Content-Length as right or as wrong as before."""
    return _settled(exchange, (Write(payload),) if payload else ())


def unpacked(exchange: Exchange) -> Exchange:
    """The exchange with its content coding taken off; unchanged where there is none."""
    if not _is_gzip(exchange):
        return exchange
    headers = tuple(pair for pair in exchange.headers if pair[0].lower() != "content-encoding")
    return with_payload(exchange, body_of(exchange)).but(headers=lengthened(headers, _grown(exchange)))


def _grown(exchange: Exchange) -> int:
    return len(body_of(exchange)) - len(exchange.payload)


def _is_gzip(exchange: Exchange) -> bool:
    coding = (exchange.header("content-encoding") or "").lower()
    return coding in ("gzip", "x-gzip") and not decode_content(exchange)[1]


def lengthened(headers: Headers, more: int) -> Headers:
    """The fields with each Content-Length that is a number so many bytes more, never below zero."""
    return tuple(
        (name, str(max(0, int(value) + more)))
        if name.lower() == "content-length" and value.isascii() and value.isdigit()
        else (name, value)
        for name, value in headers
    )


def _settled(exchange: Exchange, writes: tuple[Write, ...]) -> Exchange:
    more = sum(len(write.data) for write in writes) - len(exchange.payload)
    return retold(exchange, exchange.but(writes=writes, headers=lengthened(exchange.headers, more)))


def retold(before: Exchange, after: Exchange) -> Exchange:
    """`after` with its problem as a reader would put it now, where that of `before` came from its bytes."""
    if not before.problem or before.ending not in _ENDED_BY_BYTES:
        return after
    if capture_replay(before).problem != before.problem:
        return after
    return after.but(problem=capture_replay(after).problem)
