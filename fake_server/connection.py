"""One TCP connection as a capture needs it: each read with its arrival time, and the end after all data.

asyncio's StreamReader joins reads, does not record their times, and on RST drops data that was not taken yet;
so this is a small protocol of its own. Nothing here knows HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

HIGH_WATER = 256 * 1024
"""Bytes that may wait on one side before reading pauses."""
MOST_WAITING = 1024
"""Connections of a listener that wait for a request; beyond it the one that has waited longest is dropped."""
PIECE = 64 * 1024
"""Bytes that are handed to a connection at most before it has taken others."""
LOG_SECONDS = 10.0
"""Between two lines about connections that cannot be accepted."""
_ACCEPTING = "socket.accept() out of system resource"
"""What asyncio calls it when no file descriptor is left."""
_log = logging.getLogger("fake_server")


class Connection(asyncio.Protocol):
    """A connection. `take` returns reads in order; `wake` is set on every change.

    `eof` is true once the peer sent FIN, `lost` once the connection is gone, `was_reset` after RST. All three
    may be true while reads still wait to be taken.
    """

    def __init__(self, accepted: Callable[[Connection], None] | None = None, *, encrypted: bool = False) -> None:
        self.eof = self.lost = self.was_reset = False
        self.blocked = False  # the peer takes no more bytes for now
        self.wake = asyncio.Event()
        self._accepted = accepted
        self._encrypted = encrypted
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[tuple[bytes, float]] = deque()
        self._waiting = 0
        self._paused = self._closing = False
        self._transport: asyncio.Transport | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._accepted:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        self._pieces.append((data, self._loop.time()))
        self._waiting += len(data)
        if self._waiting >= HIGH_WATER and not self._paused and self._transport:
            self._transport.pause_reading()
            self._paused = True
        self.wake.set()

    def eof_received(self) -> bool:
        self.eof = True
        self.wake.set()
        return not self._encrypted  # TLS cannot stay half open

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.was_reset = isinstance(error, ConnectionResetError) and not self._closing
        self.blocked = False
        self.wake.set()

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        self.wake.set()

    # What users call.

    @property
    def readable(self) -> bool:
        return bool(self._pieces)

    @property
    def finished(self) -> bool:
        """Whether the peer will send nothing more and all that it sent was taken."""
        return not self._pieces and (self.eof or self.lost)

    def get_extra_info(self, name: str) -> Any:
        """What asyncio knows of the transport, such as `ssl_object`; None where it does not."""
        return self._transport.get_extra_info(name) if self._transport else None

    def take(self) -> tuple[bytes, float] | None:
        """Take the next read, with its arrival time in seconds of the loop's clock; None if there is none."""
        if not self._pieces:
            return None
        data, at = self._pieces.popleft()
        self._waiting -= len(data)
        if self._paused and self._waiting < HIGH_WATER and self._transport and not self.lost:
            self._transport.resume_reading()
            self._paused = False
        return data, at

    def put_back(self, data: bytes, at: float) -> None:
        """Return the unused end of a read."""
        if data:
            self._pieces.appendleft((data, at))
            self._waiting += len(data)

    def write(self, data: bytes) -> None:
        """Send at once; callers must not while `blocked`."""
        if self._transport and not self.lost and not self._transport.is_closing():
            self._transport.write(data)

    async def changed(self, deadline: float | None = None) -> bool:
        """Wait for `wake`, at most until `deadline` (loop time); returns whether it was set."""
        try:
            async with asyncio.timeout_at(deadline):
                await self.wake.wait()
        except TimeoutError:
            return False
        self.wake.clear()
        return True

    async def flushed(self, deadline: float) -> None:
        """Wait until the kernel has taken every byte, at most until `deadline`."""
        transport = self._transport
        while transport and not self.lost and transport.get_write_buffer_size():
            if self._loop.time() >= deadline:
                return
            await asyncio.sleep(0.002)

    async def write_in_pieces(self, data: bytes, patience: float) -> bool:
        """Send bytes as the peer takes them; False if it is gone, or takes none for `patience` seconds."""
        for start in range(0, len(data), PIECE):
            self.write(data[start : start + PIECE])
            while self.blocked and not self.lost:
                if not await self.changed(self._loop.time() + patience):
                    return False
        return not self.lost

    async def close(self, linger: float = 0.0, flush: float = 5.0) -> None:
        """Send what is buffered (for at most `flush` seconds), then FIN; with `linger` read on that long.

        A socket closed with unread bytes sends RST instead, which makes the peer lose the end of
        the reply; so a server that answers before it has read all lingers.
        """
        if self._transport is None or self.lost:
            return
        self._closing = True
        if linger and not self._encrypted and not self.eof:
            self._transport.write_eof()
            deadline = self._loop.time() + linger
            while not self.eof and not self.lost:
                while self.take():
                    pass
                if not await self.changed(deadline):
                    break
        self._transport.close()
        await self._wait_until_closed(flush)

    async def reset(self) -> None:
        """Send RST."""
        if self._transport is None or self.lost:
            return
        self._closing = True
        reset(self._transport)
        await self._wait_until_closed(1.0)

    def finish(self) -> None:
        """Send what is buffered, then FIN, without waiting for either."""
        if self._transport is not None:
            self._closing = True
            self._transport.close()

    def drop(self) -> None:
        """Close at once, without waiting; for clean-up."""
        if self._transport is not None:
            self._closing = True
            self._transport.abort()

    async def _wait_until_closed(self, seconds: float) -> None:
        """Wait until the transport is closed, and abort it if that takes too long."""
        deadline = self._loop.time() + seconds
        while not self.lost:
            if not await self.changed(deadline):
                self.drop()
                return


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST; what has not been sent is lost."""
    if (sock := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def stop_accepting(server: asyncio.Server) -> None:
    """Close a server whose connections all have a protocol, which can close them.

    asyncio makes the protocol in the turns of the loop after the one that accepted the connection. If the server
    is closed by then, it fails and leaves the socket open.
    """
    with contextlib.suppress(NotImplementedError):  # the event loop of Windows has no readers
        for listener in server.sockets:
            asyncio.get_running_loop().remove_reader(listener)
    for _ in range(4):
        await asyncio.sleep(0)
    server.close()


def handle_accept_errors(loop: asyncio.AbstractEventLoop, make_room: Callable[[], object]) -> Callable[[], None]:
    """Make room where no file descriptor is left, and say so once in a while; asyncio would log each attempt.

    Returns what puts the loop's own handler of errors back.
    """
    before, said = loop.get_exception_handler(), float("-inf")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said
        if context.get("message") != _ACCEPTING:
            if before is None:
                loop.default_exception_handler(context)
            else:
                before(loop, context)
            return
        make_room()
        if time.monotonic() - said > LOG_SECONDS:
            said = time.monotonic()
            _log.warning("connections have to wait: %s", context.get("exception"))

    loop.set_exception_handler(handle)
    return lambda: loop.set_exception_handler(before)


class Listener:
    """A server on 127.0.0.1 while entered; port 0 takes a free one. Subclasses serve each connection."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[Connection, None] = {}
        self._restore: Callable[[], None] = lambda: None
        self.dropped = 0

    def wait(self, client: Connection) -> None:
        """Note that a connection waits for a request from now on; where too many do, the first of them is dropped."""
        self._waiting[client] = None
        if len(self._waiting) > MOST_WAITING:
            self._drop_waiting(1)

    def work(self, client: Connection) -> None:
        """Note that a request of this connection is under way."""
        self._waiting.pop(client, None)

    def _drop_waiting(self, count: int) -> None:
        for client in list(self._waiting)[:count]:
            del self._waiting[client]
            self.dropped += 1
            client.drop()

    async def serve_connection(self, client: Connection) -> None:
        raise NotImplementedError

    async def before_closing(self) -> None:
        """Called after the last connection was accepted and before open ones are ended."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._restore = handle_accept_errors(loop, lambda: self._drop_waiting(MOST_WAITING // 16))
        self._server = await loop.create_server(lambda: Connection(self._accept), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._restore()
        await stop_accepting(self._server)
        await self.before_closing()
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn

    def _accept(self, client: Connection) -> None:
        task = asyncio.get_running_loop().create_task(self.serve_connection(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self.work(client))
        self.wait(client)
