"""The operations that are served: method, path and endpoint."""

from __future__ import annotations

from fake_server.server.middleware import Endpoint
from fake_server.server.routes import chat, completion, completions, embeddings, models, moderations, stored

EXPOSED = (
    "x-request-id",
    "openai-processing-ms",
    "openai-version",
    "retry-after",
    *(name for name, _ in completion.rate_limits(0)),
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
