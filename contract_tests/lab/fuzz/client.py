"""Sends bytes to the fake: each connection must end within a bound, each reply be well-formed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests.lab.fuzz.fake_process import FakeProcess
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Request, header

LONGEST = 10.0
"""Seconds after which an open connection counts as hanging."""
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Received:
    """The bytes that came on a connection, and whether the server ended it."""

    data: bytes
    ended: bool


def send(port: int, pieces: Sequence[bytes], seconds: float = LONGEST, *, close: bool = False) -> Received:
    """Write the pieces one by one and read until the server closes, or `seconds` have passed.

    With `close`, close at once instead of reading.
    """
    deadline = time.monotonic() + seconds
    chunks: list[bytes] = []
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
            if close:
                return Received(b"", True)
            while sum(map(len, chunks)) < LARGEST:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                piece = connection.recv(1 << 20)
                if not piece:
                    return Received(b"".join(chunks), True)
                chunks.append(piece)
        except TimeoutError:
            return Received(b"".join(chunks), False)
        except OSError:
            return Received(b"".join(chunks), True)
    return Received(b"".join(chunks), False)


def request_bytes(request: Request) -> bytes:
    """The request as bytes, with `connection: close`."""
    lines = [f"{request.method} {request.target} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers or ()]
    lines.append(f"content-length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def first_exchange(request: Request, data: bytes) -> Exchange:
    """The exchange with the first reply in the bytes, as a recorder would save it."""
    reply = ReplyCapture(request)
    reply.feed(data)
    if not reply.ended:
        reply.eof()
    return reply.exchange


def ask(fake: FakeProcess, request: Request, seconds: float = LONGEST) -> Exchange:
    """Send one request; the exchange, whose reply must be whole and in time."""
    received = send(fake.port, [request_bytes(request)], seconds)
    assert received.ended, f"no end within {seconds:g} s"
    exchange = first_exchange(request, received.data)
    assert exchange.status is not None, "no reply"
    assert exchange.ending is Ending.CLEAN, (exchange.ending, exchange.problem)
    assert not exchange.problem, exchange.problem
    return exchange


def check_well_formed(exchange: Exchange) -> None:
    """Assert that an error is in OpenAI's format, and that what claims to be JSON is JSON."""
    status, method = exchange.status or 0, exchange.request.method
    assert status < 500, f"{status}: {exchange.payload[:300]!r}"
    if method == "HEAD" or not exchange.payload:
        return
    kind = header(exchange.headers, "content-type") or ""
    if status >= 400:
        assert kind == "application/json", kind
        error = json.loads(exchange.payload)["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        assert isinstance(error["message"], str)
        assert error["message"]
    elif kind.startswith("application/json"):
        json.loads(exchange.payload)


def check_log(fake: FakeProcess) -> None:
    """Assert that the log has no new error."""
    errors = fake.errors_logged()
    assert not errors, errors[-3000:]
