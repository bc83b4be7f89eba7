"""The `input` of a response: a text, or messages, calls, results and other items.

What an item must have follows the SDK's types; other members are let pass, as items come back as they were sent.
Wording of refusals: https://github.com/openai/openai-python/issues/3008, genuine recordings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api import sealing
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.checks import Check, Invalid, anything, one_of, string, wrong_value
from fake_server.api.validate.containers import array, by_type, members, nullable, tagged_union

MOST_ITEMS = 100_000
_ID = string(least=1, most=64)
_STATUS = {"status": nullable(one_of("in_progress", "completed", "incomplete"))}
_DETAIL = nullable(one_of("auto", "low", "high", "original"))
_INPUT_TEXT = members({"text": string()}).named("InputTextContent", "A text of the user or the application.")
_INPUT_IMAGE = members(optional={"image_url": nullable(string()), "file_id": nullable(string()), "detail": _DETAIL})
_INPUT_FILE = members(optional=dict.fromkeys(("file_id", "file_data", "file_url", "filename"), nullable(string())))
_PARTS: dict[str, Check] = {
    "input_text": _INPUT_TEXT,
    "input_image": _INPUT_IMAGE,
    "output_text": members({"text": string()}, {"annotations": array(members())}),
    "refusal": members({"refusal": string()}),
    "input_file": _INPUT_FILE,
    "computer_screenshot": members(),
    "summary_text": members({"text": string()}),
}
_EXPECTED = "one of an array of objects or string"


def _named_by_type(forms: Mapping[str, Check]) -> Check:
    """An object that its `type` names; `param` of another type is the object, as the API has it."""
    union = tagged_union("type", **forms)

    def validate(value: Any, path: str) -> None:
        if isinstance(value, dict) and isinstance(kind := value.get("type"), str) and kind not in forms:
            raise wrong_value(path, kind, list(forms))
        union.validate(value, path)

    return Check(validate, union.schema)


_CONTENT = by_type(_EXPECTED, string=anything, array=array(_named_by_type(_PARTS)))
_SAID = by_type(
    _EXPECTED, string=anything, array=array(_named_by_type({name: _PARTS[name] for name in ("output_text", "refusal")}))
)
_MESSAGE = tagged_union(
    "role",
    user=members({"content": _CONTENT}, _STATUS),
    assistant=members({"content": _SAID}, {"phase": nullable(string()), **_STATUS}),
    system=members({"content": _CONTENT}, _STATUS),
    developer=members({"content": _CONTENT}, _STATUS),
)
_OUTPUT = by_type(_EXPECTED, string=anything, array=array(members({"type": string()})))
_CALL = {"call_id": _ID, "name": string(least=1, most=128)}
_SUMMARY = array(members({"type": one_of("summary_text"), "text": string()}))


_ITEMS: Mapping[str, Check] = {
    "message": _MESSAGE,
    "reasoning": members({"summary": _SUMMARY}, {"encrypted_content": nullable(string())}),
    "function_call": members({**_CALL, "arguments": string()}, _STATUS),
    "function_call_output": members({"output": _OUTPUT}, {"call_id": nullable(_ID), **_STATUS}),
    "custom_tool_call": members({**_CALL, "input": string()}),
    "custom_tool_call_output": members({"output": _OUTPUT}, {"call_id": nullable(_ID)}),
    "compaction": members({"encrypted_content": string()}),
    "compaction_trigger": members(),
    "item_reference": members({"id": string(least=1)}),
    **dict.fromkeys(
        (
            "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call",
            "computer_call", "computer_call_output", "configuration_update", "file_search_call",
            "image_generation_call",
            "local_shell_call", "local_shell_call_output", "mcp_approval_request", "mcp_approval_response",
            "mcp_call", "mcp_list_tools", "program", "program_output", "shell_call", "shell_call_output",
            "tool_search_call", "tool_search_output", "web_search_call",
        ),
        members(),
    ),
}  # fmt: skip
"""The items by their `type`; those that the fake only takes back may hold anything."""


_TYPED = _named_by_type(_ITEMS)
_REFERENCE = _ITEMS["item_reference"]
_UNTYPED = {"type": {"type": "null"}}


def _validate_item(value: Any, path: str) -> None:
    """An item; one without `type` is a message if it has a role, or else a reference."""
    if not isinstance(value, dict) or value.get("type") is not None:
        _TYPED.validate(value, path)
    elif "role" in value:
        _MESSAGE.validate(value, path)
    elif "id" not in value:
        raise wrong_value(path, "", ("assistant", "system", "developer", "user"))
    else:
        _REFERENCE.validate(value, path)


_FORMS = (
    _TYPED,
    {**_MESSAGE.schema, "type": "object", "properties": _UNTYPED},
    {**_REFERENCE.schema, "properties": {**_REFERENCE.schema["properties"], **_UNTYPED}, "not": {"required": ["role"]}},
)
ITEM = Check(_validate_item, {"anyOf": _FORMS}).named(
    "InputItem", "A message, a call, the result of one, reasoning, or another item of a conversation."
)
INPUT = by_type(_EXPECTED, string=anything, array=array(ITEM, most=MOST_ITEMS))


def find_item_refusal(items: list[Mapping[str, Any]]) -> ErrorReply | None:
    """The 400 for items that do not belong together, where earlier ones are known; None if they do.

    Each output answers a call, each call has an output, and reasoning is followed by what came of it.
    """
    calls = {_call_id(item) for item in items if not _is_output(item)}
    outputs = {_call_id(item) for item in items if _is_output(item)}
    for index, item in enumerate(items):
        called, sealed = _call_id(item), item.get("encrypted_content")
        if isinstance(sealed, str) and sealing.is_sealed(sealed) and sealing.unseal(sealed) is None:
            words = f"The encrypted content {sealed[:4]}...{sealed[-4:]} could not be verified."
            return Invalid(words, None, "invalid_encrypted_content").reply
        if _is_output(item) and called not in calls:
            words = f"No tool call found for {_words(item)} with call_id {str(called)[:64]}."
            return Invalid(words, "input").reply
        if _is_call(item) and called not in outputs:
            return Invalid(f"No tool output found for {_words(item)} {str(called)[:64]}.", "input").reply
        follower = items[index + 1] if index + 1 < len(items) else None
        if item.get("type") == "reasoning" and item.get("id") and not _is_of_model(follower):
            name = str(item["id"])[:64]
            words = f"Item '{name}' of type 'reasoning' was provided without its required following item."
            return Invalid(words, "input").reply
    return None


def _call_id(item: Mapping[str, Any]) -> str | None:
    """The call that an item is or answers; of what the fake only takes back it may be anything."""
    called = item.get("call_id")
    return called if isinstance(called, str) else None


def _is_call(item: Mapping[str, Any]) -> bool:
    return item.get("type") in ("function_call", "custom_tool_call")


def _is_output(item: Mapping[str, Any]) -> bool:
    return item.get("type") in ("function_call_output", "custom_tool_call_output")


def _words(item: Mapping[str, Any]) -> str:
    return str(item["type"]).replace("_", " ")


def _is_of_model(item: Mapping[str, Any] | None) -> bool:
    """Whether it is an item that the model made; a message of its own has an id."""
    if item is None or _is_output(item):
        return False
    return item.get("type") != "message" or "id" in item
