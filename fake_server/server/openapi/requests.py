"""Request bodies, made from the tables by which the fake validates them.

Checks across members are not documented, because JSON Schema expresses them badly.
"""

from __future__ import annotations

from fake_server.api.validate import chat, completions, embeddings, moderations
from fake_server.api.validate.containers import members

REQUESTS = tuple(
    members(required, {name: known[name] for name in known if name not in required}, closed=True).named(
        component, description
    )
    for component, description, required, known in (
        ("CreateChatCompletionRequest", "A conversation to answer.", chat.REQUIRED, chat.MEMBERS),
        ("UpdateChatCompletionRequest", "New metadata for a stored completion.", chat.UPDATE, chat.UPDATE),
        ("CreateCompletionRequest", "A text to continue.", completions.REQUIRED, completions.MEMBERS),
        ("CreateEmbeddingRequest", "Texts to turn into vectors.", embeddings.REQUIRED, embeddings.MEMBERS),
        (
            "CreateModerationRequest",
            "Texts or pictures to moderate.",
            moderations.REQUIRED,
            moderations.MEMBERS,
        ),
    )
)
