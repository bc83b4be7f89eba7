"""The bytes of a reply that HTTP would not let a server send, written to the socket one by one.

A web framework frames every reply well and ends it well. So that a fault reaches the client, a response's
start message with the member RAW leaves the head, the chunks and the end to a RawSend, which stands between
the app and uvicorn's connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from typing import Any

from starlette.types import Message, Send

from fake_server.delivery import Delivery, phrase
from fake_server.wire.exchange import Ending

try:
    import fcntl
    import termios
except ImportError:  # Windows does not tell what its kernel still holds
    fcntl = termios = None  # type: ignore[assignment]

RAW = "fake_server.raw"
"""The member of a start message that holds the Delivery whose bytes are to be written."""
FLUSH_SECONDS = 10.0


class RawSend:
    """A `send` that writes what follows a start message with RAW to the connection itself."""

    def __init__(self, protocol: Any, send: Send) -> None:
        self._protocol, self._send = protocol, send
        self._delivery: Delivery | None = None

    async def __call__(self, message: Message) -> None:
        if self._delivery is not None:
            await self._body(message, self._delivery)
        elif (delivery := message.get(RAW)) is not None:
            self._delivery = delivery
            await self._head(message, delivery)
        else:
            await self._send(message)

    async def _head(self, message: Message, delivery: Delivery) -> None:
        if delivery.silent:
            return
        fields = [*self._protocol.server_state.default_headers, *message["headers"]]
        if delivery.length is not None:
            fields.append((b"content-length", b"%d" % delivery.length))
        else:
            fields.append((b"transfer-encoding", b"chunked"))
        lines = b"".join(b"%s: %s\r\n" % pair for pair in fields)
        status = f"HTTP/1.1 {delivery.status} {phrase(delivery.status)}\r\n".encode()
        head = status + lines + b"\r\n"
        step = delivery.head_piece or len(head)
        for start in range(0, len(head), step):
            if start:
                await asyncio.sleep(delivery.head_pause)
            await self._write(head[start : start + step])

    async def _body(self, message: Message, delivery: Delivery) -> None:
        data = message.get("body", b"")
        if data:
            await self._write(data if delivery.length is not None else b"%x\r\n%s\r\n" % (len(data), data))
        if message.get("more_body", False):
            return
        if delivery.ending is Ending.CLEAN and delivery.length is None:
            await self._write(b"0\r\n\r\n")
        await self._end(reset=delivery.ending is Ending.RESET)

    async def _write(self, data: bytes) -> None:
        transport = self._protocol.transport
        if not transport.is_closing():
            transport.write(data)
            await self._protocol.flow.drain()

    async def _end(self, reset: bool) -> None:
        transport = self._protocol.transport
        self._protocol.cycle.disconnected = True  # uvicorn is to say nothing more on this connection
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
    return int.from_bytes(told, sys.byteorder)
