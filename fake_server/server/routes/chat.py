"""POST /chat/completions, and how a completion is delivered, which text completions share."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from fake_server.api import errors, vectors
from fake_server.api.render import chat as render
from fake_server.api.render.style import Style
from fake_server.api.reply import AT_ONCE, ErrorReply, RawReply, Reply, count_scores
from fake_server.api.request import ApiRequest
from fake_server.api.validate.chat import validate_chat
from fake_server.api.validate.completions import CONTEXT_SIZES
from fake_server.api.validate.models import is_served
from fake_server.server.answer import answer
from fake_server.server.deliveries import deliver_directly, deliver_json, pace, rate_limits
from fake_server.server.request_context import RequestContext
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space
from fake_server.wire.budget import check_sent, once
from fake_server.wire.delivery import EVENT_STREAM, Delivery

MANY = 10_000
"""Tokens of a reply from which on the size of its stream is looked at."""
_EVENT, _SCORE = 300, 75
"""Bytes of an event beside its model and text, and of a log probability."""


class Renderer(Protocol):
    """How a reply becomes bytes, as a dict and as a stream."""

    def render_dict(self, reply: Reply, request: Mapping[str, Any], style: Style) -> bytes: ...

    def render_stream(self, reply: Reply, request: Mapping[str, Any], style: Style) -> Iterator[bytes]: ...


def create_chat_completion(context: RequestContext) -> Delivery:
    """The answer to a chat, whole or as a stream; with `store` it can be read again."""
    reply = reply_to(context.request, context.settings, context.space)
    if isinstance(reply, Reply) and context.request.body.get("store") is True:
        reply = _store(context, reply)
    return deliver_completion(context, reply, render)


def reply_to(request: ApiRequest, settings: Settings, space: Space) -> Reply | ErrorReply | RawReply:
    """What to answer: a refusal of a bad request, else what the scripts and the settings say."""
    refusal = validate_chat(request.body)
    if refusal is not None:
        return refusal
    model = request.body["model"]
    if not is_served(model, settings.models):
        return errors.model_not_found(model)
    if model in CONTEXT_SIZES:
        return errors.not_a_chat_model()
    if model in vectors.SIZES:
        return errors.not_allowed("sample")
    return answer(request, space.book, space.state, strict=settings.strict, seed=settings.seed)


def deliver_completion(
    context: RequestContext, reply: Reply | ErrorReply | RawReply, renderer: Renderer, of: str = ""
) -> Delivery:
    """The reply rendered as the request wants it; an error or a raw reply goes out as it is.

    `of` is what its tokens are of, for the refusal of a stream that is too large; its choices, if that is empty.
    """
    context.entry.script, context.faults = reply.script, reply.faults
    settings, body = context.settings, context.request.body
    if not isinstance(reply, Reply):
        return deliver_directly(reply, settings.seed)
    usage = reply.usage
    context.tokens = tokens = usage.prompt_tokens + usage.completion_tokens
    if not body.get("stream"):
        pause = 0.0 if reply.timing is AT_ONCE else reply.timing.whole
        return deliver_json(renderer.render_dict(reply, body, context.style), tokens, pause)
    headers = (("content-type", EVENT_STREAM), ("cache-control", "no-cache"), *rate_limits(tokens))
    if usage.completion_tokens > MANY:
        whole = of or f"{len(reply.choices)} choices"
        check_sent(_stream_size(reply), f"{usage.completion_tokens:,} tokens of {whole}")
    events = renderer.render_stream(reply, body, context.style)
    return Delivery(200, headers, pace(events, reply.timing, settings.seed))


def _stream_size(reply: Reply) -> int:
    """About how many bytes the stream of a reply has, if each token is an event."""
    size = reply.usage.completion_tokens * (_EVENT + len(reply.model))
    return size + _SCORE * sum(map(count_scores, reply.choices))


def _store(context: RequestContext, reply: Reply) -> Reply:
    """The reply with an id and a time, under which the completion is stored."""
    style, body = context.style, context.request.body
    reply = replace(reply, id=reply.id or style.new_reply_id(), created=reply.created or int(time.time()))
    completion = json.loads(render.render_dict(reply, body, style))
    once(lambda: context.space.stored.save(completion, body))
    return reply
