"""The bodies of requests, from the tables by which the fake validates them.

What must hold between members is validated only: JSON Schema could not say it well.
"""

from __future__ import annotations

from collections.abc import Mapping

from fake_server.api.validate import chat, completions, embeddings, moderations
from fake_server.api.validate.checks import Check
from fake_server.api.validate.containers import members


def _body(
    component: str, description: str, required: Mapping[str, Check], known: Mapping[str, Check]
) -> Check:
    optional = {name: check for name, check in known.items() if name not in required}
    return members(required, optional, closed=True).named(component, description)


CHAT = _body("CreateChatCompletionRequest", "A conversation to be answered.", chat.REQUIRED, chat.MEMBERS)
STORED_CHAT = _body(
    "UpdateChatCompletionRequest", "Other metadata for a stored completion.", chat.UPDATE, chat.UPDATE
)
COMPLETION = _body(
    "CreateCompletionRequest", "A text to be continued.", completions.REQUIRED, completions.MEMBERS
)
EMBEDDING = _body(
    "CreateEmbeddingRequest", "Texts to be turned into vectors.", embeddings.REQUIRED, embeddings.MEMBERS
)
MODERATION = _body(
    "CreateModerationRequest", "Texts or pictures to be judged.", moderations.REQUIRED, moderations.MEMBERS
)
