"""An error as an HTTP response in OpenAI's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from fake_server.api.reply import ErrorReply


def error_response(error: ErrorReply) -> Response:
    """OpenAI's error object with its status and headers."""
    headers = {"content-type": "application/json", **clean_headers(error.headers)}
    return Response(to_json(error.body()), status_code=error.status, headers=headers)


def to_json(value: Any) -> bytes:
    """Compact JSON text; lone surrogates become `?` because they have no UTF-8 form."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def clean_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """A script's header fields in lower case, but for the framing, which the server decides."""
    framing = {"content-length", "transfer-encoding"}
    return {name.lower(): value for name, value in headers.items() if name.lower() not in framing}
