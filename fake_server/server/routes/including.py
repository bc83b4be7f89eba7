"""The parameter `include` of a query: what else items are to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams

from fake_server.api import sealing
from fake_server.api.reply import ErrorReply
from fake_server.api.responses_request import ENCRYPTED
from fake_server.api.validate.checks import Invalid, one_of
from fake_server.api.validate.responses import INCLUDABLE
from fake_server.server.request_context import RequestContext

Item = Mapping[str, Any]


def included(context: RequestContext) -> list[str]:
    """What the query names, as `include=…` or, as the SDKs have it, `include[]=…`."""
    query = QueryParams(context.scope["query_string"])
    return [*query.getlist("include"), *query.getlist("include[]")]


def find_wrong_include(context: RequestContext) -> ErrorReply | None:
    """The refusal of an `include` of the query that names what there is not."""
    try:
        for index, name in enumerate(included(context)):
            one_of(*INCLUDABLE).validate(name, f"include[{index}]")
    except Invalid as invalid:
        return invalid.reply
    return None


def with_included(context: RequestContext, item: Item) -> Item:
    """The item with its encrypted reasoning, if that is asked for; all else that there is it has anyway."""
    if item.get("type") != "reasoning" or "encrypted_content" in item or ENCRYPTED not in included(context):
        return item
    parts = [*(item.get("content") or ()), *(item.get("summary") or ())]
    return {
        **item,
        "encrypted_content": sealing.seal({"reasoning": "".join(str(part.get("text", "")) for part in parts)}),
    }
