"""Replies as they crossed a socket, parsed by h11, so that the kit's own parser does not judge itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import h11

from contract_tests.lab.fidelity.replies import REPLIES, request

Fields = tuple[tuple[str, str], ...]
ASK_SECONDS = 5.0


@dataclass(frozen=True)
class Piece:
    """An HTTP chunk, or one read of a body without chunks, and when its last byte came."""

    data: bytes
    at: float


@dataclass(frozen=True)
class Capture:
    """One reply as it came. `status` is None where there was no reply; `problem` then says why.

    Times are seconds on one clock; `head_at` is when the final head came. `whole` says that the reply ended
    where its framing says. `informational` holds 1xx heads as (status, fields).
    """

    status: int | None = None
    reason: str = ""
    headers: Fields = ()
    head_at: float = 0.0
    pieces: tuple[Piece, ...] = ()
    whole: bool = False
    informational: tuple[tuple[int, Fields], ...] = ()
    trailers: Fields = ()
    problem: str = ""

    @property
    def body(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


class Reading:
    """Parses one reply from its bytes as they come, into `capture`; `whole` says that it has ended."""

    def __init__(self) -> None:
        self.whole = False
        self._connection = h11.Connection(h11.CLIENT)
        for event in (h11.Request(method="POST", target="/", headers=[("Host", "x")]), h11.EndOfMessage()):
            self._connection.send(event)
        self._capture = Capture()
        self._inside_a_chunk = False

    def feed(self, data: bytes, at: float) -> None:
        """Take the bytes of one read, or none for FIN."""
        self._connection.receive_data(data)
        while not self.whole and isinstance(event := self._next(), h11.Event):
            self._take(event, at)

    @property
    def capture(self) -> Capture:
        problem = self._capture.problem if self._capture.status else "no reply"
        return replace(self._capture, whole=self.whole, problem=problem)

    def _next(self) -> object:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            self._capture = replace(self._capture, problem=str(error))
            return None

    def _take(self, event: h11.Event, at: float) -> None:
        match event:
            case h11.InformationalResponse():
                heads = (*self._capture.informational, (event.status_code, _fields(event)))
                self._capture = replace(self._capture, informational=heads)
            case h11.Response():
                self._capture = replace(
                    self._capture,
                    status=event.status_code,
                    reason=event.reason.decode("latin-1"),
                    headers=_fields(event),
                    head_at=at,
                )
            case h11.Data():
                self._take_data(event, at)
            case h11.EndOfMessage():
                self._capture = replace(self._capture, trailers=_fields(event))
                self.whole = True

    def _take_data(self, event: h11.Data, at: float) -> None:
        pieces = self._capture.pieces
        start = pieces[-1].data if self._inside_a_chunk else b""
        before = pieces[:-1] if self._inside_a_chunk else pieces
        self._capture = replace(self._capture, pieces=(*before, Piece(start + bytes(event.data), at)))
        self._inside_a_chunk = self._is_chunked and not event.chunk_end

    @property
    def _is_chunked(self) -> bool:
        """From the head: h11 marks a chunk's first piece only where its size came in the same read."""
        return any(name.lower() == "transfer-encoding" for name, _ in self._capture.headers)


def read_capture(reads: Iterable[tuple[float, bytes]]) -> Capture:
    """The reply in these reads, each with its time, followed by FIN."""
    reading = Reading()
    for at, data in (*reads, (0.0, b"")):
        reading.feed(data, at)
    return reading.capture


def _fields(event: h11.Response | h11.InformationalResponse | h11.EndOfMessage) -> Fields:
    """The fields with their names as they are spelled."""
    pairs = event.headers.raw_items() if isinstance(event.headers, h11._headers.Headers) else ()
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


async def ask(port: int, name: str, *, streamed: bool | None = None) -> Capture:
    """Send the request of that name from a raw socket; the reply until it is whole or breaks off."""
    wants_stream = REPLIES[name].streamed if streamed is None else streamed
    reading = Reading()
    with contextlib.suppress(OSError):  # a reset; a TimeoutError is one too
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request(name, wants_stream, port))
                while not reading.whole:
                    data = await reader.read(65536)
                    reading.feed(data, asyncio.get_running_loop().time())
                    if not data:
                        break
            finally:
                writer.close()
                await writer.wait_closed()
    return reading.capture
