"""POST /responses: answered as the chat that stands for it, so that scripts for chat answer here too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fake_server.api import errors, responses_request, vectors
from fake_server.api.render import responses as render
from fake_server.api.render.responses_stream import render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import AT_ONCE, ErrorReply, RawReply, Reply
from fake_server.api.request import ApiRequest
from fake_server.api.sensible import built_in, thoughts
from fake_server.api.validate.completions import CONTEXT_SIZES
from fake_server.api.validate.models import is_served
from fake_server.api.validate.response_input import find_item_refusal
from fake_server.api.validate.responses import find_model_refusal, validate_response
from fake_server.server.answer import answer
from fake_server.server.deliveries import deliver_directly, deliver_json, pace, rate_limits, refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.chat import MANY, stream_size
from fake_server.server.routes.response_state import Made, save_response, with_earlier
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space
from fake_server.wire.budget import check_sent
from fake_server.wire.delivery import EVENT_STREAM, Delivery


def create_response(context: RequestContext) -> Delivery:
    """The answer to an input, whole or as a stream."""
    refusal = find_refusal(context.request, context.settings)
    if refusal is not None:
        return refuse(refusal)
    continued = with_earlier(context.request, context.space)
    if isinstance(continued, ErrorReply):
        return refuse(continued)
    request, earlier = continued
    made = make_response(request, context.settings, context.space, context.style, earlier)
    if isinstance(made, Made):
        made = save_response(request, context.space, context.style, made)
    return deliver_response(context, made)


def find_refusal(request: ApiRequest, settings: Settings) -> ErrorReply | None:
    """The refusal of a bad request, which no state is needed to find."""
    body = request.body
    return validate_response(body) or find_unknown_model(body, settings)


def find_unknown_model(body: Mapping[str, Any], settings: Settings) -> ErrorReply | None:
    """The refusal of a model that is not served here."""
    model = body.get("model") or responses_request.MODEL
    if not is_served(model, settings.models) or model in CONTEXT_SIZES or model in vectors.SIZES:
        return errors.no_model_for_responses(model)
    return None


def make_response(
    request: ApiRequest, settings: Settings, space: Space, style: Style, earlier: Sequence[Mapping[str, Any]] = ()
) -> Made | ErrorReply | RawReply:
    """Answer a valid request; `earlier` are the items before its input, oldest first."""
    body, items = request.body, responses_request.input_items(request.body)
    refusal = find_item_refusal(responses_request.resolve(items, earlier))
    if refusal is not None:
        return refusal
    chat = responses_request.as_chat(body, earlier)
    refusal = find_model_refusal(body, chat)
    if refusal is not None:
        return refusal
    reply = answer(request.but(chat), space.book, space.state, strict=settings.strict, seed=settings.seed)
    if not isinstance(reply, Reply):
        return reply
    reply = built_in.with_built_in(thoughts.with_summary(reply, body, settings.seed), body, chat)
    return Made(reply, render.build_response(reply, body, style), items)


def deliver_response(context: RequestContext, made: Made | ErrorReply | RawReply) -> Delivery:
    """The response rendered as the request wants it; an error or a raw reply goes out as it is."""
    reply = made.reply if isinstance(made, Made) else made
    context.entry.script, context.faults = reply.script, reply.faults
    settings, body = context.settings, context.request.body
    if not isinstance(made, Made):
        return deliver_directly(made, settings.seed)
    reply, usage = made.reply, made.reply.usage
    context.tokens = tokens = usage.prompt_tokens + usage.completion_tokens
    if not body.get("stream"):
        wait = 0.0 if reply.timing is AT_ONCE else reply.timing.whole
        return deliver_json(render.render_dict(made.response, context.style), tokens, wait)
    headers = (("content-type", EVENT_STREAM), ("cache-control", "no-cache"), *rate_limits(tokens))
    if usage.completion_tokens > MANY:
        check_sent(stream_size(reply), f"{usage.completion_tokens:,} tokens of its output")
    events = render_stream(made.response, body, context.style)
    return Delivery(200, headers, pace(events, reply.timing, settings.seed))
