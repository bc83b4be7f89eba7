"""The front of the fake: the edge and the busiest operations, without a web framework until one is needed."""

from __future__ import annotations

from functools import cached_property

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from fake_server.cross_origin import CrossOrigin
from fake_server.edge import Edge, Endpoint
from fake_server.reply import ErrorReply
from fake_server.routes import answering, chat, completions, embeddings, models, moderations, stored
from fake_server.routes.visit import operation, refusing
from fake_server.settings import Settings

EXPOSED = (
    "x-request-id",
    "openai-processing-ms",
    "openai-version",
    "retry-after",
    *(name for name, _ in answering.rate_limits(0)),
)
"""Reply headers a browser may read."""

OPERATIONS: tuple[tuple[str, str, Endpoint], ...] = (
    ("POST", "/chat/completions", chat.create_chat_completion),
    ("GET", "/chat/completions", stored.list_completions),
    ("GET", "/chat/completions/{completion}", stored.retrieve_completion),
    ("POST", "/chat/completions/{completion}", stored.update_completion),
    ("DELETE", "/chat/completions/{completion}", stored.delete_completion),
    ("GET", "/chat/completions/{completion}/messages", stored.list_messages),
    ("POST", "/completions", completions.create_completion),
    ("POST", "/embeddings", embeddings.create_embeddings),
    ("POST", "/moderations", moderations.create_moderation),
    ("GET", "/models", models.list_models),
    ("GET", "/models/{model:path}", models.retrieve_model),
    ("DELETE", "/models/{model:path}", models.delete_model),
    ("GET", "/health", models.health),
)


DIRECT = {
    (method, prefix + path): endpoint
    for prefix in ("/v1", "")
    for method, path, endpoint in OPERATIONS
    if "{" not in path
}
"""Operations that need no router."""


def edge(app: ASGIApp, settings: Settings) -> ASGIApp:
    """What stands between a server and the app: OpenAI's headers and errors, the journal, the direct ways."""
    return CrossOrigin(Edge(app, settings, DIRECT, _refusing), settings, EXPOSED)


def _refusing(error: ErrorReply) -> Endpoint:
    return operation(refusing(error), reads=False)


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
        from fake_server.app import create_app

        return create_app(self.state.settings).without_edge
