"""The layer around all others: what a browser needs, where a browser asks (Fetch, CORS protocol)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fake_server.api.reply import ErrorReply
from fake_server.api.request import ApiRequest
from fake_server.bugs import HEADER
from fake_server.faults.base import Fault
from fake_server.faults.between import NoCors, Preflight
from fake_server.server.error_response import error_response
from fake_server.server.paths import headers_of, space_of
from fake_server.server.settings import Settings

Kind = TypeVar("Kind", bound=Fault)
_ALLOWING = b"access-control-"
_KEPT = ("access-control-allow-origin", "vary")


class _ForBrowsers(CORSMiddleware):
    """Refuses a preflight in OpenAI's form, as all else is refused."""

    def preflight_response(self, request_headers: Headers) -> Response:
        said = super().preflight_response(request_headers)
        if said.status_code < 400:
            return said
        refused = error_response(ErrorReply(said.status_code, f"{bytes(said.body).decode()}."))
        refused.headers.update({name: value for name, value in said.headers.items() if name in _KEPT})
        return refused


class CrossOrigin:
    """Wraps the app; a request without Origin passes by."""

    def __init__(self, app: ASGIApp, settings: Settings, exposed: Sequence[str]) -> None:
        self.app = app
        self.settings = settings
        self.for_browsers = _ForBrowsers(
            app, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=exposed
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not any(name == b"origin" for name, _ in scope.get("headers", ())):
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and (refusals := self._struck(scope, Preflight)):
            refusal = ErrorReply(refusals[0].status, "Requests of other origins are not answered here.")
            await error_response(refusal)(scope, receive, send)
            return
        silent = [fault.status for fault in self._struck(scope, NoCors)]
        await self.for_browsers(scope, receive, _without(send, silent) if silent else send)

    def _struck(self, scope: Scope, kind: type[Kind]) -> list[Kind]:
        """The faults of this kind that strike a request, those of bugs included."""
        from fake_server.bugs.catalogue import bugs_named, playing

        fields = headers_of(scope)
        told = fields.get(HEADER)
        try:
            space, path = space_of(scope, fields, self.settings)
            played = (*self.settings.bugs, *bugs_named(told or ""))
        except ValueError:
            return []  # who reads the request says so
        asking = ApiRequest.at(path, fields)
        armed = space.faults.striking(asking, kind) if space.faults else []
        struck = (*(one.fault for one in armed), *playing(played, asking))
        return [fault for fault in struck if isinstance(fault, kind)]


def _without(send: Send, statuses: Sequence[int | None]) -> Send:
    """Sends replies of these statuses (None: all) without the fields that let pages read them."""

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start" and (None in statuses or message["status"] in statuses):
            message["headers"] = [
                field for field in message["headers"] if not field[0].lower().startswith(_ALLOWING)
            ]
        await send(message)

    return forward
