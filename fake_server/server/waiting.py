"""Connections that wait: half-open ones, and idle ones between two requests. Too many must not starve the others.

A connection without a request under way costs a file descriptor and an unfinished head. Where there are too many,
the one that has waited longest is dropped. One with a request under way costs more, and is never dropped: where
there are too many, requests are refused.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sized
from itertools import islice
from typing import Protocol

from uvicorn.server import ServerState

try:
    import fcntl
    import termios
except ImportError:  # Windows does not tell what its kernel still holds
    fcntl = termios = None  # type: ignore[assignment]
try:
    import resource
except ImportError:  # Windows bounds them otherwise
    resource = None  # type: ignore[assignment]

MOST_WAITING, MOST_HEAD_BYTES = 1024, 16 * 1024 * 1024
"""Connections that wait, and bytes of their unfinished heads together."""
MOST_BUSY = 4096
"""Connections with a request under way; more get 503."""
BURST, RESERVED = 64, 24
"""Connections that are accepted in one turn of the event loop at most, and file descriptors for all else."""
FLUSH_SECONDS = 10.0
"""Seconds that `flushed` waits at most."""


class HasTransport(Protocol):
    """A connection."""

    transport: asyncio.Transport


class Waiting(dict[HasTransport, int]):
    """The connections of a server that wait, longest first, each with the bytes of its unfinished head.

    `connections` are all that are open. A connection adds and removes itself, as every request does both.
    """

    def __init__(self, connections: Sized) -> None:
        super().__init__()
        self._connections = connections
        files = _file_limit()
        self.burst = min(BURST, max(files // 64, 2))
        self.most_open = max(files - self.burst - RESERVED, files // 2)
        self.dropped = 0

    def add(self, connection: HasTransport) -> None:
        """Note that a new connection waits; where there are too many, the one that has waited longest is dropped."""
        self[connection] = 0
        if len(self) > MOST_WAITING or (len(self._connections) > self.most_open and len(self) > 1):
            self.drop(1)

    def hold(self, connection: HasTransport, size: int) -> None:
        """Count the bytes of an unfinished head, all that there are by now."""
        if connection in self:
            self[connection] = size
            while sum(self.values()) > MOST_HEAD_BYTES:
                self.drop(1)

    def drop(self, count: int) -> None:
        """Drop so many of those that have waited longest, where there are any."""
        for connection in list(islice(self, count)):
            del self[connection]
            self.dropped += 1
            connection.transport.abort()


class State(ServerState):
    """What the connections of one server share."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = Waiting(self.connections)


def close_soon(transport: asyncio.Transport, seconds: float) -> None:
    """Send what is buffered, then FIN; what the client does not take within `seconds` is dropped."""
    transport.close()
    if transport.get_write_buffer_size():
        asyncio.get_running_loop().call_later(seconds, transport.abort)


async def flushed(transport: asyncio.Transport) -> None:
    """Wait until the peer's system has every byte, at most FLUSH_SECONDS: RST throws away what has not left."""
    loop, sock = asyncio.get_running_loop(), transport.get_extra_info("socket")
    deadline = loop.time() + FLUSH_SECONDS
    while not transport.is_closing() and (transport.get_write_buffer_size() or _in_kernel(sock)):
        if loop.time() >= deadline:
            return
        await asyncio.sleep(0.002)


def _in_kernel(sock: socket.socket) -> int:
    """Bytes that were written and that the peer has not acknowledged; 0 where the system does not say."""
    if fcntl is None:
        return 0
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", answer)[0])


def _file_limit() -> int:
    """Files that this process may open; a large number where that is unknown or unlimited."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else -1
    return limit if limit > 0 else 1_000_000
