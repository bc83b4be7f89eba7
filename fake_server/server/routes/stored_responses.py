"""Stored responses: read, streamed again, cancelled, deleted; their input; tokens counted, inputs compacted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from starlette.datastructures import QueryParams

from fake_server.api import errors, sealing, tokens
from fake_server.api.items import new_id, saved_item
from fake_server.api.render import responses as render
from fake_server.api.render.responses_stream import render_stream
from fake_server.api.reply import ErrorReply
from fake_server.api.responses_request import as_chat, input_items, resolve
from fake_server.api.validate.checks import Invalid, boolean, integer
from fake_server.api.validate.response_input import find_item_refusal
from fake_server.api.validate.response_tasks import validate_compaction, validate_count
from fake_server.server.deliveries import deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.including import find_wrong_include, with_included
from fake_server.server.routes.paging import deliver_page
from fake_server.server.routes.response_state import with_earlier
from fake_server.server.routes.responses import find_unknown_model
from fake_server.server.state.earlier import response_at, settle
from fake_server.server.state.responses import Saved
from fake_server.wire.budget import once, spend_bytes
from fake_server.wire.delivery import EVENT_STREAM, Delivery
from fake_server.wire.exchange import Write

_BEGUN = {"queued": 2, "in_progress": 3}
"""How many events of a response in the background have been sent in each status."""
_BOOLEANS = {"true": True, "false": False}


def retrieve_response(context: RequestContext) -> Delivery:
    """A stored response as it is now, or with `stream` its events, those behind `starting_after`."""
    saved = _find(context)
    if isinstance(saved, ErrorReply):
        return refuse(saved)
    query = QueryParams(context.scope["query_string"])
    wrong = find_wrong_include(context)
    try:
        streamed, padded = _flag(query, "stream", "false"), _flag(query, "include_obfuscation", "true")
        after = _number(query, "starting_after")
    except Invalid as invalid:
        wrong = wrong or invalid.reply
    if wrong is not None:
        return refuse(wrong)
    spend_bytes(saved.size, "the stored response")
    if streamed:
        return _stream(context, saved, after, padded)
    response = response_at(saved, context.space.clock.now())
    return _deliver(context, {**response, "output": [with_included(context, item) for item in response["output"]]})


def delete_response(context: RequestContext) -> Delivery:
    """Deletes a stored response."""
    saved = _find(context)
    if isinstance(saved, ErrorReply):
        return refuse(saved)
    context.space.responses.delete(_id(context))
    return deliver_json(context.style.serialize({"id": _id(context), "object": "response", "deleted": True}))


def cancel_response(context: RequestContext) -> Delivery:
    """Ends a response in the background where it is; one that has ended stays as it is."""
    saved = _find(context)
    if isinstance(saved, ErrorReply):
        return refuse(saved)
    if not saved.response["background"]:
        return refuse(errors.synchronous_response())
    now = context.space.clock.now()
    ended = context.space.responses.cancel(_id(context), now, render.early(saved.response, "cancelled"))
    if ended is None:
        return refuse(errors.no_such_response(_id(context)))
    return _deliver(context, response_at(ended, now))


def list_input_items(context: RequestContext) -> Delivery:
    """The items of a response's own input, a page of them, the newest first unless the query says otherwise."""
    saved = _find(context)
    if isinstance(saved, ErrorReply):
        return refuse(saved)
    wrong = find_wrong_include(context)
    if wrong is not None:
        return refuse(wrong)
    places = {str(item["id"]): place for place, item in enumerate(saved.items)}
    show = partial(with_included, context)
    return deliver_page(context, list(enumerate(saved.items)), places.get, order="desc", change=show)


def count_input_tokens(context: RequestContext) -> Delivery:
    """How many tokens the input has that a response would be made of."""
    chat = _read(context, validate_count(context.request.body))
    if isinstance(chat, ErrorReply):
        return refuse(chat)
    count = tokens.count_messages(chat[0])
    return deliver_json(context.style.serialize({"object": "response.input_tokens", "input_tokens": count}), count)


def compact_response(context: RequestContext) -> Delivery:
    """The user's messages as they are, and one item that stands for all others."""
    chat = _read(context, validate_compaction(context.request.body))
    if isinstance(chat, ErrorReply):
        return refuse(chat)
    whole = once(lambda: _compact(*chat))
    return deliver_json(context.style.serialize(whole), whole["usage"]["total_tokens"])


def _read(context: RequestContext, refusal: ErrorReply | None) -> tuple[dict[str, Any], list[Any]] | ErrorReply:
    """The chat request that stands for one, and all its items, earlier ones included; or why it is refused."""
    refusal = refusal or find_unknown_model(context.request.body, context.settings)
    if refusal is not None:
        return refusal
    continued = with_earlier(context.request, context.space)
    if isinstance(continued, ErrorReply):
        return continued
    request, earlier = continued
    items = resolve(input_items(request.body), earlier)
    return find_item_refusal(items) or (as_chat(request.body, items), items)


def _compact(chat: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    stay: list[Mapping[str, Any]] = []
    others: list[Mapping[str, Any]] = []
    for item in items:
        (stay if item.get("type") == "message" and item.get("role") == "user" else others).append(item)
    sealed = {"id": new_id("cmp"), "type": "compaction", "encrypted_content": sealing.seal({"items": others})}
    given = tokens.count_messages(chat)
    made = tokens.count(" ".join(str(message.get("content") or "") for message in chat["messages"])) + 1
    return {
        "id": new_id("resp"),
        "object": "response.compaction",
        "created_at": int(time.time()),
        "output": [*({**saved_item(item), "status": "completed"} for item in stay), sealed],
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + made,
        },
    }


def _id(context: RequestContext) -> str:
    return str(context.parameters["response"])


def _find(context: RequestContext) -> Saved | ErrorReply:
    """The stored response that the path names, or why there is none."""
    settle(context.space)
    name = _id(context)
    saved = context.space.responses.get(name)
    if saved is not None:
        return saved
    return errors.no_such_response(name) if name.startswith("resp") else errors.wrong_id("response_id", name, "resp")


def _deliver(context: RequestContext, response: Mapping[str, Any]) -> Delivery:
    return deliver_json(render.render_dict(response, context.style))


def _flag(query: QueryParams, name: str, default: str) -> bool:
    given = query.get(name, default)
    value = _BOOLEANS.get(given.lower(), given)
    boolean.validate(value, name)
    return value is True


def _number(query: QueryParams, name: str) -> int:
    """The number of the last event that was seen, -1 for none."""
    given = query.get(name)
    if given is None:
        return -1
    value = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else given
    integer(0).validate(value, name)
    return int(value)


def _stream(context: RequestContext, saved: Saved, after: int, padded: bool) -> Delivery:
    """The events as when it was made; those that are still to come follow in time.

    Where the clock stands still the stream ends with what there is, as one does whose connection is lost.
    """
    clock = context.space.clock
    now = clock.now()
    status, left = response_at(saved, now)["status"], saved.left(now)
    if status == "cancelled":
        return refuse(errors.cancelled_response(_id(context)))
    asked = {"stream_options": {"include_obfuscation": padded}}
    events = render_stream(saved.response, asked, saved.style, after)
    there = max(_BEGUN.get(status, 0) - after - 1, 0)
    writes = map(Write, events) if not left else _in_time(events, there, None if clock.stopped else left)
    return Delivery(200, (("content-type", EVENT_STREAM), ("cache-control", "no-cache")), writes)


def _in_time(events: Iterator[bytes], there: int, left: float | None) -> Iterator[Write]:
    """The events that are there, and after `left` seconds the others; None: never."""
    sent = 0
    while sent < there and (event := next(events, None)) is not None:
        yield Write(event)
        sent += not event.startswith(b":")
    if left is None:
        return
    yield from (Write(event, left) for event in islice(events, 1))
    yield from map(Write, events)
