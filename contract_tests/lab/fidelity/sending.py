"""The raw server: a request names a reply, whose bytes are sent at its pace, each write with its time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract_tests.lab.fidelity.capture import Capture, read_capture
from contract_tests.lab.fidelity.replies import REPLIES

REQUEST_BYTES = 65536
REQUEST_SECONDS = 15.0


class RawServer:
    """Sends replies by name: `requests` has all names asked for, `sent` the last reply of each name."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[str] = []
        self.sent: dict[str, Capture] = {}
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections[connection] = writer
        try:
            await self._serve(reader, writer)
        finally:
            del self._connections[connection]
            writer.close()

    async def hang_up(self) -> None:
        """Drop all clients; returns once nothing more is being sent."""
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, LookupError):
            is_open = True
            while is_open:
                async with asyncio.timeout(REQUEST_SECONDS):
                    name, accepts_gzip = await _read_request(reader)
                    self.requests.append(name)
                    is_open = await self._send(name, writer, accepts_gzip)

    async def _send(self, name: str, writer: asyncio.StreamWriter, accepts_gzip: bool) -> bool:
        """Send the reply of that name; whether the connection can carry another reply."""
        reply = REPLIES[name]
        log: list[tuple[float, bytes]] = []
        for pause, data in reply.sends if accepts_gzip else reply.plain or reply.sends:
            await asyncio.sleep(pause)
            log.append((asyncio.get_running_loop().time(), data))
            writer.write(data)
        self.sent[name] = read_capture(log)
        return not reply.closes


@asynccontextmanager
async def raw_server() -> AsyncIterator[RawServer]:
    """A RawServer that listens while entered."""
    raw = RawServer()
    server = await asyncio.start_server(raw.answer, "127.0.0.1", 0, limit=REQUEST_BYTES)
    try:
        raw.port = server.sockets[0].getsockname()[1]
        yield raw
    finally:
        server.close()
        await raw.hang_up()


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """The name in the request, its last user message, and whether the client accepts gzip."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if fields.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(min(int(fields.get(b"content-length", b"0")), REQUEST_BYTES))
    document = json.loads(body)
    return str(document["messages"][-1]["content"]), b"gzip" in fields.get(b"accept-encoding", b"")
