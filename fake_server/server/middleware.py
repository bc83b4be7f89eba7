"""The outermost layer of the app: request ids, OpenAI's headers, the journal, and no reply but OpenAI's.

Pure ASGI, so that streams pass through it write by write.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fake_server.api import errors
from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply
from fake_server.server.error_response import error_response
from fake_server.server.paths import ENTRY, OPEN_PATHS, STYLE, controls, headers_of, space_of
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import SPACE

Endpoint = Callable[[Request], Awaitable[Response]]
Field = tuple[bytes, bytes]
log = logging.getLogger("fake_server")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
"""What no path here has; a router would take a last line feed for the end of a path."""


class Middleware:
    """Wraps the app. Keeps the space and the journal's entry of a request in its scope.

    `direct` are the endpoints of the busiest operations by method and path; they are called without a router.
    `refusing` makes the endpoint that gives a refusal, which faults strike as they do every reply.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        direct: Mapping[tuple[str, str], Endpoint],
        refusing: Callable[[ErrorReply], Endpoint],
    ) -> None:
        self.app = app
        self.settings = settings
        self.direct = direct
        self.refusing = refusing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fields = headers_of(scope)
        try:
            space, path = space_of(scope, fields, self.settings)
        except ValueError as error:
            await error_response(ErrorReply(400, str(error)))(scope, receive, send)
            return
        scope["path"] = path
        entry = scope[ENTRY] = JournalEntry(scope["method"], path, fields, space=space.name)
        scope[SPACE] = space
        counts = not controls(path)
        if counts:
            space.journal.add(entry)

        async def forward(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.answered(message["status"])
                message["headers"] = self.headers(scope, message["headers"], entry)
            elif message["type"] == "http.response.body":
                entry.sent(message.get("body", b""))
            await send(message)

        try:
            await self.answer(scope, receive, forward, fields)
        except ClientDisconnect:
            log.debug("the client left before its request was read")
        except Exception:
            log.exception("%s %s failed", scope["method"], path)
            if entry.status is not None:
                raise
            await error_response(errors.server_error())(scope, receive, forward)
        finally:
            entry.ended()
            if counts:
                space.journal.grown(entry)
                self.settings.spaces.make_room()
                self.settings.metrics.count(entry)

    async def answer(self, scope: Scope, receive: Receive, send: Send, fields: Mapping[str, str]) -> None:
        """Refuse a request without the key, or for a path that cannot be; else pass it on."""
        endpoint = self.direct.get((scope["method"], scope["path"]))
        refusal = self.refuse_key(scope, fields)
        if refusal is None and endpoint is None and _CONTROLS.search(scope["path"]):
            refusal = errors.invalid_url(scope["method"], scope["path"])
        if refusal is not None:
            if controls(scope["path"]):
                await error_response(refusal)(scope, receive, send)
                return
            endpoint = self.refusing(refusal)
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    def headers(self, scope: Scope, given: Iterable[tuple[bytes, bytes]], entry: JournalEntry) -> list[Field]:
        """The reply's fields with what OpenAI sends with every reply, in the case that the style gives."""
        fields = list(given)
        present = [name.lower() for name, _ in fields]
        spent = b"%d" % max(1, round((entry.first or 0) * 1000))
        told = ((b"openai-version", b"2020-10-01"), (b"openai-processing-ms", spent))
        fields += [field for field in told if field[0] not in present]
        if b"x-request-id" not in present:
            fields.append((b"x-request-id", b"req_" + os.urandom(16).hex().encode()))
        style: Style = scope.get(STYLE) or self.settings.style_of(entry.path.encode())
        if style.header_case == "lower":
            return fields
        return [(style.format_header_name(name), value) for name, value in fields]

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
