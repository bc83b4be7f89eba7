"""What the operations under `/__fake__/` share: the space they speak of, and how they answer."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fake_server.api.reply import ErrorReply
from fake_server.server.deliveries import refuse, to_json
from fake_server.server.request_context import CONTEXT, RequestContext
from fake_server.server.state.space import Space

BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def json_response(value: Any, status: int = 200) -> Response:
    """Compact JSON text."""
    return Response(to_json(value), status, media_type="application/json")


def error_response(error: ErrorReply) -> Response:
    """OpenAI's error object with its status and headers."""
    delivery = refuse(error)
    body = b"".join(write.data for write in delivery.writes)
    return Response(body, delivery.status, headers=dict(delivery.headers))


def refuse_because(message: str, status: int = 400) -> Response:
    """An error whose message says what is wrong."""
    return error_response(ErrorReply(status, message))


def space_of(request: Request) -> Space:
    """The space that a request is in."""
    return context_of(request).space


def context_of(request: Request) -> RequestContext:
    """The context of a request."""
    context: RequestContext = request.scope[CONTEXT]
    return context
