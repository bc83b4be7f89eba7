"""Every way to replay a recording, each told in the same words, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2

from fake_server.replay import ReplayTransport, mocked
from fake_server.replay.clock import Clock
from fake_server.replay.playback import Playback
from fake_server.tests.steady_loop import run_steadily
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Exchange, Request

INVALID = "https://api.example.invalid/v1"
PATIENCE = 5.0
"""Seconds that a client waits for each read."""
"""A host that no network has: what is not intercepted fails."""


@dataclass(frozen=True)
class Seen:
    """What a client of httpx or httpx2 got: the head, the pieces of the body, the name of the error."""

    status: int | None = None
    reason: str = ""
    version: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    pieces: tuple[bytes, ...] = ()
    error: str = ""

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def sync_client(client: Any, request: Request, base: str = INVALID.removesuffix("/v1")) -> Seen:
    """Ask with a client of httpx or httpx2."""
    head: dict[str, Any] = {}
    pieces: list[bytes] = []
    error = ""
    try:
        with client.stream(request.method, base + request.target, content=request.body) as response:
            head = _head(response)
            pieces.extend(response.iter_raw())
    except (httpx.TransportError, httpx2.TransportError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    return Seen(**head, pieces=tuple(pieces), error=error)


async def async_client(client: Any, request: Request, base: str = INVALID.removesuffix("/v1")) -> Seen:
    """Ask with an async client of httpx or httpx2."""
    head: dict[str, Any] = {}
    pieces: list[bytes] = []
    error = ""
    try:
        async with client.stream(request.method, base + request.target, content=request.body) as response:
            head = _head(response)
            async for piece in response.aiter_raw():
                pieces.append(piece)
    except (httpx.TransportError, httpx2.TransportError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    return Seen(**head, pieces=tuple(pieces), error=error)


def _head(response: Any) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "headers": tuple(response.headers.raw),
    }


async def _within(client: Any, request: Request) -> Seen:
    async with client:
        return await async_client(client, request)


def respx_httpx(exchange: Exchange, **options: Any) -> Seen:
    with mocked(exchange, base_url=INVALID, **options), httpx.Client(verify=False, timeout=PATIENCE) as client:
        return sync_client(client, exchange.request)


def respx_httpx_async(exchange: Exchange, **options: Any) -> Seen:
    with mocked(exchange, base_url=INVALID, **options):
        return asyncio.run(_within(httpx.AsyncClient(verify=False, timeout=PATIENCE), exchange.request))


def respx_httpx2(exchange: Exchange, **options: Any) -> Seen:
    with mocked(exchange, base_url=INVALID, **options), httpx2.Client(verify=False, timeout=PATIENCE) as client:
        return sync_client(client, exchange.request)


def respx_httpx2_async(exchange: Exchange, **options: Any) -> Seen:
    with mocked(exchange, base_url=INVALID, **options):
        return asyncio.run(_within(httpx2.AsyncClient(verify=False, timeout=PATIENCE), exchange.request))


def transport(exchange: Exchange, **options: Any) -> Seen:
    with httpx2.Client(transport=ReplayTransport(exchange, **options), timeout=PATIENCE) as client:
        return sync_client(client, exchange.request)


def transport_async(exchange: Exchange, **options: Any) -> Seen:
    client = httpx2.AsyncClient(transport=ReplayTransport(exchange, **options), timeout=PATIENCE)
    return asyncio.run(_within(client, exchange.request))


IN_PROCESS: tuple[Callable[..., Seen], ...] = (
    respx_httpx,
    respx_httpx_async,
    respx_httpx2,
    respx_httpx2_async,
    transport,
    transport_async,
)


def over_a_socket(exchange: Exchange, *, speed: float = 0.0, clock: Clock | None = None) -> Exchange:
    """What a raw socket sees of the exchange played back, as captured."""
    return run_steadily(_over_a_socket(exchange, speed, clock))


async def _over_a_socket(exchange: Exchange, speed: float, clock: Clock | None) -> Exchange:
    async with Playback([exchange], match="any", speed=speed, clock=clock) as playback:
        return await captured(playback.port, exchange.request)


async def captured(port: int, request: Request, fields: str = "") -> Exchange:
    """The exchange with whatever answers at a port, read byte by byte from the socket until its end.

    `fields` are header fields to be sent, each with CRLF behind it; those of the request are not.
    """
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{request.method} {request.target} HTTP/1.1\r\nHost: localhost\r\n{fields}"
    writer.write(f"{head}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body)
    reply = ReplyCapture(request, sent_at=loop.time(), keep_raw=True)
    try:
        async with asyncio.timeout(60):
            while not reply.ended and (data := await reader.read(65536)):
                reply.feed(data, loop.time())
        reply.eof()
    except ConnectionError:
        reply.reset()
    finally:
        writer.close()
    return reply.exchange
