"""One page of a list, as the query asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.datastructures import QueryParams

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.checks import Invalid, integer, one_of
from fake_server.server.deliveries import deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.state.completions import LIMIT, MOST_LISTED, Placed, page
from fake_server.wire.budget import spend_bytes
from fake_server.wire.deep_size import deep_size
from fake_server.wire.delivery import Delivery

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def deliver_page(
    context: RequestContext,
    items: Sequence[Placed],
    place: Callable[[str], int | None],
    unknown: Callable[[str], ErrorReply] = errors.no_such_item,
    order: str = "asc",
    change: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda item: item,
) -> Delivery:
    """The part of a list that `after`, `limit` and `order` ask for; `order` is what holds where none is asked for.

    `place` says where an id stands, None for one that was never there; `unknown` is the error for that, which names
    `after`. `change` makes of an item what is shown of it.
    """
    query = QueryParams(context.scope["query_string"])
    limit, order, after = query.get("limit", str(LIMIT)), query.get("order", order), query.get("after")
    try:
        integer(1, MOST_LISTED).validate(int(limit) if _WHOLE.fullmatch(limit) else limit, "limit")
        one_of("asc", "desc").validate(order, "order")
    except Invalid as invalid:
        return refuse(invalid.reply)
    start = None if after is None else place(after)
    if after is not None and start is None:
        return refuse(replace(unknown(after), param="after"))
    shown = page(items, start, int(limit), order == "desc")
    for item in shown["data"]:
        spend_bytes(deep_size(item), "a page of this list")
    shown["data"] = [change(item) for item in shown["data"]]
    return deliver_json(context.style.serialize(shown))
