"""A raw client and a plain target for tests, and a loop that hides no trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from fake_server.tests.steady_loop import run_steadily

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Answer:
    """All bytes that came, and whether RST ended them."""

    data: bytes
    was_reset: bool

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def post(body: bytes = b"{}", path: str = "/v1/chat/completions", *lines: str, close: bool = True) -> bytes:
    """A POST request as bytes, with extra header lines."""
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    head += [f"Content-Length: {len(body)}", *lines, *(["Connection: close"] if close else [])]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def ask(port: int, request: bytes, seconds: float = 10.0) -> Answer:
    """Send `request`, read until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data, was_reset = b"", False
    try:
        async with asyncio.timeout(seconds):
            writer.write(request)
            while piece := await reader.read(65536):
                data += piece
    except ConnectionError:
        was_reset = True
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            was_reset = True
    return Answer(data, was_reset)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main`; anything the loop would only log fails the test."""
    troubles: list[object] = []

    async def guarded() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        async with asyncio.timeout(60):
            await main
        for _ in range(5):  # generators of SDKs close a turn later
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()

    run_steadily(guarded())
    assert not troubles


class Echo:
    """A target that keeps what it was sent and answers every request with `reply`."""

    def __init__(self, reply: bytes = OK) -> None:
        self.reply = reply
        self.heads: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    head += await reader.readexactly(int(line[15:]))
            self.heads.append(head)
            writer.write(self.reply)
            await writer.drain()
