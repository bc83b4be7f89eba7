"""Which operation of the API a request asks for, by its method and path, in a short name."""

from __future__ import annotations

import re

_POSTED = {
    "/chat/completions": "chat",
    "/chat/moderations": "",  # of another API, which judges conversations
    "/completions": "completions",
    "/embeddings": "embeddings",
    "/moderations": "moderations",
    "/responses": "responses",
    "/responses/input_tokens": "response tokens",
    "/responses/compact": "response compacted",
    "/conversations": "conversations",
}
_STORED = re.compile(r"/chat/completions(?P<one>/(?!messages$)[^/]+)?(?P<messages>/messages)?$")
_BELOW: tuple[tuple[re.Pattern[str], dict[str, str]], ...] = tuple(
    (re.compile(f"{pattern}$"), names)
    for pattern, names in (
        (r"/responses/[^/]+", {"GET": "response", "DELETE": "response deleted"}),
        (r"/responses/[^/]+/cancel", {"POST": "response cancelled"}),
        (r"/responses/[^/]+/input_items", {"GET": "response items"}),
        (
            r"/conversations/[^/]+",
            {"GET": "conversation", "POST": "conversation", "DELETE": "conversation deleted"},
        ),
        (r"/conversations/[^/]+/items", {"GET": "conversation items", "POST": "conversation items"}),
        (
            r"/conversations/[^/]+/items/[^/]+",
            {"GET": "conversation item", "DELETE": "conversation item deleted"},
        ),
    )
)
"""Paths below /responses and /conversations, with the operation by method."""


def endpoint_of(method: str, path: str) -> str:
    """'chat', 'completions', 'embeddings', 'moderations', 'models' (the list), 'model' (one of it); '' for others.

    Of completions that were stored: 'stored' (one of them), 'stored list', 'stored messages', 'stored deleted'.
    Of Responses: 'responses' (a new one), 'response' (one that is read), 'response deleted', 'response cancelled',
    'response items' (its input), 'response tokens', 'response compacted'. Of conversations: 'conversations' (a new
    one), 'conversation' (read or updated), 'conversation deleted', 'conversation items' (listed or added),
    'conversation item', 'conversation item deleted'.
    """
    path = path.rstrip("/")
    if (
        method == "POST"
        and (name := next((name for end, name in _POSTED.items() if path.endswith(end)), None)) is not None
    ):
        return name
    if stored := _STORED.search(path):
        return _endpoint_of_stored(method, bool(stored["one"]), bool(stored["messages"]))
    for pattern, names in _BELOW:
        if pattern.search(path):
            return names.get(method, "")
    if method != "GET":
        return ""
    if path.endswith("/models"):
        return "models"
    return "model" if "/models/" in path else ""


def _endpoint_of_stored(method: str, one: bool, messages: bool) -> str:
    """The endpoint of a request for stored completions: for one of them, or for its messages."""
    if messages:
        return "stored messages" if one and method == "GET" else ""
    if one:
        return {"GET": "stored", "POST": "stored", "DELETE": "stored deleted"}.get(method, "")
    return "stored list" if method == "GET" else ""


def is_of_responses(endpoint: str) -> bool:
    """Whether an endpoint is one of Responses or of conversations."""
    return endpoint.startswith(("response", "conversation"))
