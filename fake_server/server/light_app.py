"""The front of the fake: the edge and the busiest operations, without a web framework until one is needed."""

from __future__ import annotations

from functools import cached_property

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from fake_server.server.settings import Settings
from fake_server.server.stack import edge


class Front:
    """The fake as its own server runs it. FastAPI, half of the start's time, waits for who asks for more."""

    def __init__(self, settings: Settings) -> None:
        self.state = State({"settings": settings})
        self._edge = edge(self._routed, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self._edge(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @cached_property
    def _app(self) -> ASGIApp:
        from fake_server.server.app import create_app

        return create_app(self.state.settings).without_edge
