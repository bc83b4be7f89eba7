"""Answers httpx and httpx2 clients: a recorded reply in place of a socket, read by the client's own HTTP/1.1 code.

httpx uses httpcore, httpx2 uses httpcore2; both read HTTP/1.1 from a network stream, which may be any
object with the right methods. So status line, header case, 1xx, chunks and every error about a broken
reply are those of a real connection; only the bytes come from a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_server.replay.clock import Pace
from fake_server.replay.sources import Answers
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Request
from fake_server.wire.outgoing import serialize_reply


def pieces(exchange: Exchange) -> Iterator[tuple[bytes, tuple[float, ...]]]:
    """The reply's bytes in pieces: the whole head, then each whole write, each with the pauses before it.

    A recorded read may end inside a head or a write; its bytes then wait for the rest.
    """
    reader, waiting = _Progress(exchange.request), bytearray()
    pauses: tuple[float, ...] = ()
    for sent in serialize_reply(exchange):
        before = reader.whole
        reader.feed(sent.data)
        waiting += sent.data
        pauses = *pauses, sent.pause
        if reader.whole != before:
            ready = len(waiting) - reader.open
            yield bytes(waiting[:ready]), pauses
            del waiting[:ready]
            pauses = ()
    if waiting:
        yield bytes(waiting), pauses


class _Progress(ReplyCapture):
    """Tracks which parts of a reply are complete; `open` counts the payload bytes of an unfinished write."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.open = self._count = 0

    @property
    def whole(self) -> tuple[bool, int, bool]:
        """Whether the head is complete, how many writes are, and whether the reply is."""
        return self.framing is not None, self._count, self.ended

    def payload(self, piece: bytes) -> None:
        self.open += len(piece)

    def boundary(self) -> None:
        self.open = 0
        self._count += 1


class _Tape:
    """What both streams share: the next read, and what happens at the end of the bytes.

    `core` is httpcore or httpcore2. A recording that timed out raises the timeout at once: the recorder's
    patience is not the client's. A pause longer than the client's read timeout ends in that timeout.
    """

    def __init__(self, core: Any, exchange: Exchange, pace: Pace) -> None:
        self._core = core
        self._exchange = exchange
        self._pace = pace
        self._pieces = pieces(exchange)

    def _next(self, timeout: float | None) -> tuple[float, bytes | Exception]:
        """Seconds to wait, then the bytes to return (none at the end) or the error to raise."""
        piece = next(self._pieces, None)
        if piece is None:
            return 0.0, self._end()
        data, pauses = piece
        waited = 0.0
        for pause in pauses:
            pause = self._pace.scale(pause)
            if timeout is not None and pause > timeout:
                return waited + timeout, self._core.ReadTimeout("timed out")
            waited += pause
        return waited, data

    def _end(self) -> bytes | Exception:
        errors = {
            Ending.UNREACHABLE: ("ConnectError", self._exchange.problem or "Connection refused"),
            Ending.RESET: ("ReadError", "[Errno 104] Connection reset by peer"),
            Ending.TIMED_OUT: ("ReadTimeout", "timed out"),
        }
        name, message = errors.get(self._exchange.ending, ("", ""))
        error: Exception | None = getattr(self._core, name)(message) if name else None
        return error or b""

    def get_extra_info(self, info: str) -> Any:
        """None: there is no connection to have information about."""


class Tape(_Tape):
    """A recorded reply with the methods of `httpcore.NetworkStream`."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        pause, outcome = self._next(timeout)
        if pause:
            self._pace.clock.sleep(pause)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Does nothing: the player has already read the request."""

    def close(self) -> None:
        self._pieces = iter(())


class AsyncTape(_Tape):
    """A recorded reply with the methods of `httpcore.AsyncNetworkStream`."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        pause, outcome = self._next(timeout)
        if pause:
            await self._pace.clock.asleep(pause)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Does nothing: the player has already read the request."""

    async def aclose(self) -> None:
        self._pieces = iter(())


class Player:
    """Answers requests of one library with responses of `core`, which is httpcore or httpcore2.

    `root` is the path that precedes the recorded paths in requests. Raises the errors of `core`.
    """

    def __init__(self, core: Any, answers: Answers, pace: Pace, root: str = "") -> None:
        self._core = core
        self._answers = answers
        self._pace = pace
        self._root = root

    def answer(self, request: Any) -> Any:
        """The response to an `httpx` or `httpx2` request, its stream not yet read."""
        request.read()
        tape = Tape(self._core, self._answers.answer(self._to_request(request)), self._pace)
        outgoing = self._to_core_request(request)
        return self._core.HTTP11Connection(outgoing.url.origin, tape).handle_request(outgoing)

    async def aanswer(self, request: Any) -> Any:
        """`answer` for the library's async client."""
        await request.aread()
        tape = AsyncTape(self._core, self._answers.answer(self._to_request(request)), self._pace)
        outgoing = self._to_core_request(request)
        return await self._core.AsyncHTTP11Connection(outgoing.url.origin, tape).handle_async_request(outgoing)

    def _to_request(self, request: Any) -> Request:
        target = request.url.raw_path.decode("latin-1")
        fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        return Request(request.method, target.removeprefix(self._root), tuple(fields), request.content)

    def _to_core_request(self, request: Any) -> Any:
        url = request.url
        return self._core.Request(
            request.method,
            self._core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/"),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
