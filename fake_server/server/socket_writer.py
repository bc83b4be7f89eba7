"""The bytes of replies, written to the socket by our own hand.

A web framework frames every reply well, ends it well, and writes head and body apart. A Writer stands between
the app and uvicorn's connection: it writes what is due together in one go, and, where the Delivery in a start
message's member RAW says so, a head, chunks and an end that HTTP does not allow. Uvicorn is
told when a reply is over, so that it knows when the next request may come.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from functools import cache
from typing import Any

from starlette.types import Message, Receive

from fake_server.wire.delivery import NO_BODY, Delivery, reason_phrase
from fake_server.wire.exchange import Ending

try:
    import fcntl
    import termios
except ImportError:  # Windows does not tell what its kernel still holds
    fcntl = termios = None  # type: ignore[assignment]

RAW = "fake_server.raw"
"""The member of a start message that holds the Delivery whose bytes are to be written."""
FLUSH_SECONDS = 10.0


class SocketWriter:
    """A `send` for one request on uvicorn's connection `protocol`; `send` is its uvicorn cycle's own.

    The head leaves with the first bytes of the body; an empty body message sends it alone. HTTP/1.0 has no
    chunks, its body ends with the connection; the reply to HEAD has no body.
    """

    def __init__(self, protocol: Any, scope: Any, send: Any) -> None:
        self._protocol, self._cycle = protocol, send.__self__
        self._knows_chunks, self._has_body = scope["http_version"] == "1.1", scope["method"] != "HEAD"
        self._start: Message | None = None
        self._raw: Delivery | None = None
        self._chunked = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start, self._raw = message, None
            if (delivery := message.get(RAW)) is not None:
                framed = delivery.length is None and delivery.status not in NO_BODY
                self._chunked = framed and self._knows_chunks
                self._raw = delivery if delivery.needs_raw else None
            self._cycle.response_started = True
            self._cycle.waiting_for_100_continue = False
        elif not self._cycle.disconnected:
            await self._body(message.get("body", b""), message.get("more_body", False))

    async def _body(self, data: bytes, more: bool) -> None:
        raw, head = self._raw, b""
        if self._start is not None and not (raw and raw.silent):
            head, self._start = self._head(self._start, None if more else len(data)), None
            if raw and raw.head_piece:
                head = await self._slowly(head, raw)
        if self._has_body:
            framed = b"%x\r\n%s\r\n" % (len(data), data) if self._chunked and data else data
            clean = raw is None or raw.ending is Ending.CLEAN
            head += framed + (b"0\r\n\r\n" if self._chunked and not more and clean else b"")
        await self._write(head)
        if not more:
            await (self._complete() if raw is None else self._end(raw.ending is Ending.RESET))

    def _head(self, start: Message, length: int | None) -> bytes:
        fields = [*self._protocol.server_state.default_headers, *start["headers"]]
        if self._raw is not None and not self._chunked:
            length = self._raw.length
        given = self._raw is None and b"content-length" in [name.lower() for name, _ in fields]
        if not given:
            self._chunked = self._knows_chunks and (self._chunked or length is None)
        if not given and start["status"] not in NO_BODY and (self._chunked or length is not None):
            fields.append(_CHUNKED if self._chunked else (b"content-length", b"%d" % (length or 0)))
        if not self._cycle.keep_alive:
            fields = [field for field in fields if field[0].lower() != b"connection"]
            fields.append((b"connection", b"close"))
        lines = b"\r\n".join([b": ".join(field) for field in fields])
        return b"%b%b\r\n\r\n" % (_status_line(start["status"]), lines)

    async def _slowly(self, head: bytes, raw: Delivery) -> bytes:
        """Write the head in pieces while the client is there; the last one is left to be written."""
        while len(head) > raw.head_piece and not self._cycle.disconnected:
            await self._write(head[: raw.head_piece])
            await pause(self._cycle.receive, raw.head_pause)
            head = head[raw.head_piece :]
        return head

    async def _write(self, data: bytes) -> None:
        flow = self._protocol.flow
        if flow.write_paused and not self._cycle.disconnected:
            await flow.drain()
        if data and not self._protocol.transport.is_closing():
            self._protocol.transport.write(data)

    async def _complete(self) -> None:
        """Say to uvicorn that the reply is over, as its own `send` does."""
        cycle = self._cycle
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._protocol.transport.close()
        cycle.on_response()

    async def _end(self, reset: bool) -> None:
        transport = self._protocol.transport
        self._cycle.disconnected = True  # uvicorn is to say nothing more on this connection
        if reset and not transport.is_closing():
            await flushed(transport, FLUSH_SECONDS)
            sock = transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()


async def disconnected(receive: Receive) -> None:
    """Return when the client has left; what it sends until then is for nobody."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pause(receive: Receive, seconds: float) -> None:
    """Wait, no longer than the client does; its request is read."""
    leaving = asyncio.create_task(disconnected(receive))
    await asyncio.wait({leaving}, timeout=seconds)
    leaving.cancel()


async def flushed(transport: asyncio.Transport, seconds: float) -> bool:
    """Wait until the peer's system has every byte; whether it has. RST throws away what has not left."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    sock = transport.get_extra_info("socket")
    while not transport.is_closing() and (transport.get_write_buffer_size() or _in_kernel(sock)):
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(0.002)
    return True


def _in_kernel(sock: socket.socket) -> int:
    """Bytes that were written and that the peer has not acknowledged; 0 where the system does not say."""
    if fcntl is None:
        return 0
    try:
        told = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", told)[0])


_CHUNKED = (b"transfer-encoding", b"chunked")


@cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {reason_phrase(status)}\r\n".encode()
