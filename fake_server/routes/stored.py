"""GET, POST and DELETE of stored chat completions, and their messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fake_server import errors
from fake_server.delivery import Delivery, whole
from fake_server.reply import ErrorReply
from fake_server.routes.visit import Visit, operation, refusal
from fake_server.stored import LIMIT, MOST_LISTED, Page, Stored, page
from fake_server.validate.chat import MEMBERS
from fake_server.validate.checks import Invalid, checked_members, wrong_value

_METADATA = re.compile(r"metadata\[([^\]]{1,64})\]")


async def _list(visit: Visit) -> Delivery:
    query = visit.request.query_params
    metadata = {found[1]: value for name, value in query.items() if (found := _METADATA.fullmatch(name))}
    return _paged(visit, visit.space.stored.select(query.get("model"), metadata))


async def _retrieve(visit: Visit) -> Delivery:
    held = visit.space.stored.get(_id(visit))
    return _missing(visit) if held is None else _json(visit, held.completion)


async def _update(visit: Visit) -> Delivery:
    asked = visit.asking.body
    try:
        checked_members(asked, {"metadata": MEMBERS["metadata"]}, {"metadata": MEMBERS["metadata"]})
    except Invalid as invalid:
        return refusal(invalid.reply)
    changed = visit.space.stored.update(_id(visit), asked["metadata"])
    return _missing(visit) if changed is None else _json(visit, changed.completion)


async def _delete(visit: Visit) -> Delivery:
    if not visit.space.stored.delete(_id(visit)):
        return _missing(visit)
    return _json(visit, {"object": "chat.completion.deleted", "id": _id(visit), "deleted": True})


async def _messages(visit: Visit) -> Delivery:
    held: Stored | None = visit.space.stored.get(_id(visit))
    return _missing(visit) if held is None else _paged(visit, list(held.messages))


list_completions, retrieve_completion, delete_completion, list_messages = (
    operation(one, reads=False) for one in (_list, _retrieve, _delete, _messages)
)
update_completion = operation(_update)


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["completion"])


def _missing(visit: Visit) -> Delivery:
    return refusal(errors.no_such_completion(_id(visit)))


def _paged(visit: Visit, items: list[Mapping[str, Any]]) -> Delivery:
    query = visit.request.query_params
    limit, order = query.get("limit", str(LIMIT)), query.get("order", "asc")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST_LISTED):
        wanted = f"an integer from 1 to {MOST_LISTED}"
        message = f"Invalid 'limit': expected {wanted}, but got '{limit[:40]}' instead."
        return refusal(ErrorReply(400, message, param="limit", code="invalid_value"))
    if order not in ("asc", "desc"):
        return refusal(wrong_value("order", order, ["asc", "desc"]).reply)
    found: Page = page(items, query.get("after"), int(limit), order == "desc")
    return _json(visit, found.told())


def _json(visit: Visit, value: Mapping[str, Any]) -> Delivery:
    return whole(200, (("content-type", "application/json"),), visit.style.json(value))
