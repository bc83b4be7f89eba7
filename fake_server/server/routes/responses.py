"""POST /responses: answered as the chat that stands for it, so that scripts for chat answer here too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fake_server.api import errors, responses_request, vectors
from fake_server.api.render import responses as render
from fake_server.api.render.responses_stream import render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply, RawReply, Reply
from fake_server.api.request import ApiRequest
from fake_server.api.sensible import built_in, thoughts
from fake_server.api.validate.completions import CONTEXT_SIZES
from fake_server.api.validate.models import is_served
from fake_server.api.validate.response_input import find_item_refusal
from fake_server.api.validate.responses import find_model_refusal, validate_response
from fake_server.scripts.book import ScriptBook
from fake_server.server.answer import answer
from fake_server.server.deliveries import refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.chat import deliver_completion
from fake_server.server.routes.lanes import TURN, Turn
from fake_server.server.routes.response_state import Made, save_response, with_earlier
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space
from fake_server.wire.delivery import Delivery


def create_response(context: RequestContext) -> Delivery:
    """The answer to an input, whole or as a stream."""
    turn: Turn | None = context.scope.get(TURN)
    if turn is not None:
        context.request = turn.as_post(context.request)
    refusal = find_refusal(context.request, context.settings)
    if refusal is not None:
        return refuse(refusal)
    continued = with_earlier(context.request, context.space if turn is None else turn.view(context.space))
    if isinstance(continued, ErrorReply):
        return refuse(continued)
    request, earlier = continued
    context.entry.goes_on(earlier)
    generates = turn is None or turn.generates
    made = make_response(request, context.settings, context.space, context.style, earlier, generates=generates)
    if isinstance(made, Made) and turn is not None:
        made = turn.save(request, context.space, context.style, made, earlier)
    elif isinstance(made, Made):
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
    request: ApiRequest,
    settings: Settings,
    space: Space,
    style: Style,
    earlier: Sequence[Mapping[str, Any]] = (),
    *,
    generates: bool = True,
) -> Made | ErrorReply | RawReply:
    """Answer a valid request; `earlier` are the items before its input, oldest first.

    One that `generates` nothing, whose output is thrown away, asks no script, so that none is used up.
    """
    body, given = request.body, responses_request.input_items(request.body)
    items = responses_request.resolve(given, earlier)
    refusal = find_item_refusal(items)
    if refusal is not None:
        return refusal
    chat = responses_request.as_chat(body, items)
    refusal = find_model_refusal(body, chat)
    if refusal is not None:
        return refusal
    book, strict = (space.book, settings.strict) if generates else (ScriptBook(), False)
    reply = answer(request.but(chat), book, space.state, strict=strict, seed=settings.seed)
    if not isinstance(reply, Reply):
        return reply
    reply = built_in.with_built_in(thoughts.with_summary(reply, body, settings.seed), body, chat)
    return Made(reply, render.build_response(reply, body, style), given)


@dataclass(frozen=True)
class _Finished:
    """Renders the response object that was made of a reply."""

    response: Mapping[str, Any]

    def render_dict(self, reply: Reply, request: Mapping[str, Any], style: Style) -> bytes:
        return render.render_dict(self.response, style)

    def render_stream(self, reply: Reply, request: Mapping[str, Any], style: Style) -> Iterator[bytes]:
        return render_stream(self.response, request, style)


def deliver_response(context: RequestContext, made: Made | ErrorReply | RawReply) -> Delivery:
    """The response rendered as the request wants it; an error or a raw reply goes out as it is."""
    reply, response = (made.reply, made.response) if isinstance(made, Made) else (made, {})
    return deliver_completion(context, reply, _Finished(response), of="its output")
