"""The FastAPI app: thin routes inside an edge that speaks OpenAI's language, errors included."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.server.control import operations as control
from fake_server.server.error_response import error_response
from fake_server.server.handling import operation, refusing
from fake_server.server.middleware import Endpoint
from fake_server.server.openapi import swagger
from fake_server.server.paths import CONTROL, controls
from fake_server.server.routes.table import OPERATIONS
from fake_server.server.settings import Settings
from fake_server.server.stack import edge


def _methods(path: str) -> list[str]:
    return [method for method, one, _ in OPERATIONS if one == path]


def _by_method(path: str) -> Endpoint:
    """The endpoint of a path, which has one for each method; HEAD is asked of that for GET."""
    endpoints = {method: endpoint for method, one, endpoint in OPERATIONS if one == path}

    async def endpoint(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return endpoint


class Fake(FastAPI):
    """FastAPI with our edge around its own layers, which the busiest operations do not pass."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self.state.settings = settings
        self.without_edge: ASGIApp = super().__call__
        self._edge = edge(self.without_edge, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self._edge(scope, receive, send)


@cache
def _openapi() -> dict[str, Any]:
    """The document; its models take a while to make, so nothing is made before somebody asks."""
    from fake_server.server.openapi.document import document

    return document()


def create_app(settings: Settings | None = None) -> Fake:
    """The ASGI app of the fake; every path stands with and without `/v1`.

    The routes are Starlette's own, so a request is parsed once and by our parser.
    """
    settings = settings or Settings()
    app = Fake(
        settings,
        title="fake OpenAI server",
        routes=[
            *control.ROUTES,
            Route("/docs", swagger.docs, methods=["GET"]),
            Route(f"{CONTROL}/assets/{{name}}", swagger.asset, methods=["GET"]),
            *(
                Route(prefix + path, _by_method(path), methods=_methods(path))
                for prefix in ("/v1", "")
                for path in dict.fromkeys(path for _, path, _ in OPERATIONS)
            ),
        ],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _http_error},
    )
    app.openapi = _openapi  # type: ignore[method-assign]
    return app


async def _http_error(request: Request, error: Any) -> Response:
    """What the router refuses, in OpenAI's form; faults strike it, but not what controls the server."""
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    allow = ", ".join(sorted(methods))
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers={"allow": f"{allow}, OPTIONS"})
    reply = ErrorReply(error.status_code, str(error.detail))
    if error.status_code == 405:
        reply = errors.method_not_allowed(request.method, request.url.path, allow)
    elif error.status_code == 404:
        reply = errors.invalid_url(request.method, request.url.path)
    if controls(request.scope["path"]):
        return error_response(reply)
    return await operation(refusing(reply), reads=False)(request)
