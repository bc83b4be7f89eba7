"""The state of POST /responses: what a request goes on from, and what becomes of its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fake_server.api.items import saved_item
from fake_server.api.render.responses import early
from fake_server.api.render.style import Style
from fake_server.api.reply import AT_ONCE, ErrorReply, Reply
from fake_server.api.request import ApiRequest
from fake_server.api.responses_request import input_items
from fake_server.server.state.earlier import (
    Items,
    add_to_conversation,
    conversation_id,
    earlier_items,
    resolved_input,
)
from fake_server.server.state.responses import QUEUED, WORKED, Saved
from fake_server.server.state.space import Space
from fake_server.wire.budget import once


@dataclass(frozen=True)
class Made:
    """An answer: the logical reply, the finished response object, and the input items without earlier ones."""

    reply: Reply
    response: dict[str, Any]
    items: list[dict[str, Any]]


def with_earlier(request: ApiRequest, space: Space) -> tuple[ApiRequest, Items] | ErrorReply:
    """The request, in whose input references are the items that they mean, and the items before its input."""
    earlier = earlier_items(space, request.body)
    if isinstance(earlier, ErrorReply):
        return earlier
    given: Items = list(input_items(request.body))
    items = resolved_input(space, given, earlier)
    if isinstance(items, ErrorReply):
        return items
    return (request if items is given else request.but({**request.body, "input": items})), earlier


def save_response(request: ApiRequest, space: Space, style: Style, made: Made) -> Made:
    """Save an answer, and give it back as the request gets it: one in the background is queued first."""
    return once(lambda: _save(request.body, space, style, made))


def _save(body: Mapping[str, Any], space: Space, style: Style, made: Made) -> Made:
    conversation, waits = conversation_id(body), bool(body.get("background")) and not body.get("stream")
    response, timing = dict(made.response), made.reply.timing
    if conversation is not None:
        response["conversation"] = {"id": conversation}
    seconds = WORKED + (0.0 if timing is AT_ONCE else timing.whole)
    if waits and response.get("completed_at") is not None:
        response["completed_at"] += math.ceil(QUEUED + seconds)
    saved = Saved(
        response,
        tuple(saved_item(item) for item in made.items),
        style,
        conversation,
        place=0 if conversation is None else space.conversations.last_place(conversation),
        began=space.clock.now() if waits else None,
        seconds=seconds,
    )
    if body.get("store") is not False:
        space.responses.save(saved)
    if waits:
        return replace(made, reply=replace(made.reply, timing=AT_ONCE), response=early(response, "queued"))
    add_to_conversation(space, saved)
    return replace(made, response=response)
