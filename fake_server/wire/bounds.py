"""The bounds of one exchange: no reply is waited for, read or kept without a limit."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """Seconds, bytes and counts; each field's name is the word used in an exchange's `problem`.

    connect: until the connection, with TLS, stands · first_byte: from the last byte sent to the
    first received · idle: between two pieces received · exchange: from the request's head to the
    end · body: payload bytes of a request or a reply · event: bytes of one server-sent event ·
    json_depth: levels of nesting a judge reads · head: bytes of all heads of one message, 1xx
    included, of one chunk-size line, and of the trailers · writes: writes of one reply · grace:
    after the client left, how long the reply may still reach its end (SDKs hang up on `[DONE]`,
    before the last chunk).
    """

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 30.0
    exchange: float = 120.0
    body: int = 16 * MIB
    event: int = MIB
    json_depth: int = 200
    head: int = 64 * 1024
    writes: int = 100_000
    grace: float = 0.5
