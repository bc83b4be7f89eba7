"""The pages beside OpenAI's API: control of the server, /docs and /openapi.json, routed by FastAPI.

No fault strikes them, and the journal does not count requests of control.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.inspector.page import accepts_html
from fake_server.server.control.inspecting import delivery_of, show_page
from fake_server.server.control.operations import EVENTS, INSPECTOR, ROUTES
from fake_server.server.control.replies import error_response, json_response
from fake_server.server.deliveries import refuse
from fake_server.server.in_process import Serves
from fake_server.server.request_context import CONTEXT, CONTROL, RequestContext
from fake_server.server.routes.table import PAGES
from fake_server.wire.delivery import NO_BODY, Delivery
from fake_server.wire.exchange import Write

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
"""The files of Swagger UI, which come from this machine, so that /docs works without a network."""
_FOR_OWN_PAGES = {
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What keeps pages of other origins from embedding a page as a script, an image or a frame to click in."""


class Answers(Serves, Protocol):
    """The app that answers, through a sender or as an ASGI app."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class FakeApp(FastAPI):
    """The fake as a FastAPI app, to be called, mounted, or given routes of your own.

    Every request goes the way that `serve` decides; `route_request` is FastAPI's own, which leads to its routes.
    `document` makes the OpenAPI document, once somebody asks for it. `fake` is the app that answers.
    """

    def __init__(self, fake: Answers, document: Callable[[], dict[str, Any]]) -> None:
        super().__init__(
            title="fake OpenAI server",
            routes=[
                *ROUTES,
                Route("/docs", _docs, methods=["GET"]),
                Route("/openapi.json", self._openapi, methods=["GET"]),
                Route(f"{CONTROL}/assets/{{name}}", _asset, methods=["GET"]),
                Route(INSPECTOR, show_page, methods=["GET"]),
            ],
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            exception_handlers={HTTPException: _refuse},
        )
        self.fake = fake
        self._described: Response | None = None
        self._own = frozenset(map(id, self.routes))
        self.openapi = document  # type: ignore[method-assign]
        self.route_request: ASGIApp = super().__call__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.fake(scope, receive, send)

    def adds(self, scope: Scope) -> bool:
        """Whether a route that was added to the app answers this path and method."""
        added = [route for route in self.routes if id(route) not in self._own]
        return any(route.matches(scope)[0] is Match.FULL for route in added)

    async def answer(self, context: RequestContext) -> Delivery:
        """The page that is asked for. Raises what its endpoint raises."""
        start: Message = {}
        pieces: list[bytes] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                pieces.append(message.get("body", b""))

        path = context.path
        if context.controls and context.method != "DELETE":  # which without a name would remove everything
            path = path.rstrip("/")
        if is_inspector(context) and (context.settings.inspector or context.path != CONTROL):
            path = INSPECTOR
        if path in (INSPECTOR, EVENTS) and not context.settings.inspector:
            return refuse(errors.invalid_url(context.method, context.path))
        scope = {**context.scope, "path": path, CONTEXT: context}
        await self.route_request(scope, context.receive, send)
        if (delivery := delivery_of(scope)) is not None:
            return delivery.but(headers=(*delivery.headers, *_FOR_OWN_PAGES.items()))
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
        body, status = b"".join(pieces), start["status"]
        length = int(fields.pop("content-length", len(body)))  # to HEAD the body is missing, its length is not
        if status in NO_BODY:
            body, length = b"", 0
        if context.controls or context.path in PAGES:
            fields = {**_FOR_OWN_PAGES, **fields}
        return Delivery(status, tuple(fields.items()), (Write(body),) if body else (), length)

    async def _openapi(self, _: Request) -> Response:
        if self._described is None:  # its models take a while to make
            self._described = json_response(await asyncio.to_thread(self.openapi))
        return self._described


def is_inspector(context: RequestContext) -> bool:
    """Whether a browser asks for the inspector's page; programs get the overview as JSON at the same place."""
    asks = context.method in ("GET", "HEAD") and accepts_html(context.fields.get("accept", ""))
    return asks and context.path in (CONTROL, f"{CONTROL}/")


async def _docs(request: Request) -> Response:
    """Swagger UI, which shows /openapi.json."""
    place = request.scope.get("root_path", "")
    root = f"{place}{CONTROL}/assets"
    return get_swagger_ui_html(
        openapi_url=f"{place}/openapi.json",
        title="Fake OpenAI server",
        swagger_js_url=f"{root}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/swagger-ui.css",
        swagger_favicon_url=f"{root}/favicon.png",
        swagger_ui_parameters={
            "defaultModelsExpandDepth": 0,
            "defaultModelExpandDepth": 2,
            "displayRequestDuration": True,
            "persistAuthorization": True,
        },
    )


async def _asset(request: Request) -> Response:
    """A file of Swagger UI."""
    name = request.path_params["name"]
    package = find_spec("fastapi_offline")
    if name not in ASSETS or package is None or package.origin is None:
        return error_response(errors.invalid_url(request.method, request.url.path))
    return FileResponse(Path(package.origin).parent / "static" / name, media_type=ASSETS[name])


async def _refuse(request: Request, error: Any) -> Response:
    """A path or method that the router refuses, in OpenAI's form."""
    matching = [
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    fewest = min((len(route.param_convertors) for route in matching), default=0)  # …/again is no …/{form}
    methods = {method for route in matching if len(route.param_convertors) == fewest for method in route.methods or ()}
    allow = ", ".join(sorted(methods))
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers={"allow": f"{allow}, OPTIONS"})
    if error.status_code == 405:
        return error_response(errors.method_not_allowed(request.method, request.url.path, allow))
    if error.status_code == 404:
        return error_response(errors.invalid_url(request.method, request.url.path))
    return error_response(ErrorReply(error.status_code, str(error.detail)))
