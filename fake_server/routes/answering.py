"""What every endpoint that answers does: one parse, one reply, one rendering, writes in their time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from fake_server import body
from fake_server.asking import Asking
from fake_server.edge import ENTRY, STYLE, clean_headers, error_response
from fake_server.journal import Entry
from fake_server.play import play
from fake_server.reply import ErrorReply, RawReply, Reply, Timing
from fake_server.routes.streaming import EVENT_STREAM, Writes
from fake_server.settings import Settings
from fake_server.space import SPACE, Space
from fake_server.style import Style
from fake_server.wire.exchange import Write

_NO_BODY = frozenset({204, 205, 304})
_LIMIT_REQUESTS, _LIMIT_TOKENS = 10_000, 2_000_000

Asked = Mapping[str, Any]
ReplyTo = Callable[[Asking, Settings, Space], Reply | ErrorReply | RawReply]


class Renderer(Protocol):
    """How a reply becomes bytes, as a dict and as a stream."""

    def render_dict(self, reply: Reply, request: Asked, style: Style) -> bytes: ...

    def render_stream(self, reply: Reply, request: Asked, style: Style) -> Iterator[bytes]: ...


async def read(request: Request) -> tuple[bytes, Asking] | Response:
    """The body as bytes and what it asks, noted in the journal; a refusal of one that cannot be read."""
    settings: Settings = request.app.state.settings
    entry: Entry = request.scope[ENTRY]
    try:
        raw = entry.body = await body.read(request, settings.max_body, settings.body_timeout)
        endpoint = entry.path.removeprefix("/v1").strip("/")
        return raw, Asking(body.parse(raw), endpoint, entry.fields)
    except body.Refused as refused:
        return error_response(refused.reply)


async def create(request: Request, reply_to: ReplyTo, renderer: Renderer) -> Response:
    """Answer a request for a completion, whole or as a stream."""
    settings: Settings = request.app.state.settings
    came = await read(request)
    if isinstance(came, Response):
        return came
    raw, asking = came
    reply = reply_to(asking, settings, request.scope[SPACE])
    request.scope[ENTRY].script = reply.script
    if not isinstance(reply, Reply):
        return untold(reply, settings.seed)
    style = settings.style_of(raw)
    request.scope[STYLE] = style
    headers = rate_limits(reply.usage.total_tokens)
    if asking.streams:
        return _streamed(
            renderer.render_stream(reply, asking.body, style), reply.timing, settings.seed, headers
        )
    payload = renderer.render_dict(reply, asking.body, style)
    return whole(payload, reply.timing, {"content-type": "application/json", **headers})


def untold(reply: ErrorReply | RawReply, seed: int) -> Response:
    """What goes out as it is: an error, or what a script spells out."""
    return error_response(reply) if isinstance(reply, ErrorReply) else _raw(reply, seed)


def rate_limits(tokens: int) -> dict[str, str]:
    """The x-ratelimit headers of an answer; every minute begins anew, so they never run out."""
    left = max(_LIMIT_TOKENS - tokens, 0)
    return {
        "x-ratelimit-limit-requests": str(_LIMIT_REQUESTS),
        "x-ratelimit-limit-tokens": str(_LIMIT_TOKENS),
        "x-ratelimit-remaining-requests": str(_LIMIT_REQUESTS - 1),
        "x-ratelimit-remaining-tokens": str(left),
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": f"{round((_LIMIT_TOKENS - left) * 60_000 / _LIMIT_TOKENS)}ms",
    }


def _streamed(events: Iterable[bytes], timing: Timing, seed: int, headers: Mapping[str, str]) -> Response:
    stream_headers = {"content-type": EVENT_STREAM, "cache-control": "no-cache", **headers}
    return Writes(play(events, timing, seed), headers=stream_headers)


def whole(payload: bytes, timing: Timing, headers: Mapping[str, str], status: int = 200) -> Response:
    """A body in one write, after the time the reply takes to its first event."""
    if status in _NO_BODY:
        return Response(status_code=status, headers=dict(headers))
    if timing.first <= 0:
        return Response(payload, status_code=status, headers=dict(headers))
    return Writes(
        [Write(payload, timing.first)],
        headers={**headers, "content-length": str(len(payload))},
        status=status,
    )


def _raw(reply: RawReply, seed: int) -> Response:
    headers = clean_headers(reply.headers)
    if reply.events is not None and reply.status not in _NO_BODY:
        writes = play([_event(data) for data in reply.events], reply.timing, seed)
        return Writes(writes, headers={"content-type": EVENT_STREAM, **headers}, status=reply.status)
    payload = (reply.body or "").encode("utf-8", "replace")
    return whole(payload, reply.timing, {"content-type": "application/json", **headers}, reply.status)


def _event(data: str) -> bytes:
    """One server-sent event; each line of the data is a `data:` line of its own (WHATWG HTML 9.2)."""
    lines = data.encode("utf-8", "replace").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
