"""Changes the body of an exchange and keeps the rest consistent: writes, lengths, coding and `problem`."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Collection

from contract_tests.shrinking.spans import Edit, Slice, apply_edits
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Ending, Exchange, Headers, Write
from fake_server.wire.proof import capture_replay

_ENDED_BY_BYTES = (Ending.CLEAN, Ending.CUT, Ending.RESET, Ending.MALFORMED)


def decoded_body(exchange: Exchange) -> bytes:
    """The body whose offsets edits use: decompressed if it is gzip, which can be compressed again."""
    return decode_content(exchange)[0] if _is_gzip(exchange) else exchange.payload


def edit_body(exchange: Exchange, edits: Collection[Edit]) -> Exchange:
    """The exchange with these edits made in its body; every other byte stays in its write.

    A Content-Length is changed by as much as the body, so a wrong one stays wrong.
    """
    if not edits:
        return exchange
    if _is_gzip(exchange):
        return replace_body(exchange, gzip.compress(apply_edits(decoded_body(exchange), edits), mtime=0))
    writes: list[Write] = []
    begin, pause = 0, 0.0
    left = deque(sorted(edits))
    for write in exchange.writes:
        stop = begin + len(write.data)
        here = []
        while left and left[0][0] < stop:
            start, end, new = left.popleft()
            # An edit may span several writes: its new bytes go into the write in which it starts.
            if start >= begin or end > begin:
                here.append((max(start, begin) - begin, min(end, stop) - begin, new if start >= begin else b""))
            if end > stop:
                left.appendleft((start, end, new))
                break
        data = apply_edits(write.data, here)
        pause += write.pause
        if data:
            writes.append(Write(data, pause))
            pause = 0.0
        begin = stop
    return _with_writes(exchange, tuple(writes))


def keep_slices(exchange: Exchange, slices: Collection[Slice], kept: Collection[Slice]) -> Exchange:
    """The exchange without those of the slices of its body that are not kept."""
    gone = set(slices).difference(kept)
    return edit_body(exchange, [(start, stop, b"") for start, stop in sorted(gone)])


def replace_body(exchange: Exchange, payload: bytes) -> Exchange:
    """The exchange with `payload` in one write, its Content-Length changed by as much as the body."""
    return _with_writes(exchange, (Write(payload),) if payload else ())


def remove_content_coding(exchange: Exchange) -> Exchange:
    """The exchange without its content coding; unchanged if there is none to remove."""
    if not _is_gzip(exchange):
        return exchange
    headers = tuple(pair for pair in exchange.headers if pair[0].lower() != "content-encoding")
    return replace_body(exchange.but(headers=headers), decoded_body(exchange))


def _is_gzip(exchange: Exchange) -> bool:
    coding = (exchange.header("content-encoding") or "").lower()
    return coding in ("gzip", "x-gzip") and not decode_content(exchange)[1]


def adjust_content_length(headers: Headers, more: int) -> Headers:
    """The fields with `more` added to each numeric Content-Length, which never falls below zero."""
    return tuple(
        (name, str(max(0, int(value) + more)))
        if name.lower() == "content-length" and value.isascii() and value.isdigit()
        else (name, value)
        for name, value in headers
    )


def _with_writes(exchange: Exchange, writes: tuple[Write, ...]) -> Exchange:
    more = sum(len(write.data) for write in writes) - len(exchange.payload)
    return refresh_problem(exchange, exchange.but(writes=writes, headers=adjust_content_length(exchange.headers, more)))


def refresh_problem(before: Exchange, after: Exchange) -> Exchange:
    """`after` with the problem that its bytes have now, if the problem of `before` came from its bytes."""
    if not before.problem or before.ending not in _ENDED_BY_BYTES:
        return after
    if capture_replay(before).problem != before.problem:
        return after
    return after.but(problem=capture_replay(after).problem)
