"""A raw socket: one request, and every byte that comes back with how it ended."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Got:
    """Bytes of the head and of the body as they were framed, the ending, and seconds from first to last."""

    head: bytes
    framed: bytes
    ending: str
    seconds: float

    @property
    def fields(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}

    @property
    def status(self) -> int:
        return int(self.head.split(b" ")[1])

    @property
    def chunks(self) -> tuple[list[bytes], bool]:
        """The chunks that came whole or in part, and whether the last one came."""
        found: list[bytes] = []
        rest = self.framed
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            if int(size, 16) == 0:
                return found, rest == b"\r\n"
            found.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return found, False

    @property
    def body(self) -> bytes:
        if "transfer-encoding" not in self.fields:
            return self.framed
        return b"".join(self.chunks[0])


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition that nothing else tells of."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def until(holds: Callable[[], bool]) -> None:
    """The same on an event loop."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 — nothing tells of it
            await asyncio.sleep(0.01)


def send(port: int, body: dict[str, Any], headers: str = "") -> socket.socket:
    """Post `body` to the chat on a connection of its own, which is returned."""
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=60.0)
    connection.sendall(head.encode() + data)
    return connection


def ask(
    port: int,
    body: dict[str, Any],
    *,
    headers: str = "",
    seconds: float = 60.0,
    until: bytes = b"",
) -> Got:
    """Post `body`, read until the server ends the connection or `seconds` have passed.

    With `until` these bytes are waited for as long as it takes, and `seconds` are those after them.
    """
    with send(port, body, headers) as connection:
        received, ending, began, ended = b"", "open", 0.0, 0.0
        deadline = time.monotonic() + (60.0 if until else seconds)
        while True:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                ending = "rst"
                break
            except TimeoutError:
                break
            began = began or time.monotonic()
            ended = time.monotonic()
            if not piece:
                ending = "fin"
                break
            received += piece
            if until and until in received:
                deadline, until = time.monotonic() + seconds, b""
    before, blank, after = received.partition(b"\r\n\r\n")
    return Got(before + blank, after, ending, ended - began)
