"""The outermost layer of the app: request ids, OpenAI's headers, the journal, and no reply but OpenAI's.

Pure ASGI, so that streams pass through it write by write.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fake_server import errors
from fake_server.journal import Entry
from fake_server.reply import ErrorReply
from fake_server.settings import Settings
from fake_server.space import SPACE, named
from fake_server.style import Style

log = logging.getLogger("fake_server")
_ABSOLUTE = re.compile(r"^https?://[^/]*", re.IGNORECASE)
"""What an absolute-form target has before its path; servers must accept it (RFC 9112 section 3.2.2)."""
STYLE = "fake_server.style"
"""Where the scope says how its reply is written."""
ENTRY = "fake_server.entry"
"""Where the scope says what the journal knows of a request."""
CONTROL, METRICS = "/__fake__", "/metrics"
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json", "/metrics"})


class Edge:
    """Wraps the app. Keeps the space and the journal's entry of a request in its scope."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fields = headers_of(scope)
        name, path = named(_ABSOLUTE.sub("", scope["path"]) or "/", fields)
        scope["path"] = path
        scope[STYLE] = self.settings.style_of(path.encode())
        try:
            space = self.settings.spaces(name)
        except ValueError as error:
            await error_response(ErrorReply(400, str(error)))(scope, receive, send)
            return
        entry = Entry(scope["method"], path, fields, space=name)
        scope[SPACE], scope[ENTRY] = space, entry
        controls = path.startswith(CONTROL) or path == METRICS
        if not controls:
            space.journal.add(entry)
            self.settings.metrics.open.inc()

        async def forward(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.answered(message["status"])
                add_headers(MutableHeaders(scope=message), entry)
            elif message["type"] == "http.response.body":
                entry.sent(message.get("body", b""))
            await send(message)

        try:
            refusal = self.refuse_key(scope, fields)
            await (self.app if refusal is None else error_response(refusal))(scope, receive, forward)
        except ClientDisconnect:
            log.debug("the client left before its request was read")
        except Exception:
            log.exception("%s %s failed", scope["method"], path)
            if entry.status is not None:
                raise
            await error_response(errors.server_error())(scope, receive, forward)
        finally:
            entry.ended()
            if not controls:
                space.journal.grown(entry)
                self.settings.metrics.open.dec()
                self.settings.metrics.count(entry)

    def refuse_key(self, scope: Scope, fields: Mapping[str, str]) -> ErrorReply | None:
        """The 401 of a request without the server's key; None where it may pass."""
        key = self.settings.api_key
        if key is None or scope["method"] == "OPTIONS" or scope["path"].removeprefix("/v1") in OPEN_PATHS:
            return None
        scheme, _, sent = fields.get("authorization", "").partition(" ")
        sent = sent.strip()
        if scheme.lower() != "bearer" or not sent:
            return errors.missing_key()
        given = sent.removesuffix(f"@{scope[SPACE].name}").encode("latin-1")
        return None if hmac.compare_digest(given, key.encode()) else errors.wrong_key(sent)


class HeaderCase:
    """The layer around all others: header names in the case that the reply's style gives them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def forward(message: Message) -> None:
            style: Style | None = scope.get(STYLE)
            if style is not None and message["type"] == "http.response.start":
                headers = [(style.header(name), value) for name, value in message["headers"]]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, forward)


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's header fields, names in lower case, several of a name joined (RFC 9110 section 5.3)."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def add_headers(headers: MutableHeaders, entry: Entry) -> None:
    """Add what OpenAI sends with every reply; what is there already stays."""
    headers.setdefault("openai-version", "2020-10-01")
    headers.setdefault("openai-processing-ms", str(max(1, round((entry.first or 0) * 1000))))
    headers.setdefault("x-request-id", f"req_{uuid.uuid4().hex}")


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
