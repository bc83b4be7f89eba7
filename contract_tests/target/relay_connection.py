"""One connection of a run to its relay: what is written to it, and who reads the reply, which the relay captures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from fake_server.wire.exchange import Exchange

PLACEHOLDER_KEY = "no-key-needed"
Field = tuple[str, str | None]
"""A header field; None leaves out one that is usually sent."""


@dataclass(frozen=True)
class RelayConnection:
    """A connection to the relay; `reading` ends when it does; where it `leaves`, that is before the exchange does.

    `prefix` goes before every path.
    """

    writer: asyncio.StreamWriter
    reading: asyncio.Task[None]
    leaves: bool
    prefix: str

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self.reading.done()


def format_request(method: str, target: str, headers: Iterable[Field], body: bytes, keyed: bool) -> bytes:
    """A request as bytes, with the header fields that the official SDK sends unless others are given.

    `keyed` is whether the relay is to put a key in.
    """
    given = tuple(headers)
    named = {name.lower() for name, _ in given}
    usual: list[Field] = [
        ("Host", "localhost"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Authorization", f"Bearer {PLACEHOLDER_KEY}" if keyed else None),
        ("Connection", "close"),
        ("User-Agent", "openai-contract-kit"),
    ]
    if body or method in ("POST", "PUT"):
        usual += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    fields = [*(field for field in usual if field[0].lower() not in named), *given]
    if "transfer-encoding" in named:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields if value is not None)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


async def read_reply(reader: asyncio.StreamReader) -> None:
    """Read and drop the reply: the relay captures it."""
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass


async def leave_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Read the reply up to its first event, for `seconds` at most, and hang up."""
    with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(seconds):
            await reader.readuntil(b"data:")
    writer.transport.abort()


def reason_of_end(exchange: Exchange, label: str) -> str:
    """The reply after which a connection ended, and what in it said so."""
    role = label.partition(" ")[2] or label
    named = f"Connection: {exchange.header('connection')}" if exchange.header("connection") else ""
    said = named or ("HTTP/1.0" if exchange.http_version == "1.0" else "") or exchange.problem
    return f"{role} ({said or 'without a word about it'})"
