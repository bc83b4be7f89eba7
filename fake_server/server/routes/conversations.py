"""Conversations and their items: made, listed, read, updated, deleted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fake_server.api import errors
from fake_server.api.items import as_item, new_id, saved_item
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.conversations import validate_add, validate_create, validate_update
from fake_server.server.deliveries import deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.including import find_wrong_include, with_included
from fake_server.server.routes.paging import deliver_page
from fake_server.server.state.earlier import Items, resolved_input, settle
from fake_server.wire.budget import once
from fake_server.wire.delivery import Delivery


def create_conversation(context: RequestContext) -> Delivery:
    """A new conversation, with its first items."""
    body = context.request.body
    refusal = validate_create(body)
    if refusal is not None:
        return refuse(refusal)
    items = _new_items(context, body.get("items") or ())
    if isinstance(items, ErrorReply):
        return refuse(items)
    return _deliver(context, once(lambda: _save(context, body.get("metadata") or {}, items)))


def retrieve_conversation(context: RequestContext) -> Delivery:
    """One conversation, without its items."""
    return _wrong_id(context) or _deliver(context, context.space.conversations.get(_id(context)))


def update_conversation(context: RequestContext) -> Delivery:
    """Gives a conversation other metadata."""
    refusal = validate_update(context.request.body)
    if refusal is not None:
        return refuse(refusal)
    metadata = context.request.body["metadata"]
    return _wrong_id(context) or _deliver(context, context.space.conversations.update(_id(context), metadata))


def delete_conversation(context: RequestContext) -> Delivery:
    """Deletes a conversation with its items."""
    wrong = _wrong_id(context)
    if wrong is not None:
        return wrong
    deleted = context.space.conversations.delete(_id(context))
    whole = {"id": _id(context), "object": "conversation.deleted", "deleted": True}
    return _deliver(context, whole if deleted else None)


def create_items(context: RequestContext) -> Delivery:
    """Adds items to a conversation, and lists those that were added."""
    refusal = validate_add(context.request.body)
    if refusal is not None:
        return refuse(refusal)
    settle(context.space)
    items = _wrong_query(context) or _new_items(context, context.request.body["items"])
    if isinstance(items, ErrorReply):
        return refuse(items)
    if not once(lambda: context.space.conversations.add(_id(context), items)):
        return _missing(context)
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return _deliver(context, {"object": "list", "data": items, **ends, "has_more": False})


def list_items(context: RequestContext) -> Delivery:
    """The items of a conversation, a page of them, the newest first unless the query says otherwise."""
    wrong = _wrong_query(context)
    if wrong is not None:
        return refuse(wrong)
    settle(context.space)
    store, name = context.space.conversations, _id(context)
    items = store.items(name)
    if items is None:
        return _missing(context)
    show = partial(with_included, context)
    return deliver_page(context, items, partial(store.place, name), order="desc", change=show)


def retrieve_item(context: RequestContext) -> Delivery:
    """One item of a conversation."""
    wrong = _wrong_query(context)
    if wrong is not None:
        return refuse(wrong)
    settle(context.space)
    item = context.space.conversations.item(_id(context), context.parameters["item"])
    return _missing_item(context) if item is None else _deliver(context, with_included(context, item))


def delete_item(context: RequestContext) -> Delivery:
    """Deletes an item, and answers with its conversation."""
    wrong = _wrong_id(context)
    if wrong is not None:
        return wrong
    settle(context.space)
    if not context.space.conversations.delete_item(_id(context), context.parameters["item"]):
        return _missing_item(context)
    return _deliver(context, context.space.conversations.get(_id(context)))


def _save(context: RequestContext, metadata: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    now = int(time.time())
    whole = {"id": new_id("conv"), "object": "conversation", "created_at": now, "metadata": dict(metadata)}
    context.space.conversations.save(whole, items)
    return whole


def _id(context: RequestContext) -> str:
    return str(context.parameters["conversation"])


def _deliver(context: RequestContext, whole: Mapping[str, Any] | None) -> Delivery:
    return _missing(context) if whole is None else deliver_json(context.style.serialize(whole))


def _missing(context: RequestContext) -> Delivery:
    return refuse(errors.no_such_conversation(_id(context)))


def _missing_item(context: RequestContext) -> Delivery:
    if context.space.conversations.get(_id(context)) is None:
        return _missing(context)
    return refuse(errors.no_such_item(context.parameters["item"]))


def _find_wrong_id(context: RequestContext) -> ErrorReply | None:
    name = _id(context)
    return None if name.startswith("conv") else errors.wrong_id("conversation_id", name, "conv")


def _wrong_id(context: RequestContext) -> Delivery | None:
    wrong = _find_wrong_id(context)
    return None if wrong is None else refuse(wrong)


def _wrong_query(context: RequestContext) -> ErrorReply | None:
    """The refusal of an id that is none, or of an `include` that names what there is not."""
    return _find_wrong_id(context) or find_wrong_include(context)


def _new_items(context: RequestContext, given: Sequence[Mapping[str, Any]]) -> Items | ErrorReply:
    """The items as they are kept, references replaced by what they mean; each id is to stand there once."""
    found = resolved_input(context.space, [as_item(item) for item in given], [])
    if isinstance(found, ErrorReply):
        return replace(found, param="items")
    items: Items = once(lambda: [saved_item(item) for item in found])
    name, seen = context.parameters.get("conversation"), set[str]()
    for item in items:
        if item["id"] in seen or (name and context.space.conversations.item(name, item["id"]) is not None):
            return errors.duplicate_item(item["id"], "items")
        seen.add(item["id"])
    return items
