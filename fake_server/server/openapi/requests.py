"""Request bodies, made from the tables by which the fake validates them.

Checks across members are not documented, because JSON Schema expresses them badly.
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


CHAT = _body("CreateChatCompletionRequest", "A conversation to answer.", chat.REQUIRED, chat.MEMBERS)
STORED_CHAT = _body(
    "UpdateChatCompletionRequest", "New metadata for a stored completion.", chat.UPDATE, chat.UPDATE
)
COMPLETION = _body(
    "CreateCompletionRequest", "A text to continue.", completions.REQUIRED, completions.MEMBERS
)
EMBEDDING = _body(
    "CreateEmbeddingRequest", "Texts to turn into vectors.", embeddings.REQUIRED, embeddings.MEMBERS
)
MODERATION = _body(
    "CreateModerationRequest", "Texts or pictures to moderate.", moderations.REQUIRED, moderations.MEMBERS
)
