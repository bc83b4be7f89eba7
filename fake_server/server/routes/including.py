"""The parameter `include` of a query: what else items are to have."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from fake_server.api.reply import ErrorReply
from fake_server.api.validate.checks import Invalid, one_of
from fake_server.api.validate.responses import INCLUDABLE
from fake_server.server.request_context import RequestContext


def find_wrong_include(context: RequestContext) -> ErrorReply | None:
    """The refusal of an `include` of the query that names what there is not."""
    query = QueryParams(context.scope["query_string"])
    try:
        for index, name in enumerate([*query.getlist("include"), *query.getlist("include[]")]):
            one_of(*INCLUDABLE).validate(name, f"include[{index}]")
    except Invalid as invalid:
        return invalid.reply
    return None
