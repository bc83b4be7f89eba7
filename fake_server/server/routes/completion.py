"""What the endpoints that answer in words do: one reply, one rendering, writes in their time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply, RawReply, Reply
from fake_server.api.request import CHAT, ApiRequest
from fake_server.server.error_response import clean_headers
from fake_server.server.handling import Answer, RequestContext, refusal
from fake_server.server.pacing import play
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space
from fake_server.wire.delivery import EVENT_STREAM, NO_BODY, Delivery, fixed_length
from fake_server.wire.exchange import Headers

_LIMIT_REQUESTS, _LIMIT_TOKENS = 10_000, 2_000_000
JSON = ("content-type", "application/json")

Asked = Mapping[str, Any]
ReplyTo = Callable[[ApiRequest, Settings, Space], Reply | ErrorReply | RawReply]


class Renderer(Protocol):
    """How a reply becomes bytes, as a dict and as a stream."""

    def render_dict(self, reply: Reply, request: Asked, style: Style) -> bytes: ...

    def render_stream(self, reply: Reply, request: Asked, style: Style) -> Iterator[bytes]: ...


def completion(reply_to: ReplyTo, renderer: Renderer) -> Answer:
    """The answer to a request for a completion, whole or as a stream."""

    async def answer(visit: RequestContext) -> Delivery:
        reply = reply_to(visit.asking, visit.settings, visit.space)
        visit.entry.script, visit.faults = reply.script, reply.faults
        if not isinstance(reply, Reply):
            return direct_delivery(reply, visit.settings.seed)
        style = visit.style
        if visit.asking.endpoint == CHAT and visit.asking.body.get("store") is True:
            reply = _kept(visit, reply, renderer, style)
        visit.tokens = reply.usage.total_tokens
        limits = rate_limits(visit.tokens)
        if visit.asking.streams:
            headers = (("content-type", EVENT_STREAM), ("cache-control", "no-cache"), *limits)
            events = renderer.render_stream(reply, visit.asking.body, style)
            return Delivery(200, headers, play(events, reply.timing, visit.settings.seed))
        payload = renderer.render_dict(reply, visit.asking.body, style)
        return fixed_length(200, (JSON, *limits), payload, reply.timing.whole)

    return answer


def _kept(visit: RequestContext, reply: Reply, renderer: Renderer, style: Style) -> Reply:
    """The reply with an id and a time, under which the completion is stored."""
    known = replace(reply, id=reply.id or style.new_reply_id(), created=reply.created or int(time.time()))
    completion = json.loads(renderer.render_dict(known, visit.asking.body, style))
    visit.space.stored.keep(completion, visit.asking.body)
    return known


def direct_delivery(reply: ErrorReply | RawReply, seed: int) -> Delivery:
    """What goes out as it is: an error, or what a script spells out."""
    return refusal(reply) if isinstance(reply, ErrorReply) else _raw(reply, seed)


def rate_limits(tokens: int) -> Headers:
    """The x-ratelimit headers of an answer; every minute begins anew, so they never run out."""
    left = max(_LIMIT_TOKENS - tokens, 0)
    return (
        ("x-ratelimit-limit-requests", str(_LIMIT_REQUESTS)),
        ("x-ratelimit-limit-tokens", str(_LIMIT_TOKENS)),
        ("x-ratelimit-remaining-requests", str(_LIMIT_REQUESTS - 1)),
        ("x-ratelimit-remaining-tokens", str(left)),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-reset-tokens", f"{round((_LIMIT_TOKENS - left) * 60_000 / _LIMIT_TOKENS)}ms"),
    )


def _raw(reply: RawReply, seed: int) -> Delivery:
    headers = clean_headers(reply.headers)
    if reply.events is not None and reply.status not in NO_BODY:
        fields = {"content-type": EVENT_STREAM, **headers}
        writes = play([_event(data) for data in reply.events], reply.timing, seed)
        return Delivery(reply.status, tuple(fields.items()), writes)
    body = reply.body or b""
    payload = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
    fields = {"content-type": "application/json", **headers} if reply.status not in NO_BODY else headers
    return fixed_length(reply.status, tuple(fields.items()), payload, reply.timing.whole)


def _event(data: str) -> bytes:
    """One server-sent event; each line of the data is a `data:` line of its own (WHATWG HTML 9.2)."""
    lines = data.encode("utf-8", "replace").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
