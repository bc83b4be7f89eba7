"""What replies look like when they leave: errors, raw scripts, JSON with the headers of rate limits, paced events."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Any

from fake_server.api.reply import ErrorReply, RawReply, Timing
from fake_server.faults.replies import error_delivery, with_headers
from fake_server.server.state.memory import SMALL
from fake_server.wire.delivery import EVENT_STREAM, NO_BODY, Delivery, ImmediateWrites, fixed_length, reason_phrase
from fake_server.wire.exchange import Headers, Write

_LIMIT_REQUESTS, _LIMIT_TOKENS = 10_000, 2_000_000
_JSON = ("content-type", "application/json")


def refuse(error: ErrorReply) -> Delivery:
    """OpenAI's error object with its status and headers."""
    return error_delivery(error.status, error.message, error.type, error.param, error.code, error.headers)


def last_reply(delivery: Delivery) -> bytes:
    """The bytes of a whole reply of known length, after which the connection closes."""
    fields = (*delivery.headers, ("content-length", str(delivery.length)), ("connection", "close"))
    line = f"HTTP/1.1 {delivery.status} {reason_phrase(delivery.status)}"
    head = "\r\n".join([line, *(f"{name}: {value}" for name, value in fields), "", ""])
    return head.encode() + b"".join(write.data for write in delivery.writes)


def deliver_directly(reply: ErrorReply | RawReply, seed: int) -> Delivery:
    """Delivery for replies that are not rendered: errors and raw scripts."""
    return refuse(reply) if isinstance(reply, ErrorReply) else _raw(reply, seed)


def deliver_json(body: bytes, tokens: int | None = None, pause: float = 0.0) -> Delivery:
    """A 200 with JSON text, after a pause in seconds; `tokens` None leaves out the headers of rate limits."""
    headers = (_JSON,) if tokens is None else (_JSON, *rate_limits(tokens))
    return Delivery(200, headers, (Write(body, pause),), len(body))


def rate_limits(tokens: int) -> Headers:
    """The x-ratelimit headers of a reply; every minute begins anew, so they never run out."""
    left = max(_LIMIT_TOKENS - tokens, 0)
    return (
        ("x-ratelimit-limit-requests", str(_LIMIT_REQUESTS)),
        ("x-ratelimit-limit-tokens", str(_LIMIT_TOKENS)),
        ("x-ratelimit-remaining-requests", str(_LIMIT_REQUESTS - 1)),
        ("x-ratelimit-remaining-tokens", str(left)),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-reset-tokens", f"{round((_LIMIT_TOKENS - left) * 60_000 / _LIMIT_TOKENS)}ms"),
    )


def to_json(value: Any) -> bytes:
    """Compact JSON text; lone surrogates become `?` because they have no UTF-8 form."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def pace(events: Iterable[bytes], timing: Timing, seed: int = 0) -> Iterable[Write]:
    """One write for each event, with its pause in seconds.

    The first waits `timing.first`; those after it follow at `timing.rate` events per second, or in its
    `pauses`, each pause longer or shorter by up to the share `timing.jitter`, drawn from the seed. A
    comment leaves at once and takes no turn.
    """
    if timing.first <= 0 and timing.rate <= 0 and not timing.pauses:
        return ImmediateWrites(events)
    return _paced(events, timing, seed)


def _paced(events: Iterable[bytes], timing: Timing, seed: int) -> Iterator[Write]:
    chance = random.Random(seed)
    steps = cycle(timing.pauses[1:] or (1 / timing.rate if timing.rate > 0 else 0.0,))
    pause = timing.pauses[0] if timing.pauses else max(timing.first, 0.0)
    for event in events:
        if event.startswith(b":"):
            yield Write(event)
            continue
        yield Write(event, pause)
        step = next(steps)
        pause = step * (1 + timing.jitter * chance.uniform(-1, 1)) if step else 0.0


def _raw(reply: RawReply, seed: int) -> Delivery:
    if reply.events is not None and reply.status not in NO_BODY:
        writes = pace(map(_event, reply.events), reply.timing, seed)
        if sum(map(len, reply.events)) > SMALL:
            writes = tuple(writes)  # which counts as bytes in flight; of a rendered stream, each event is made when due
        return with_headers(Delivery(reply.status, (("content-type", EVENT_STREAM),), writes), reply.headers)
    body = reply.body or b""
    payload = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
    fields = () if reply.status in NO_BODY else (_JSON,)
    return with_headers(fixed_length(reply.status, fields, payload, reply.timing.whole), reply.headers)


def _event(data: str) -> bytes:
    """One server-sent event; each line of the data is a `data:` line of its own (WHATWG HTML 9.2)."""
    lines = data.encode("utf-8", "replace").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
