"""Proves a recording: serialized and captured again, it must equal what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange
from fake_server.wire.outgoing import serialize_reply

_NO_BOUND = 1 << 62
_PAUSE = 2e-6
"""Seconds by which two pauses may differ: fixtures store microseconds."""


def capture_replay(exchange: Exchange) -> Exchange:
    """Serialize the reply and capture it again, with its pauses and its ending."""
    unbounded = Bounds(body=_NO_BOUND, event=_NO_BOUND, head=_NO_BOUND, writes=_NO_BOUND)
    reply = ReplyCapture(exchange.request, bounds=unbounded, label=exchange.label, keep_raw=bool(exchange.raw))
    at = 0.0
    for write in serialize_reply(exchange):
        at += write.pause
        reply.feed(write.data, at)
    reply.end(exchange.ending, exchange.problem)
    return reply.exchange


def differences(exchange: Exchange) -> list[str]:
    """How a replay would differ from the recording, in words; an empty list if it would not.

    Aspects that were not recorded (see `Aspect`) are made up on replay and not compared.
    """
    return list(_compare(exchange, capture_replay(exchange)))


def _compare(was: Exchange, now: Exchange) -> Iterator[str]:
    whole = was.knows(Aspect.FRAMING, Aspect.HEADERS, Aspect.ALL_HEADERS) or was.framing is not None
    pairs: list[tuple[str, Any, Any]] = [("status", was.status, now.status), ("body", was.payload, now.payload)]
    if was.knows(Aspect.ENDING) and was.ending is not Ending.UNKNOWN:
        pairs.append(("ending", was.ending, now.ending))
    if whole:
        pairs += [
            ("reason", was.reason, now.reason),
            ("HTTP version", was.http_version, now.http_version),
            ("header fields", was.headers, now.headers[: len(was.headers)]),  # others were added for the framing
            ("1xx heads", was.informational, now.informational),
            ("trailers", was.trailers, now.trailers),
            ("framing", was.framing, now.framing),
            ("write sizes", _sizes(was), _sizes(now)),
        ]
    for name, before, after in pairs:
        if before != after:
            yield f"{name}: recorded {_abbreviate(before)}, replayed {_abbreviate(after)}"
    pauses = zip(was.writes, now.writes, strict=False) if whole and was.knows(Aspect.TIMING) else ()
    if any(abs(before.pause - after.pause) > _PAUSE for before, after in pauses):
        yield "the pauses between the writes differ"


def _sizes(exchange: Exchange) -> list[int]:
    return [len(write.data) for write in exchange.writes]


def _abbreviate(value: Any) -> str:
    text = repr(value.value if isinstance(value, Enum) else value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(value)} long)"
