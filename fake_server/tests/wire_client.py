"""A raw client for tests: sends bytes, reads to the end, and says how the connection ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


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
    head = [f"POST {path} HTTP/1.1", "Host: client.invalid", "Content-Type: application/json"]
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
