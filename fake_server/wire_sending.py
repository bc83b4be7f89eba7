"""The bytes of replies, written to the socket by our own hand.

A web framework frames every reply well, ends it well, and writes head and body apart. A Writer stands between
the app and uvicorn's connection: it writes what is due together in one go, and, where the Delivery in a start
message's member RAW says so, a head, chunks and an end that HTTP does not allow. h11, which reads the
requests, is told of an empty reply instead, so that it knows when the next request may come.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from functools import cache
from typing import Any

import h11
from starlette.types import Message, Send

from fake_server.delivery import NO_BODY, Delivery, phrase
from fake_server.wire.exchange import Ending

try:
    import fcntl
    import termios
except ImportError:  # Windows does not tell what its kernel still holds
    fcntl = termios = None  # type: ignore[assignment]

RAW = "fake_server.raw"
"""The member of a start message that holds the Delivery whose bytes are to be written."""
FLUSH_SECONDS = 10.0
_EMPTY = h11.Response(status_code=200, headers=[("content-length", "0")])
_END = h11.EndOfMessage()


class Writer:
    """A `send` for one request on uvicorn's connection `protocol`; `send` is uvicorn's own.

    The head leaves with the first bytes of the body; an empty body message sends it alone. To HTTP/1.0 a body
    of unknown length has no chunks and ends with the connection (RFC 9112 section 6.3).
    """

    def __init__(self, protocol: Any, scope: Any, send: Send) -> None:
        self._protocol, self._cycle, self._send = protocol, protocol.cycle, send
        self._plain = scope["http_version"] not in ("1.0", "1.1") or scope["method"] == "HEAD"
        self._chunks = scope["http_version"] == "1.1"
        self._closes = any(name == b"connection" and b"close" in value for name, value in scope["headers"])
        self._start: Message | None = None
        self._raw: Delivery | None = None
        self._chunked = False

    async def __call__(self, message: Message) -> None:
        if self._plain:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start, self._raw = message, None
            if (delivery := message.get(RAW)) is not None:
                self._chunked = self._chunks and delivery.length is None and delivery.status not in NO_BODY
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
        framed = b"%x\r\n%s\r\n" % (len(data), data) if self._chunked and data else data
        clean = raw is None or raw.ending is Ending.CLEAN
        last = b"0\r\n\r\n" if self._chunked and not more and clean else b""
        await self._write(head + framed + last)
        if not more:
            await (self._complete() if raw is None else self._end(raw.ending is Ending.RESET))

    def _head(self, start: Message, length: int | None) -> bytes:
        fields = [*self._protocol.server_state.default_headers, *start["headers"]]
        if self._raw is not None and not self._chunked:
            known = (self._raw.length or 0) if self._chunks else self._raw.length
            fields += [] if known is None else [(b"content-length", b"%d" % known)]
        elif not any(name.lower() == b"content-length" for name, _ in fields):
            self._chunked = self._chunks and (self._chunked or length is None)
            if start["status"] not in NO_BODY and (self._chunked or length is not None):
                fields.append(_CHUNKED if self._chunked else (b"content-length", b"%d" % (length or 0)))
        if self._closes or not self._chunks or not self._cycle.keep_alive:
            fields = [field for field in fields if field[0].lower() != b"connection"]
            fields.append((b"connection", b"close"))
        lines = [b"%b: %b\r\n" % field for field in fields]
        return b"".join((_status_line(start["status"]), *lines, b"\r\n"))

    async def _slowly(self, head: bytes, raw: Delivery) -> bytes:
        """Write the head in pieces; the last one is left to be written."""
        while len(head) > raw.head_piece:
            await self._write(head[: raw.head_piece])
            await asyncio.sleep(raw.head_pause)
            head = head[raw.head_piece :]
        return head

    async def _write(self, data: bytes) -> None:
        flow = self._protocol.flow
        if flow.write_paused and not self._cycle.disconnected:
            await flow.drain()
        if data and not self._protocol.transport.is_closing():
            self._protocol.transport.write(data)

    async def _complete(self) -> None:
        """Say to uvicorn and h11 that the reply is over, as uvicorn's own `send` does."""
        cycle, connection = self._cycle, self._protocol.conn
        cycle.response_complete = True
        cycle.message_event.set()
        connection.send(_EMPTY)
        connection.send(_END)
        if connection.our_state is h11.MUST_CLOSE or not cycle.keep_alive:
            connection.send(h11.ConnectionClosed())
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
    return f"HTTP/1.1 {status} {phrase(status)}\r\n".encode()
