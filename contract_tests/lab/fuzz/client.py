"""Bytes to the fake and what comes back: each connection ends within a bound, each reply is well-formed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests.lab.fuzz.serving import Served
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Request, header

LONGEST = 10.0
"""Seconds after which a connection that still stands hangs."""
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Got:
    """What came on a connection, and whether the server ended it."""

    data: bytes
    ended: bool


def send(port: int, pieces: Sequence[bytes], seconds: float = LONGEST, *, close: bool = False) -> Got:
    """Write the pieces one by one and read until the server hangs up, or `seconds` have passed."""
    deadline = time.monotonic() + seconds
    got: list[bytes] = []
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                link.sendall(piece)
            if close:
                return Got(b"", True)
            while sum(map(len, got)) < LARGEST:
                link.settimeout(max(deadline - time.monotonic(), 0.001))
                piece = link.recv(1 << 20)
                if not piece:
                    return Got(b"".join(got), True)
                got.append(piece)
        except TimeoutError:
            return Got(b"".join(got), False)
        except OSError:
            return Got(b"".join(got), True)
    return Got(b"".join(got), False)


def request_bytes(request: Request) -> bytes:
    """The request on a connection that it asks to close."""
    lines = [f"{request.method} {request.target} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers or ()]
    lines.append(f"content-length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def captured(request: Request, data: bytes) -> Exchange:
    """The first reply in the bytes, as a recorder would keep it."""
    reply = ReplyCapture(request)
    reply.feed(data)
    if not reply.ended:
        reply.eof()
    return reply.exchange


def ask(served: Served, request: Request, seconds: float = LONGEST) -> Exchange:
    """The exchange of one request; it has a reply, whole, well-formed and in time."""
    got = send(served.port, [request_bytes(request)], seconds)
    assert got.ended, f"no end within {seconds:g} s"
    exchange = captured(request, got.data)
    assert exchange.status is not None, "no reply"
    assert exchange.ending is Ending.CLEAN, (exchange.ending, exchange.problem)
    assert not exchange.problem, exchange.problem
    return exchange


def well_formed(exchange: Exchange) -> None:
    """A refusal is in OpenAI's form; what says it is JSON is JSON."""
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


def calm(served: Served) -> None:
    """The log has no error."""
    complaint = served.complaints()
    assert not complaint, complaint[-3000:]
