"""The limits on one exchange: nothing is awaited, read or stored without a limit."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """Limits in seconds, bytes and counts. An exchange's `problem` names the limit it reached.

    connect: seconds to connect, TLS included · first_byte: seconds from the last byte sent to the first
    byte received · idle: seconds between two reads · exchange: seconds from the request's head to the end
    · body: payload bytes of a request or a reply · event: bytes of one server-sent event · json_depth:
    levels of nesting that are parsed · head: bytes of all heads of one message (1xx included), of one
    chunk-size line, and of the trailers · writes: writes of one reply · grace: seconds that a reply may
    still take after its client left (SDKs hang up on `[DONE]`, before the last chunk).
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
