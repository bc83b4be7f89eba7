"""A probe for each value of each documented parameter, made from the tables by which the fake validates.

That those tables hold every member of the SDK's types, and no other, is tested beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contract_tests.sandwich.probe import NAMES, PLAIN, Probe
from contract_tests.sandwich.values import values_of
from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from fake_server.api.reply import ErrorReply
from fake_server.api.validate import chat, completions, embeddings, responses
from fake_server.api.validate.checks import Check
from fake_server.wire.text import shorten

TOOL = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
Validate = Callable[[Mapping[str, Any]], ErrorReply | None]
_ENDPOINTS: Mapping[str, tuple[Mapping[str, Check], Validate]] = {
    CHAT: (chat.MEMBERS, chat.validate_chat),
    COMPLETIONS: (completions.MEMBERS, completions.validate_completion),
    EMBEDDINGS: (embeddings.MEMBERS, embeddings.validate_embeddings),
    RESPONSES: (responses.MEMBERS, responses.validate_response),
}
_NEEDS: Mapping[str, Mapping[str, Any]] = {
    "stream_options": {"stream": True},
    "tool_choice": {"tools": [{"type": "function", "function": TOOL}]},
    "parallel_tool_calls": {"tools": [{"type": "function", "function": TOOL}]},
    "function_call": {"functions": [TOOL]},
    "top_logprobs": {"logprobs": True},
    "best_of": {"n": 1},
}
"""What some parameters are refused without."""
UNKNOWN = {"x_unknown_member": {"b": [1, None, ""], "a": False}}
"""A parameter that the API does not have yet."""


def probes() -> Iterator[Probe]:
    """Every value of every parameter that the upstream takes; each has an id of its own."""
    for path, (members, validate) in _ENDPOINTS.items():
        for name, check in members.items():
            if name not in PLAIN[path]:
                yield from _of_member(path, name, check, validate)
        body = {**PLAIN[path], **UNKNOWN}
        yield Probe(f"request.{NAMES[path]}.unknown", "an unknown member", path, body, next(iter(UNKNOWN)))


def _of_member(path: str, name: str, check: Check, validate: Validate) -> Iterator[Probe]:
    seen: list[str] = []
    for word, value in values_of(check):
        bodies = ({**PLAIN[path], **needed, name: value} for needed in ({}, _NEEDS.get(name, {})))
        body = next((body for body in bodies if validate(body) is None), None)
        if body is None or (shown := repr(value)) in seen:
            continue
        seen.append(shown)
        number = sum(1 for other in seen if other.startswith("#" + word))
        seen.append(f"#{word}")
        label = f"{word}-{number + 1}" if number else word
        yield Probe(f"request.{NAMES[path]}.{name}.{label}", f"{name}: {_shorten(value)}", path, body, name)


def _shorten(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False), 60)
