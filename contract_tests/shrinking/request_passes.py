"""Passes over the request, which must remain one that the reply can be an answer to."""

from __future__ import annotations

from collections.abc import Collection

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import adjust_content_length, decoded_body
from contract_tests.shrinking.search import Search
from contract_tests.shrinking.spans import Edit, Pattern, apply_edits
from contract_tests.shrinking.value_passes import (
    Target,
    Text,
    parse_text,
    reduce_items,
    reduce_members,
    reduce_members_everywhere,
    shorten_texts,
)
from fake_server.wire.exchange import Exchange, Request

_REQUIRED = frozenset({"model", "messages", "prompt", "input", "stream"})
_MESSAGE_MEMBERS = frozenset({"role", "content", "tool_call_id", "name", "type", "text"})
_CAUSES: dict[str, tuple[bytes, ...]] = {
    "tools": (b'"tool_calls"',),
    "tool_choice": (b'"tool_calls"',),
    "functions": (b'"function_call"',),
    "function_call": (b'"function_call"',),
    "stream_options": (b'"usage"',),
    "logprobs": (b'"logprobs"',),
    "top_logprobs": (b'"top_logprobs"',),
    "n": (b'"index":1', b'"index": 1'),
    "dimensions": (b'"embedding"',),
    "encoding_format": (b'"embedding"',),
    "response_format": (b'"content"',),
    "stop": (b'"stop"',),
    "max_tokens": (b'"length"',),
    "max_completion_tokens": (b'"length"',),
    "echo": (b'"text"',),
}
"""Parameters, and text of a reply that may be there because of them."""
_BODY_REJECTED = (400, 409, 413, 415, 422)
"""Statuses that reject the request body: anything removed from it could be the reason."""


def reduce_parameters(search: Search) -> None:
    """Remove members and items of the request's body that the fault does not need, and shorten long texts."""
    if search.best.status in _BODY_REJECTED or not isinstance(search.best.request.json(), dict):
        return
    _reduce_messages(search)
    reduce_members_everywhere(search, REQUEST)
    reduce_members(search, REQUEST)
    shorten_texts(search, REQUEST)


def _reduce_messages(search: Search) -> None:
    """Keep only the user's last message, and as many others as the fault needs."""
    best = search.best
    messages = best.request.json().get("messages")
    texts = _texts(best)
    members = [item for text in texts for item in text.tree.items if item.name == "messages"]
    if not members or not isinstance(messages, list) or len(messages) != len(members[-1].value.items):
        return
    from_user = [
        place for place, message in enumerate(messages) if isinstance(message, dict) and message.get("role") == "user"
    ]
    last = from_user[-1] if from_user else len(messages) - 1
    others = [item for place, item in enumerate(members[-1].value.items) if place != last]
    reduce_items(search, texts[0], others, REQUEST)


def _texts(exchange: Exchange) -> list[Text]:
    return parse_text(exchange.request.body)


def _edit_request(exchange: Exchange, edits: Collection[Edit]) -> Exchange:
    request = exchange.request
    body = apply_edits(request.body, edits)
    headers = request.headers and adjust_content_length(request.headers, len(body) - len(request.body))
    return exchange.but(request=Request(request.method, request.target, headers, body))


def _is_needed(exchange: Exchange, pattern: Pattern) -> bool:
    """Whether the request without this member would be a different request, or would be rejected."""
    name = pattern[0]
    if len(pattern) == 1:
        reply = decoded_body(exchange)
        return (name in _REQUIRED and bool(View(exchange).endpoint)) or any(
            word in reply for word in _CAUSES.get(name, ())
        )
    if name == "messages":
        return len(pattern) != 3 or pattern[-1] in _MESSAGE_MEMBERS
    if name == "tools":
        return pattern[-1] not in ("description", "strict", "additionalProperties") and len(pattern) > 2
    return name in ("prompt", "input", "stream_options", "response_format", "tool_choice", "functions")


# With a prompt of a few letters a live server would answer something else: hence the larger `readable`.
REQUEST = Target(_texts, _edit_request, _is_needed, readable=160, lengths=(80,), thorough=False)
