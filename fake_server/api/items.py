"""Items of responses and conversations, as the API keeps them: whole messages, each item with an id and a status."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fake_server.api import tokens

_DIGITS = {"conv": 48}
"""Hexadecimal digits of an id, where they are not 50."""
PREFIXES: Mapping[str, str] = {
    "message": "msg",
    "reasoning": "rs",
    "compaction": "cmp",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "computer_call": "cu",
    "computer_call_output": "cuo",
    "local_shell_call": "lsh",
    "local_shell_call_output": "lsho",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "mcp_approval_response": "mcpa",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "program": "prog",
}
"""What ids begin with, by type of item; those of genuine recordings where there are any."""
_WITHOUT_STATUS = frozenset(
    (
        "reasoning",
        "compaction",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "local_shell_call_output",
        "additional_tools",
        "program",
        "item_reference",
    )
)
"""Types that the published specification gives no status, or that have none in genuine recordings."""


def new_id(prefix: str) -> str:
    """A random id in OpenAI's form: `resp_` and 50 hexadecimal digits (`conv_` and 48)."""
    return f"{prefix}_{os.urandom(25).hex()[: _DIGITS.get(prefix, 50)]}"


def as_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with its type, and a message with a list of parts; `{"role": "user", "content": "Hi"}` is short."""
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind != "message":
        return {**item, "type": kind}
    role, content = item.get("role"), item.get("content")
    if isinstance(content, str):
        content = [_part(role, {"text": content})]
    elif isinstance(content, list):
        content = [_part(role, part) if isinstance(part, Mapping) else part for part in content]
    return {**item, "type": "message", "content": content}


def saved_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as it is kept: whole, with an id and a status; an id that it has stays."""
    whole = as_item(item)
    kind = str(whole["type"])
    if not isinstance(whole.get("id"), str) or not whole["id"]:
        whole["id"] = new_id(PREFIXES.get(kind, "item"))
    if kind not in _WITHOUT_STATUS and whole.get("status") is None:
        whole["status"] = "completed"
    return whole


def output_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item of an output, with the members that it lacks and that have a plain value."""
    given = dict(item)
    if given["type"] == "message":
        given.setdefault("role", "assistant")
    whole = saved_item(given)
    if whole["type"] in ("function_call", "custom_tool_call"):
        whole.setdefault("call_id", f"call_{os.urandom(12).hex()}")
    return whole


def count_tokens(items: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """About how many tokens a model spent on the items, and how many of these on reasoning."""
    whole = thought = 0
    for item in items:
        texts = [part.get(name) for part in _parts_of(item) for name in ("text", "refusal")]
        texts += [item.get(name) for name in ("arguments", "input", "code", "name")]
        count = sum(tokens.count(text) for text in texts if isinstance(text, str))
        whole += count
        thought += count if item["type"] == "reasoning" else 0
    return whole, thought


def _parts_of(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("content", "summary"):
        parts = item.get(name)
        yield from (part for part in parts if isinstance(part, Mapping)) if isinstance(parts, list) else ()


def _part(role: Any, part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a message with what it has by default: of an assistant the text is `output_text`."""
    kind = part.get("type") or ("output_text" if role == "assistant" else "input_text")
    if kind == "output_text":
        return {"annotations": [], "logprobs": [], **part, "type": kind}
    return {**part, "type": kind}
