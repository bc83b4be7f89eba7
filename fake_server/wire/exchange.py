"""The one noun of the kit: an Exchange, one request and its reply as they crossed the wire.

The fake emits exchanges, the relay captures them, fixtures store them, playback repeats them and
rules judge them. Everything here is frozen; nothing here does I/O.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order with wire case; values are latin-1 text without outer white space."""


class Ending(StrEnum):
    """How the reply stopped."""

    CLEAN = "clean"  # the body ended where its framing said
    CUT = "cut"  # FIN before the framing's end, or before any reply
    RESET = "reset"  # RST
    TIMED_OUT = "timed out"  # a bound on time ran out and we hung up
    OVERSIZED = "oversized"  # a bound on size was reached and we hung up
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
    """What an exchange may not know about itself; rules that need it are then not reached."""

    HEADERS = "headers"  # no header was kept at all
    ALL_HEADERS = "all headers"  # some were kept: the absence of one says nothing
    FRAMING = "framing"  # transfer coding, lengths, status line, writes
    TIMING = "timing"  # pauses
    BODY_BYTES = "body bytes"  # JSON was parsed and written anew: spacing, order, escapes are lost
    EVENT_FRAMING = "event framing"  # SSE line ends and blank lines are not the server's
    ENDING = "ending"
    REQUEST = "request"  # the request body is missing or shortened


@dataclass(frozen=True)
class Write:
    """Bytes that were flushed together, and the pause in seconds before them.

    A write is one HTTP chunk when the body is chunked, else what one read returned. `data` is
    payload: transfer coding is taken off, content coding (gzip) is left on.
    """

    data: bytes
    pause: float = 0.0


@dataclass(frozen=True)
class Request:
    """What was asked. `target` is the origin-form (`/v1/models?x=1`); `headers` None when not known."""

    method: str
    target: str
    headers: Headers | None = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def json(self) -> Any:
        """The body as JSON, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


_BESIDES_THE_REPLY = frozenset({"request", "problem", "unknown", "label"})


@dataclass(frozen=True)
class Exchange:
    """One request and its reply.

    `status` is None when no status line arrived, `framing` None when not known. `writes` hold the
    body; the first pause counts from the moment the head arrived, `head_pause` from the request's
    last byte to the head. `informational` holds 1xx heads as (status, headers). `problem` says in
    words why the ending is not clean. `label` names the case or recording for reports. `raw` holds
    the reply's own bytes, one write for each read, where a recorder kept them because the values
    above would be written otherwise: a chunk size in capitals, a line end of LF, what is not HTTP.
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

    @property
    def payload(self) -> bytes:
        """The body without transfer coding, content coding (gzip) still on."""
        return b"".join(write.data for write in self.writes)

    def knows(self, *aspects: Aspect) -> bool:
        return not self.unknown.intersection(aspects)

    def header(self, name: str) -> str | None:
        """The value of a header, several fields joined by ', ' (RFC 9110 section 5.3); None if absent."""
        return header(self.headers, name)

    @property
    def media_type(self) -> str | None:
        """Content-Type without parameters, in lower case; None when absent."""
        value = self.header("content-type")
        return None if value is None else value.partition(";")[0].strip().lower()

    def but(self, **changes: Any) -> Exchange:
        """A copy with other values; raw bytes that these would contradict are left out."""
        if not _BESIDES_THE_REPLY.issuperset(changes):
            changes.setdefault("raw", ())
        return replace(self, **changes)

    def with_payload(self, payload: bytes) -> Exchange:
        """A copy whose body is `payload` in one write."""
        return self.but(writes=(Write(payload),) if payload else ())


def header(headers: Iterable[tuple[str, str]] | None, name: str) -> str | None:
    """The value of header `name` (any case), several fields joined by ', '; None if absent."""
    wanted = name.lower()
    values = [value for key, value in headers or () if key.lower() == wanted]
    return ", ".join(values) if values else None


def cut(payload: bytes, sizes: Sequence[int]) -> tuple[Write, ...]:
    """`payload` as writes of the given sizes; what is left over is one last write."""
    writes, start = [], 0
    for size in sizes:
        if size > 0 and start < len(payload):
            writes.append(Write(payload[start : start + size]))
            start += size
    if start < len(payload):
        writes.append(Write(payload[start:]))
    return tuple(writes)
