"""How a Delivery leaves: to uvicorn's socket by our own hand, or as messages of any ASGI server.

A web framework frames every reply well, ends it well, and writes head and body apart. A SocketSender writes
what is due together in one go and, where the Delivery says so, a head, chunks and an end that HTTP does not
allow. Uvicorn is told when a reply is over, so that it knows when the next request may come.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from starlette.types import Message, Receive, Send

from fake_server import connection
from fake_server.server.state.journal import JournalEntry
from fake_server.server.waiting import close_soon, flushed
from fake_server.wire.delivery import KNOWN_STATUSES, NO_BODY, Delivery, ImmediateWrites, Upgrade, reason_phrase
from fake_server.wire.exchange import Ending

TOGETHER = 64 * 1024
"""Bytes that leave together, and that are handed to a connection at most before it has taken others."""
WRITE_SECONDS = 60.0
"""Seconds after which a client that takes no bytes loses its connection."""
PATIENCE = 600.0
"""Seconds that a reply without an end waits for the client to leave."""


class Sender:
    """Sends a delivery, each write after its pause, until the client leaves.

    Writes due at the same instant leave together, unless the delivery is exact. The head leaves with the
    first bytes of the body, or before them where those have to wait.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def send(self, delivery: Delivery, entry: JournalEntry) -> None:
        """Send all of it, and note what was sent in the journal's entry."""
        self.begin(delivery)
        writes = delivery.writes
        if isinstance(writes, tuple) and len(writes) == 1 and delivery.ending is Ending.CLEAN and writes[0].pause <= 0:
            await self.write(writes[0].data, entry, more=False)
            return
        if isinstance(writes, ImmediateWrites) and not delivery.exact:
            writes = writes.join(TOGETHER)
        leaving: asyncio.Task[None] | None = None
        together: list[bytes] = []
        size, began = 0, False
        try:
            for write in writes:
                if together and (write.pause > 0 or delivery.exact or size >= TOGETHER):
                    await self.write(b"".join(together), entry)
                    together, size = [], 0
                    leaving = leaving or asyncio.create_task(disconnected(self._receive))
                    await asyncio.sleep(0)
                if write.pause > 0:
                    if not began:
                        await self.write(b"", entry)  # the head leaves before the first event does
                    leaving = leaving or asyncio.create_task(disconnected(self._receive))
                    await asyncio.wait({leaving}, timeout=write.pause)
                if leaving is not None and leaving.done():
                    return
                began = True
                together.append(write.data)
                size += len(write.data)
            if delivery.ending is not Ending.CLEAN:
                await self.write(b"".join(together), entry)
                together = []
            if delivery.ending is Ending.TIMED_OUT:
                leaving = leaving or asyncio.create_task(disconnected(self._receive))
                await asyncio.wait({leaving}, timeout=PATIENCE)
            await self.write(b"".join(together), entry, more=False)
        finally:
            if leaving is not None:
                leaving.cancel()

    def begin(self, delivery: Delivery) -> None:
        """Take the delivery whose head goes out with what is written first."""
        raise NotImplementedError

    async def write(self, data: bytes, entry: JournalEntry, *, more: bool = True) -> None:
        """Send bytes of the body; with `more` false they are the last, and the reply ends as it should."""
        raise NotImplementedError


class AsgiSender(Sender):
    """Sends what an ASGI server can send, also of a broken reply; then an error drops the connection."""

    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__(receive)
        self._send = send
        self._delivery: Delivery | None = None
        self._began = False

    def begin(self, delivery: Delivery) -> None:
        self._delivery, self._began = delivery, False

    async def write(self, data: bytes, entry: JournalEntry, *, more: bool = True) -> None:
        assert self._delivery is not None
        if not self._began:
            self._began = True
            await self._send(self._start(self._delivery))
        entry.sent(data)
        if not more and self._delivery.ending is not Ending.CLEAN:
            raise ConnectionAbortedError(f"the reply is {self._delivery.ending.value} on purpose")
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    def _start(self, delivery: Delivery) -> Message:
        fields = [(name.encode(), value.encode("latin-1")) for name, value in delivery.headers]
        if delivery.needs_raw:  # the server frames what is left of it
            fields = [field for field in fields if field[0].lower() not in (b"content-length", b"transfer-encoding")]
        return {"type": "http.response.start", "status": delivery.status, "headers": fields}


class SocketSender(Sender):
    """Writes one reply on uvicorn's connection `protocol`; `cycle` is uvicorn's state of the request.

    HTTP/1.0 has no chunks, its body ends with the connection; the reply to HEAD has no body.
    """

    def __init__(self, protocol: Any, scope: Any, cycle: Any) -> None:
        super().__init__(cycle.receive)
        self._protocol, self._cycle = protocol, cycle
        self._knows_chunks, self._has_body = scope["http_version"] == "1.1", scope["method"] != "HEAD"
        self._head: Delivery | None = None  # the delivery until its head is written
        self._raw: Delivery | None = None  # the delivery where its bytes are not those of plain HTTP
        self._chunked = False

    def begin(self, delivery: Delivery) -> None:
        plain = delivery.ending is Ending.CLEAN and not delivery.silent and not delivery.head_piece
        self._head = None if delivery.silent else delivery
        self._raw = None if plain and delivery.status in KNOWN_STATUSES and delivery.status != 101 else delivery
        chunked = delivery.length is None or delivery.chunked
        self._chunked = self._knows_chunks and chunked and delivery.status not in NO_BODY
        self._cycle.response_started = True
        self._cycle.waiting_for_100_continue = False

    async def write(self, data: bytes, entry: JournalEntry, *, more: bool = True) -> None:
        entry.sent(data)
        cycle, protocol, raw, size = self._cycle, self._protocol, self._raw, len(data)
        if cycle.disconnected:
            return
        before, after = (b"%x\r\n" % len(data), b"\r\n") if self._chunked and data else (b"", b"")
        clean = raw is None or raw.ending is Ending.CLEAN
        if self._chunked and not more and clean:
            after += b"0\r\n\r\n"
        if not self._has_body:
            before = data = after = b""
        if self._head is not None:
            head = self._head_bytes(self._head, None if more else size)
            self._head = None
            if raw is not None and raw.head_piece:
                head = await self._write_slowly(head, raw)
            before = head + before
        if len(before) + len(data) + len(after) > TOGETHER:
            await self._write_in_pieces(before, data, after)
        else:
            if protocol.flow.write_paused:
                await self.drain()
            if (framed := before + data + after) and not protocol.transport.is_closing():
                protocol.transport.write(framed)
        if more:
            return
        if raw is not None:
            if isinstance(raw, Upgrade) and raw.talk is not None and not cycle.disconnected:
                await raw.talk(self)
                return
            await self._end(reset=raw.ending is Ending.RESET)
            return
        if protocol.flow.write_paused:
            await self.drain()
        cycle.response_complete = True  # as uvicorn's own `send` tells it that the reply is over
        cycle.message_event.set()
        if not cycle.keep_alive:
            close_soon(protocol.transport, WRITE_SECONDS)
        cycle.on_response()

    def _head_bytes(self, delivery: Delivery, size: int | None) -> bytes:
        """The head; `size` is that of the whole body, None where more of it follows."""
        lines = [_status_line(delivery.status)]
        keep_alive = self._cycle.keep_alive
        for name, value in self._protocol.server_state.default_headers:
            lines.append(f"{name.decode('latin-1')}: {value.decode('latin-1')}")
        for name, value in delivery.headers:
            if keep_alive or name.lower() != "connection":
                lines.append(f"{name}: {value}")
        if self._chunked:
            lines.append("transfer-encoding: chunked")
        elif size is not None and delivery.length is None and self._raw is None:
            lines.append(f"content-length: {size}")  # of HTTP/1.0, which has no chunks
        if not keep_alive:
            lines.append("connection: close")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1")

    async def _write_slowly(self, head: bytes, raw: Delivery) -> bytes:
        """Write the head in pieces while the client is there; the last one is left to be written."""
        while len(head) > raw.head_piece and not self._cycle.disconnected:
            await self.drain()
            if not self._protocol.transport.is_closing():
                self._protocol.transport.write(head[: raw.head_piece])
            await pause(self._receive, raw.head_pause)
            head = head[raw.head_piece :]
        return head

    async def _write_in_pieces(self, before: bytes, data: bytes, after: bytes) -> None:
        """Write what is long piece by piece, each once the connection has taken those before it.

        It is never joined: a client that does not read would have the fake hold it twice.
        """
        for start in range(0, max(len(data), 1), TOGETHER):
            await self.drain()
            if self._cycle.disconnected or self._protocol.transport.is_closing():
                return
            end = start + TOGETHER
            self._protocol.transport.write(before + data[start:end] + (after if end >= len(data) else b""))
            before = b""

    async def drain(self) -> None:
        """Wait until the connection takes more bytes; one that takes none for too long is dropped."""
        cycle, flow = self._cycle, self._protocol.flow
        if flow.write_paused and not cycle.disconnected:
            await asyncio.sleep(0)  # what was answered straight goes on in a task, which a timeout needs
            try:
                async with asyncio.timeout(WRITE_SECONDS):
                    await flow.drain()
            except TimeoutError:
                self._protocol.transport.abort()
                cycle.disconnected = True  # what is left is not sent, and nothing waits for it
                cycle.message_event.set()

    def take_over(self, socket: Any) -> Any:
        """Let `socket` have what the client sends from now on; returns the connection's protocol."""
        self._protocol.socket = socket
        return self._protocol

    def leave(self) -> None:
        """Note that a connection that was taken over has ended."""
        self._protocol.socket = None
        self._cycle.disconnected = True
        self._cycle.message_event.set()

    async def _end(self, *, reset: bool) -> None:
        """End the connection with FIN, or with RST once the peer's system has every byte."""
        transport = self._protocol.transport
        self._cycle.disconnected = True  # uvicorn is to say nothing more on this connection
        if reset and not transport.is_closing():
            await flushed(transport)
            connection.reset(transport)
        else:
            close_soon(transport, WRITE_SECONDS)


async def disconnected(receive: Receive) -> None:
    """Return when the client has left; what it sends until then is ignored."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pause(receive: Receive, seconds: float) -> None:
    """Wait, but no longer than the client does; its request has been read."""
    leaving = asyncio.create_task(disconnected(receive))
    await asyncio.wait({leaving}, timeout=seconds)
    leaving.cancel()


@cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {reason_phrase(status)}"
