"""Proves a recording: serialized and captured again, it must equal what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Headers, Write
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
    yield from _unequal("status", was.status, now.status)
    yield from _unequal("body", was.payload, now.payload)
    if was.knows(Aspect.ENDING) and was.ending is not Ending.UNKNOWN:
        yield from _unequal("ending", was.ending.value, now.ending.value)
    if not whole:
        return
    yield from _unequal("reason", was.reason, now.reason)
    yield from _unequal("HTTP version", was.http_version, now.http_version)
    yield from _unequal("header fields", was.headers, _without_added(was.headers, now.headers))
    yield from _unequal("1xx heads", was.informational, now.informational)
    yield from _unequal("trailers", was.trailers, now.trailers)
    yield from _unequal("framing", was.framing, now.framing)
    yield from _unequal("write sizes", _sizes(was.writes), _sizes(now.writes))
    if was.knows(Aspect.TIMING):
        pauses = zip(was.writes, now.writes, strict=False)
        if any(abs(before.pause - after.pause) > _PAUSE for before, after in pauses):
            yield "the pauses between the writes differ"


def _without_added(was: Headers, now: Headers) -> Headers:
    """The replayed header fields without those that were added for the framing."""
    return now[: len(was)] if len(now) > len(was) else now


def _sizes(writes: Sequence[Write]) -> list[int]:
    return [len(write.data) for write in writes]


def _unequal(name: str, was: Any, now: Any) -> Iterator[str]:
    if was != now:
        yield f"{name}: recorded {_abbreviate(was)}, replayed {_abbreviate(now)}"


def _abbreviate(value: Any) -> str:
    text = repr(value.value if isinstance(value, Enum) else value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(value)} long)"
