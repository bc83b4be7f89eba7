"""GET, POST and DELETE of stored chat completions, and their messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import UPDATE
from fake_server.api.validate.checks import Invalid, integer, one_of
from fake_server.api.validate.containers import validate_members
from fake_server.server.handling import RequestContext, operation, refusal
from fake_server.server.state.completions import LIMIT, MOST_LISTED, Placed, page
from fake_server.wire.delivery import Delivery, fixed_length

_METADATA = re.compile(r"metadata\[([^\]]{1,64})\]")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


async def _list(visit: RequestContext) -> Delivery:
    query = visit.request.query_params
    asked = [name for name in query if name.partition("[")[0] == "metadata"]
    keys = {name: found[1] for name in asked if (found := _METADATA.fullmatch(name))}
    if odd := next((name for name in asked if name not in keys), None):
        return refusal(ErrorReply(400, f"Write metadata[key]=value, not {odd[:50]!r}.", param="metadata"))
    metadata = {key: query[name] for name, key in keys.items()}
    shelf = visit.space.stored
    return _paged(visit, shelf.select(query.get("model"), metadata), shelf.place)


async def _retrieve(visit: RequestContext) -> Delivery:
    held = visit.space.stored.get(_id(visit))
    return _missing(visit) if held is None else _json(visit, held.completion)


async def _update(visit: RequestContext) -> Delivery:
    asked = visit.asking.body
    try:
        validate_members(asked, UPDATE, UPDATE)
    except Invalid as invalid:
        return refusal(invalid.reply)
    changed = visit.space.stored.update(_id(visit), asked["metadata"])
    return _missing(visit) if changed is None else _json(visit, changed.completion)


async def _delete(visit: RequestContext) -> Delivery:
    if not visit.space.stored.delete(_id(visit)):
        return _missing(visit)
    return _json(visit, {"object": "chat.completion.deleted", "id": _id(visit), "deleted": True})


async def _messages(visit: RequestContext) -> Delivery:
    held = visit.space.stored.get(_id(visit))
    if held is None:
        return _missing(visit)
    places = {message["id"]: place for place, message in enumerate(held.messages)}
    return _paged(visit, list(enumerate(held.messages)), places.get)


list_completions, retrieve_completion, delete_completion, list_messages = (
    operation(one, reads=False) for one in (_list, _retrieve, _delete, _messages)
)
update_completion = operation(_update)


def _id(visit: RequestContext) -> str:
    return str(visit.request.path_params["completion"])


def _missing(visit: RequestContext) -> Delivery:
    return refusal(errors.no_such_completion(_id(visit)))


def _paged(visit: RequestContext, items: Sequence[Placed], place: Callable[[str], int | None]) -> Delivery:
    """The part of a list that is asked for; `place` says where an id stands, None for one never seen."""
    query = visit.request.query_params
    limit, order, after = query.get("limit", str(LIMIT)), query.get("order", "asc"), query.get("after")
    try:
        integer(1, MOST_LISTED).validate(int(limit) if _WHOLE.fullmatch(limit) else limit, "limit")
        one_of("asc", "desc").validate(order, "order")
    except Invalid as invalid:
        return refusal(invalid.reply)
    start = None if after is None else place(after)
    if after is not None and start is None:
        return refusal(replace(errors.no_such_completion(after), param="after"))
    return _json(visit, page(items, start, int(limit), order == "desc").told())


def _json(visit: RequestContext, value: Mapping[str, Any]) -> Delivery:
    return fixed_length(200, (("content-type", "application/json"),), visit.style.serialize(value))
