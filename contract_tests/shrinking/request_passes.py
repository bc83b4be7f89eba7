"""Passes over the request: what was asked stays a request to which the reply can be an answer."""

from __future__ import annotations

from collections.abc import Collection

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import body_of, lengthened
from contract_tests.shrinking.search import Search, reduce
from contract_tests.shrinking.spans import Edit, Item, Pattern, applied
from contract_tests.shrinking.value_passes import (
    Target,
    Text,
    fewer_members,
    fewer_members_everywhere,
    shorter_texts,
    text_of,
)
from fake_server.wire.exchange import Exchange, Request

_REQUIRED = frozenset({"model", "messages", "prompt", "input", "stream"})
_OF_A_MESSAGE = frozenset({"role", "content", "tool_call_id", "name", "type", "text"})
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
"""Parameters, and words of a reply that can be there because of them."""
_ABOUT_THE_BODY = (400, 409, 413, 415, 422)
"""Statuses that refuse what the body says: whatever is taken out of it could be why."""


def fewer_parameters(search: Search) -> None:
    """Members, items and long texts of the request's body that the fault does not need are gone."""
    if search.best.status in _ABOUT_THE_BODY or not isinstance(search.best.request.json(), dict):
        return
    _fewer_messages(search)
    fewer_members_everywhere(search, REQUEST)
    fewer_members(search, REQUEST)
    shorter_texts(search, REQUEST)


def _fewer_messages(search: Search) -> None:
    """The last message of the user's alone, or as many others as the fault needs."""
    best = search.best
    asked = best.request.json().get("messages")
    texts = _texts(best)
    found = [item for text in texts for item in text.tree.items if item.name == "messages"]
    if not found or not isinstance(asked, list) or len(asked) != len(found[-1].value.items):
        return
    users = [place for place, one in enumerate(asked) if isinstance(one, dict) and one.get("role") == "user"]
    last = users[-1] if users else len(asked) - 1
    loose = [item for place, item in enumerate(found[-1].value.items) if place != last]

    def test(kept: list[Item]) -> bool:
        return search.accepts(_edited(best, list(texts[0].edits(set(loose) - set(kept)))))

    reduce(loose, test)


def _texts(exchange: Exchange) -> list[Text]:
    return text_of(exchange.request.body)


def _edited(exchange: Exchange, edits: Collection[Edit]) -> Exchange:
    request = exchange.request
    body = applied(request.body, edits)
    headers = request.headers and lengthened(request.headers, len(body) - len(request.body))
    return exchange.but(request=Request(request.method, request.target, headers, body))


def _keeps(exchange: Exchange, pattern: Pattern) -> bool:
    """Whether a request without this member would be another request, or one that is refused."""
    name = pattern[0]
    if len(pattern) == 1:
        reply = body_of(exchange)
        return (name in _REQUIRED and bool(View(exchange).endpoint)) or any(
            word in reply for word in _CAUSES.get(name, ())
        )
    if name == "messages":
        return len(pattern) != 3 or pattern[-1] in _OF_A_MESSAGE
    if name == "tools":
        return pattern[-1] not in ("description", "strict", "additionalProperties") and len(pattern) > 2
    return name in ("prompt", "input", "stream_options", "response_format", "tool_choice", "functions")


# A prompt cut to a few letters would make the live server answer something else.
REQUEST = Target(_texts, _edited, _keeps, readable=160, lengths=(80,), thorough=False)
