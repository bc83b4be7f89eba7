"""Starlette responses of the pages: JSON, and errors in OpenAI's form."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from fake_server.api.reply import ErrorReply
from fake_server.server.deliveries import refuse, to_json


def json_response(value: Any, status: int = 200) -> Response:
    """Compact JSON text."""
    return Response(to_json(value), status, media_type="application/json")


def error_response(error: ErrorReply) -> Response:
    """OpenAI's error object with its status and headers."""
    delivery = refuse(error)
    body = b"".join(write.data for write in delivery.writes)
    return Response(body, delivery.status, headers=dict(delivery.headers))
