"""A reply ready to be sent: its head, its writes with their pauses, and how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from fake_server.wire.exchange import Ending, Exchange, Framing, Headers, Request, Write, header

NO_BODY = frozenset({101, 204, 205, 304})
EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True)
class Delivery:
    """What the server sends for one request.

    `headers` have lower-case names and no framing fields. `writes` are the bytes of the body, each with the
    pause in seconds before it; in an event stream each write is one event. `length` is the Content-Length;
    None means chunked; with `chunked` the body is in chunks although the length is stated. `ending` is CLEAN
    (as the framing says), CUT (FIN), RESET (RST) or TIMED_OUT (silence until the client leaves). With `exact`
    every write is sent by itself; otherwise writes due at the same instant are joined. The head is sent in
    pieces of `head_piece` bytes, `head_pause` seconds apart (0: in one piece). `silent` sends nothing at all,
    not even the head. `omitted` are lower-case names of header fields that the server must not add, although
    every reply has them.
    """

    status: int
    headers: Headers
    writes: Iterable[Write]
    length: int | None = None
    chunked: bool = False
    ending: Ending = Ending.CLEAN
    exact: bool = False
    head_piece: int = 0
    head_pause: float = 0.0
    silent: bool = False
    omitted: frozenset[str] = frozenset()

    @property
    def streams(self) -> bool:
        """Whether the body is an event stream."""
        return (header(self.headers, "content-type") or "").startswith("text/event-stream")

    @property
    def needs_raw(self) -> bool:
        """Whether a web server cannot send it, so that its bytes are written to the socket directly."""
        plain = self.ending is Ending.CLEAN and not self.silent and not self.head_piece and not self.chunked
        return not plain or self.status not in KNOWN_STATUSES

    def but(self, **changes: Any) -> Delivery:
        """A copy with these fields changed."""
        return replace(self, **changes)

    def exchange(self, request: Request) -> Exchange:
        """The same reply as an Exchange, for code that plays exchanges."""
        chunked = self.chunked or self.length is None
        framing = Framing.CHUNKED if chunked else Framing.LENGTH
        length = () if self.length is None else (("content-length", str(self.length)),)
        coding = (("transfer-encoding", "chunked"),) if chunked else ()
        if self.status in NO_BODY:
            framing, length, coding = Framing.NONE, (), ()
        return Exchange(
            request,
            None if self.silent else self.status,
            () if self.silent else (*self.headers, *length, *coding),
            () if self.silent else tuple(self.writes),
            ending=self.ending,
            framing=None if self.silent else framing,
            reason=reason_phrase(self.status),
        )


@dataclass(frozen=True)
class Upgrade(Delivery):
    """A 101, after which `talk` has the connection, given what sent the head."""

    talk: Callable[[Any], Awaitable[None]] | None = None


class ImmediateWrites:
    """Writes that are all due at the same instant, one for each piece; can be iterated once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[Write]:
        return map(Write, self._pieces)

    def join(self, least: int) -> Iterator[Write]:
        """The same bytes in writes of at least `least` bytes each, except the last."""
        joined: list[bytes] = []
        size = 0
        for piece in self._pieces:
            joined.append(piece)
            size += len(piece)
            if size >= least:
                yield Write(b"".join(joined))
                joined, size = [], 0
        yield Write(b"".join(joined))


def fixed_length(status: int, headers: Headers, body: bytes, pause: float = 0.0) -> Delivery:
    """A reply with a body of known length, sent after `pause` seconds."""
    if status in NO_BODY:
        return Delivery(status, headers, (), length=0)
    return Delivery(status, headers, (Write(body, pause),), length=len(body))


def reason_phrase(status: int) -> str:
    """The reason phrase of a status, '' for a status that is not registered."""
    return HTTPStatus(status).phrase if status in KNOWN_STATUSES else ""


KNOWN_STATUSES = frozenset(int(status) for status in HTTPStatus)
