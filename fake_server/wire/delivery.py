"""A reply about to leave: its head, its writes with their pauses, and how it stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from fake_server.wire.exchange import Ending, Exchange, Framing, Headers, Request, Write, header

NO_BODY = frozenset({204, 205, 304})
EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True)
class Delivery:
    """What leaves the server for one request.

    `headers` are those of the reply itself, names in lower case, without framing. `writes` are bytes of the
    body, each with the pause in seconds before it; of an event stream each is one event. `length` is what
    Content-Length says; None sends chunks. `ending` CLEAN ends as the framing says, CUT with FIN, RESET with
    RST, TIMED_OUT says nothing more until the client leaves. `exact` lets every write leave by itself;
    otherwise those due at the same instant leave together. `head_pieces` are sizes of the pieces the head
    leaves in, `head_pause` seconds apart; `silent` leaves out the head and all else.
    """

    status: int
    headers: Headers
    writes: Iterable[Write]
    length: int | None = None
    ending: Ending = Ending.CLEAN
    exact: bool = False
    head_piece: int = 0
    head_pause: float = 0.0
    silent: bool = False

    @property
    def streams(self) -> bool:
        """Whether the body is an event stream."""
        return (header(self.headers, "content-type") or "").startswith("text/event-stream")

    @property
    def needs_raw(self) -> bool:
        """Whether it cannot be sent as HTTP means it, so that its bytes must be written one by one."""
        plain = self.ending is Ending.CLEAN and not self.silent and not self.head_piece
        return not plain or self.status not in _KNOWN

    def but(self, **changes: Any) -> Delivery:
        """A copy with other values."""
        return replace(self, **changes)

    def exchange(self, request: Request) -> Exchange:
        """The same as an exchange, for what plays exchanges."""
        framing = Framing.CHUNKED if self.length is None else Framing.LENGTH
        length = () if self.length is None else (("content-length", str(self.length)),)
        coding = (("transfer-encoding", "chunked"),) if self.length is None else ()
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


class ImmediateWrites:
    """Writes that are all due at the same instant, each one of the pieces; they can be read once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[Write]:
        return map(Write, self._pieces)

    def together(self, least: int) -> Iterator[Write]:
        """The same bytes in writes of `least` bytes or a piece more; the last one is shorter."""
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
    """A reply with a body of known length, after a pause in seconds."""
    if status in NO_BODY:
        return Delivery(status, headers, (), length=0)
    return Delivery(status, headers, (Write(body, pause),), length=len(body))


def reason_phrase(status: int) -> str:
    """The reason phrase of a status, empty for one that RFC 9110 does not know."""
    return HTTPStatus(status).phrase if status in _KNOWN else ""


_KNOWN = frozenset(int(one) for one in HTTPStatus)
