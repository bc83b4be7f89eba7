"""Validation of the requests of conversations and their items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.items import PREFIXES
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import METADATA
from fake_server.api.validate.checks import Check, Invalid, anything, missing, one_of, string, wrong_type, wrong_value
from fake_server.api.validate.containers import array, by_type, find_refusal, members, nullable

MOST_ITEMS = 20
"""Items that one request adds at most."""
_ROLES = ("user", "assistant", "system", "developer")
_CONTENT = by_type("one of a string or array of content parts", string=string(), array=array(anything))
_MESSAGE = members({"role": one_of(*_ROLES), "content": _CONTENT}, {"type": nullable(one_of("message"))})
_OTHER = members({"type": one_of(*(kind for kind in PREFIXES if kind != "message"))})


def _validate_item(value: Any, path: str) -> None:
    members().validate(value, path)
    kind = value.get("type")
    if kind is not None and not isinstance(kind, str):
        raise wrong_type(f"{path}.type", "a string", kind)
    if kind not in (None, "message"):
        if kind not in PREFIXES:
            raise wrong_value(f"{path}.type", kind, list(PREFIXES))
        return
    if "role" not in value:
        raise missing(f"{path}.role") if kind else wrong_value(path, "", _ROLES)
    one_of(*_ROLES).validate(value["role"], f"{path}.role")
    if "content" not in value:
        raise missing(f"{path}.content")
    _CONTENT.validate(value["content"], f"{path}.content")


ITEM = Check(
    _validate_item,
    {
        "description": "An input item of the Responses API: a message, a call, its output, …",
        "anyOf": [_MESSAGE, _OTHER],
    },
)
ITEMS = array(ITEM, most=MOST_ITEMS)
CREATE: Mapping[str, Check] = {"items": nullable(ITEMS), "metadata": nullable(METADATA)}
"""The members of a request that makes a conversation; none is required."""
UPDATE: Mapping[str, Check] = {"metadata": METADATA}
ADD: Mapping[str, Check] = {"items": ITEMS}
"""The members of requests that update a conversation, and that add items to it; they are required."""
INCLUDE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
"""What `include` may name."""


def validate_create(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that makes a conversation, None for a valid one."""
    return _refusal(request, {}, CREATE)


def validate_update(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that updates a conversation, None for a valid one."""
    return _refusal(request, UPDATE, UPDATE)


def validate_add(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that adds items to a conversation, None for a valid one."""
    return _refusal(request, ADD, ADD)


def _refusal(
    request: Mapping[str, Any], required: Mapping[str, Check], known: Mapping[str, Check]
) -> ErrorReply | None:
    for name in request:
        if name not in known:
            return Invalid(f"Unknown parameter: '{name[:100]}'.", name[:100], "unknown_parameter").reply
    return find_refusal(request, required, known)
