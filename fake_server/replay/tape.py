"""A recorded reply in the place of a socket, read by the client's own HTTP/1.1 code.

httpx speaks through httpcore and httpx2 through httpcore2; both read HTTP/1.1 from a network stream that
may be any object of the right shape. So status line, header case, 1xx, chunks and every complaint about
a broken reply are those of a real connection; only the bytes come from a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_server.replay.clock import Clock, scale_pause
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Request
from fake_server.wire.outgoing import serialize_reply


class Pace:
    """How fast recordings play: `speed` scales their pauses (0: none), `clock` lets them pass."""

    def __init__(self, speed: float = 1.0, clock: Clock | None = None) -> None:
        self.speed = speed
        self.clock = clock or Clock()


def pieces(exchange: Exchange) -> Iterator[tuple[bytes, tuple[float, ...]]]:
    """The reply's bytes so cut that a reader gets the head and each write whole, with the pauses before it.

    A recorder's reads may end inside any of these; what has come then waits for its rest.
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
    """What is whole of a reply as it comes; `open` counts payload bytes of a write that is not."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.open = self._count = 0

    @property
    def whole(self) -> tuple[bool, int, bool]:
        """Whether the head is, how many writes are, whether the reply is."""
        return self.framing is not None, self._count, self.ended

    def payload(self, piece: bytes) -> None:
        self.open += len(piece)

    def boundary(self) -> None:
        self.open = 0
        self._count += 1


class _Tape:
    """What both streams share: the next read, and what there is where the bytes end.

    `core` is httpcore or httpcore2. A reply that timed out does so at once: a client's own patience is
    not part of the recording. A pause longer than the client's read timeout ends in that timeout.
    """

    def __init__(self, core: Any, exchange: Exchange, pace: Pace) -> None:
        self._core = core
        self._exchange = exchange
        self._pace = pace
        self._pieces = pieces(exchange)

    def _next(self, timeout: float | None) -> tuple[float, bytes | Exception]:
        """Seconds to wait, then bytes to hand out (none at the connection's end) or an error to raise."""
        piece = next(self._pieces, None)
        if piece is None:
            return 0.0, self._end()
        data, pauses = piece
        waited = 0.0
        for pause in pauses:
            pause = scale_pause(pause, self._pace.speed)
            if timeout is not None and pause > timeout:
                return waited + timeout, self._core.ReadTimeout("timed out")
            waited += pause
        return waited, data

    def _end(self) -> bytes | Exception:
        match self._exchange.ending:
            case Ending.UNREACHABLE:
                return self._error("ConnectError", self._exchange.problem or "Connection refused")
            case Ending.RESET:
                return self._error("ReadError", "[Errno 104] Connection reset by peer")
            case Ending.TIMED_OUT:
                return self._error("ReadTimeout", "timed out")
            case _:
                return b""

    def _error(self, name: str, message: str) -> Exception:
        error: Exception = getattr(self._core, name)(message)
        return error

    def get_extra_info(self, info: str) -> Any:
        """Nothing is known of a connection that is none."""


class Tape(_Tape):
    """A recorded reply in the shape of `httpcore.NetworkStream`."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        pause, outcome = self._next(timeout)
        if pause:
            self._pace.clock.sleep(pause)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """The request was read before."""

    def close(self) -> None:
        self._pieces = iter(())


class AsyncTape(_Tape):
    """A recorded reply in the shape of `httpcore.AsyncNetworkStream`."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        pause, outcome = self._next(timeout)
        if pause:
            await self._pace.clock.asleep(pause)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """The request was read before."""

    async def aclose(self) -> None:
        self._pieces = iter(())
