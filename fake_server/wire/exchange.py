"""An Exchange: one request and its reply, as they crossed the wire. The whole kit works on it.

The fake emits exchanges, the relay captures them, fixtures store them, playback repeats them and
rules judge them. Everything here is frozen; nothing here does I/O.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order with wire case; values are latin-1 text without outer white space."""


class Ending(StrEnum):
    """How the reply stopped."""

    CLEAN = "clean"  # the body ended where its framing said
    CUT = "cut"  # FIN before the framing's end, or before any reply
    RESET = "reset"  # RST
    TIMED_OUT = "timed out"  # a time limit expired and we hung up
    OVERSIZED = "oversized"  # a size limit was reached and we hung up
    MALFORMED = "malformed"  # the head or the chunk framing is not HTTP
    UNREACHABLE = "unreachable"  # no connection could be made
    CLIENT_LEFT = "client left"  # the client hung up first
    UNKNOWN = "unknown"  # the recording does not say


class Framing(StrEnum):
    """How the end of the body is marked (RFC 9112 section 6)."""

    CHUNKED = "chunked"
    LENGTH = "content-length"
    CLOSE = "close"
    NONE = "none"  # HEAD, 1xx, 204, 304: there is no body


class Aspect(StrEnum):
    """What a recording may have lost. Rules that need a lost aspect are not reached."""

    HEADERS = "headers"  # no header field was recorded
    ALL_HEADERS = "all headers"  # some fields were recorded: the absence of a field proves nothing
    FRAMING = "framing"  # transfer coding, lengths, status line, writes
    TIMING = "timing"  # pauses
    BODY_BYTES = "body bytes"  # JSON was parsed and serialized again: spacing, order, escapes are lost
    BODY = "body"  # none was recorded, or only its length
    EVENT_FRAMING = "event framing"  # SSE line endings and blank lines are not the server's
    ENDING = "ending"
    REQUEST = "request"  # the request body is missing or truncated


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were flushed together, and the pause in seconds before them.

    A write is one HTTP chunk if the body is chunked, otherwise what one read returned. `data` is
    payload: the transfer coding is removed, a content coding (gzip) is not.
    """

    data: bytes
    pause: float = 0.0


@dataclass(frozen=True)
class Request:
    """A request. `target` is in origin form (`/v1/models?x=1`); `headers` is None if not recorded."""

    method: str
    target: str
    headers: Headers | None = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def json(self) -> Any:
        """The parsed body, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


_NOT_PART_OF_REPLY = frozenset({"request", "problem", "unknown", "label", "recorded"})


@dataclass(frozen=True)
class Exchange:
    """One request and its reply.

    `status` is None if no status line arrived, `framing` is None if unknown. `writes` hold the body;
    the first pause counts from the arrival of the head, `head_pause` (seconds) from the request's last
    byte to the head. `informational` holds 1xx heads as (status, headers). `problem` explains an ending
    that is not clean. `label` names the case or recording in reports. `raw` holds the reply's bytes as
    received, one write per read. A recorder sets it only if serializing the values above would give
    other bytes: uppercase chunk sizes, bare LF line endings, anything that is not HTTP. `recorded` is when
    the request was made (in UTC), or its number among the requests of a file that keeps no times; None if
    neither is known.
    """

    request: Request
    status: int | None
    headers: Headers = ()
    writes: tuple[Write, ...] = ()
    ending: Ending = Ending.CLEAN
    framing: Framing | None = None
    reason: str = ""
    http_version: str = "1.1"
    head_pause: float = 0.0
    informational: tuple[tuple[int, Headers], ...] = ()
    trailers: Headers = ()
    problem: str = ""
    unknown: frozenset[Aspect] = field(default_factory=frozenset)
    label: str = ""
    raw: tuple[Write, ...] = ()
    recorded: datetime | int | None = None

    @property
    def payload(self) -> bytes:
        """The body without its transfer coding; a content coding (gzip) is not removed."""
        return b"".join(write.data for write in self.writes)

    @property
    def size(self) -> int:
        """Bytes of both bodies, and of the reply as it was received."""
        return len(self.request.body) + sum(len(write.data) for write in (*self.writes, *self.raw))

    def knows(self, *aspects: Aspect) -> bool:
        """Whether none of these aspects was lost."""
        return not self.unknown.intersection(aspects)

    def header(self, name: str) -> str | None:
        """A header's value, repeated fields joined by ', ' (RFC 9110 section 5.3); None if absent."""
        return header(self.headers, name)

    @property
    def media_type(self) -> str | None:
        """Content-Type without parameters, in lower case; None if absent or empty.

        Of repeated fields the last that is not empty counts, as the Fetch standard reads them ("extract a MIME type").
        """
        types = [value.partition(";")[0].strip().lower() for value in header_values(self.headers, "content-type")]
        return next((typed for typed in reversed(types) if typed), None)

    def but(self, **changes: Any) -> Exchange:
        """A copy with these fields changed. A change of the reply drops `raw`, which would contradict it."""
        if not _NOT_PART_OF_REPLY.issuperset(changes):
            changes.setdefault("raw", ())
        return replace(self, **changes)

    def with_payload(self, payload: bytes) -> Exchange:
        """A copy whose body is `payload` in one write."""
        return self.but(writes=(Write(payload),) if payload else ())


_NO_TIME = datetime.min.replace(tzinfo=UTC)


def header(headers: Iterable[tuple[str, str]] | None, name: str) -> str | None:
    """The value of header `name` (in any case), repeated fields joined by ', '; None if absent."""
    values = header_values(headers, name)
    return ", ".join(values) if values else None


def header_values(headers: Iterable[tuple[str, str]] | None, name: str) -> list[str]:
    """The values of all fields of this name (in any case), in their order."""
    wanted = name.lower()
    return [value for key, value in headers or () if key.lower() == wanted]


def in_turn(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The exchanges in the order in which they were recorded.

    Those that say nothing of it come first, then the numbered ones, each kind in its given order.
    """

    def turn(exchange: Exchange) -> tuple[int, float, datetime]:
        match exchange.recorded:
            case datetime() as time:
                return 2, 0, time
            case None:
                return 0, 0, _NO_TIME
            case number:
                return 1, number, _NO_TIME

    return sorted(exchanges, key=turn)


def cut_into_writes(data: bytes, cuts: Iterable[tuple[int, float]]) -> tuple[Write, ...]:
    """Cut `data` into one write for each (size in bytes, pause in seconds)."""
    writes, start = [], 0
    for size, pause in cuts:
        writes.append(Write(data[start : start + size], pause))
        start += size
    return tuple(writes)


def recut(data: bytes, writes: Iterable[Write]) -> tuple[Write, ...]:
    """Cut `data` at the places where `writes` were cut, with the same pauses."""
    return cut_into_writes(data, ((len(write.data), write.pause) for write in writes))
