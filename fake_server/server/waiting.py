"""Connections that wait: half-open ones, and idle ones between two requests. Too many must not starve the others.

A connection without a request under way costs a file descriptor and an unfinished head. Where there are too many,
the one that has waited longest is dropped. One with a request under way costs more, and is never dropped: where
there are too many, requests are refused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sized
from itertools import islice
from typing import Protocol

from uvicorn.server import ServerState

from fake_server.server.state.memory import SMALL, MemoryBudget

try:
    import resource
except ImportError:  # Windows bounds them otherwise
    resource = None  # type: ignore[assignment]

MOST_WAITING, MOST_HEAD_BYTES = 1024, 16 * 1024 * 1024
"""Connections that wait, and bytes of their unfinished heads together."""
MOST_BUSY = 4096
"""Connections with a request under way; more get 503."""
FIELD, UNDER_WAY, PIPELINED = 128, 32 * 1024, 4 * 1024
"""Bytes that a field of a head takes beside its own, those of a request under way, as a stream that pauses has them,
and those of one that waits for the replies before its own: measured, and rounded up."""
BURST, RESERVED = 64, 24
"""Connections that are accepted in one turn of the event loop at most, and file descriptors for all else."""


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


class UnderWay:
    """What the requests of one connection hold until their replies have been sent; it counts in `budget`.

    `begin` and `hold` return False where there is no room.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._requests: deque[int] = deque()
        self._body = self._unread = self._counted = 0

    def begin(self, size: int, fields: int) -> bool:
        """Count a request with so many bytes and fields of a head, which is held as it came and as text."""
        self._requests.append(PIPELINED + 2 * (size + fields * FIELD))
        return self._count()

    def hold(self, *, body: int | None = None, unread: int | None = None) -> bool:
        """Count all bytes of a body that nobody has taken in, and of a reply that the client has not."""
        self._body = self._body if body is None else body
        self._unread = self._unread if unread is None else unread
        return self._count()

    def end(self) -> None:
        """Count the first request no more: its reply was sent."""
        if self._requests:
            self._requests.popleft()
        self._body = 0
        self._count()

    def release(self) -> None:
        """Count nothing more: the connection is lost."""
        self._requests.clear()
        self._body = self._unread = 0
        self._count()

    def _count(self) -> bool:
        size = sum(self._requests) + self._body + self._unread + (UNDER_WAY if self._requests else 0)
        if size == self._counted:
            return True
        if not self._budget.reserve_connection(size - self._counted, large=size > SMALL):
            return False
        self._counted = size
        return True


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


def _file_limit() -> int:
    """Files that this process may open; a large number where that is unknown or unlimited."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else -1
    return limit if limit > 0 else 1_000_000
