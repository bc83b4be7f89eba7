"""GET, POST and DELETE of stored chat completions, and their messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from starlette.datastructures import QueryParams

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import UPDATE
from fake_server.api.validate.containers import find_refusal
from fake_server.server.deliveries import deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.paging import deliver_page
from fake_server.server.state.completions import Placed
from fake_server.wire.delivery import Delivery

_METADATA = re.compile(r"metadata\[([^\]]{1,64})\]")


def list_completions(context: RequestContext) -> Delivery:
    """The stored completions with the model and metadata of the query, a page of them."""
    query = QueryParams(context.scope["query_string"])
    filters = [name for name in query if name.partition("[")[0] == "metadata"]
    keys = {name: match[1] for name in filters if (match := _METADATA.fullmatch(name))}
    if malformed := next((name for name in filters if name not in keys), None):
        return refuse(ErrorReply(400, f"Write metadata[key]=value, not {malformed[:50]!r}.", param="metadata"))
    metadata = {key: query[name] for name, key in keys.items()}
    store = context.space.stored
    return _page(context, store.select(query.get("model"), metadata), store.place)


def retrieve_completion(context: RequestContext) -> Delivery:
    """One stored completion."""
    stored = context.space.stored.get(_id(context))
    return _missing(context) if stored is None else deliver_json(context.style.serialize(stored.completion))


def update_completion(context: RequestContext) -> Delivery:
    """Gives a stored completion other metadata."""
    body = context.request.body
    refusal = find_refusal(body, UPDATE, UPDATE)
    if refusal is not None:
        return refuse(refusal)
    changed = context.space.stored.update(_id(context), body["metadata"])
    return _missing(context) if changed is None else deliver_json(context.style.serialize(changed.completion))


def delete_completion(context: RequestContext) -> Delivery:
    """Deletes a stored completion."""
    if not context.space.stored.delete(_id(context)):
        return _missing(context)
    return deliver_json(
        context.style.serialize({"object": "chat.completion.deleted", "id": _id(context), "deleted": True})
    )


def list_messages(context: RequestContext) -> Delivery:
    """The messages that a stored completion answered, a page of them."""
    stored = context.space.stored.get(_id(context))
    if stored is None:
        return _missing(context)
    places = {message["id"]: place for place, message in enumerate(stored.messages)}
    return _page(context, list(enumerate(stored.messages)), places.get)


def _id(context: RequestContext) -> str:
    return str(context.parameters["completion"])


def _missing(context: RequestContext) -> Delivery:
    return refuse(errors.no_such_completion(_id(context)))


def _page(context: RequestContext, items: Sequence[Placed], place: Callable[[str], int | None]) -> Delivery:
    return deliver_page(context, items, place, errors.no_such_completion)
