"""Serializes an Exchange's reply as the bytes of a server, with the pauses: the inverse of capture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from fake_server.wire.delivery import reason_phrase
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Headers, Write

TRICKLE = 0.05
"""Seconds from which a gap between two reads counts as a pause; shorter gaps are the network's doing."""
NOT_A_HEADER = b"not a header line\r\n\r\n"
NOT_A_SIZE = b"not a chunk size\r\n"


def serialize_reply(exchange: Exchange) -> Iterator[Write]:
    """The reply's bytes in the pieces to flush, each with the pause in seconds before it.

    They are exact if the exchange has raw bytes or knows its framing. Otherwise a Content-Length or, for
    event streams, chunks are added, and the Content-Length of a decoded body is corrected. A reply that
    ended early is left unfinished; closing or resetting the connection is up to the caller. If the faulty
    bytes of a malformed reply were not recorded, similar ones replace them.
    """
    return iter(exchange.raw) if exchange.raw else serialize_from_values(exchange)


def serialize_from_values(exchange: Exchange) -> Iterator[Write]:
    """The reply serialized from its values, as `serialize_reply` does without raw bytes."""
    for status, headers in exchange.informational:
        yield Write(_head("1.1", status, reason_phrase(status), headers) + b"\r\n")
    if exchange.status is None:
        if exchange.ending is Ending.MALFORMED:
            yield Write(NOT_A_HEADER, exchange.head_pause)
        return
    reason = exchange.reason if exchange.knows(Aspect.FRAMING) else exchange.reason or reason_phrase(exchange.status)
    headers = exchange.headers if exchange.knows(Aspect.FRAMING) else _with_true_length(exchange)
    head = _head(exchange.http_version, exchange.status, reason, headers)
    if exchange.framing is None and exchange.knows(Aspect.FRAMING) and stopped_early(exchange):
        head += NOT_A_HEADER if exchange.ending is Ending.MALFORMED else b""
        yield Write(head, exchange.head_pause)
        return
    framing, added = _framing(exchange)
    yield Write(head + _lines(added) + b"\r\n", exchange.head_pause)
    if framing is not Framing.CHUNKED:
        yield from exchange.writes
        return
    for write in exchange.writes:
        if write.data:
            yield Write(b"%x\r\n%s\r\n" % (len(write.data), write.data), write.pause)
    if exchange.ending is Ending.MALFORMED:
        yield Write(NOT_A_SIZE)
    elif not stopped_early(exchange):
        yield Write(b"0\r\n" + _lines(exchange.trailers) + b"\r\n")


def stopped_early(exchange: Exchange) -> bool:
    """Whether the reply stopped before its framing's end."""
    return exchange.ending not in (Ending.CLEAN, Ending.UNKNOWN)


def _with_true_length(exchange: Exchange) -> Headers:
    """The header fields with a Content-Length, if there is one, that fits the body."""
    if exchange.request.method == "HEAD" or exchange.status in (204, 304):
        return exchange.headers
    length = str(len(exchange.payload))
    return tuple((name, length if name.lower() == "content-length" else value) for name, value in exchange.headers)


def _framing(exchange: Exchange) -> tuple[Framing, Headers]:
    """The framing to send, and the header fields to add for it."""
    framing = exchange.framing
    coding, length = exchange.header("transfer-encoding"), exchange.header("content-length")
    if framing is None:
        if exchange.status in (204, 304) or exchange.request.method == "HEAD":
            return Framing.NONE, ()
        if coding and coding.lower().endswith("chunked"):
            return Framing.CHUNKED, ()
        streamed = exchange.media_type == "text/event-stream" and length is None
        framing = Framing.CHUNKED if streamed else Framing.LENGTH
    if framing is Framing.CHUNKED and coding is None:
        return framing, (("Transfer-Encoding", "chunked"),)
    if framing is Framing.LENGTH and length is None:
        return framing, (("Content-Length", str(len(exchange.payload))),)
    return framing, ()


def _head(version: str, status: int, reason: str, headers: Headers) -> bytes:
    return f"HTTP/{version} {status} {reason}\r\n".encode("latin-1") + _lines(headers)


def _lines(headers: Headers) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")


def reproduces(exchange: Exchange, raw: tuple[Write, ...]) -> bool:
    """Whether the values of an exchange give all the bytes that arrived, and a pause wherever there was one."""
    written = tuple(serialize_from_values(exchange))
    same = b"".join(write.data for write in written) == b"".join(read.data for read in raw)
    return same and _pause_offsets(raw) <= _pause_offsets(written)


def _pause_offsets(writes: tuple[Write, ...]) -> set[int]:
    """The byte offsets before which there is a pause."""
    starts = accumulate((len(write.data) for write in writes), initial=0)
    return {start for start, write in zip(starts, writes, strict=False) if write.pause > TRICKLE}
