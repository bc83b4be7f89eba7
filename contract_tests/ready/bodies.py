"""Reads and changes the texts of a request that a client was seen to send; everything else of it stays as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract_tests.ready.seen import CALL_ID, RESPONSE_ID
from contract_tests.rules.engine.node import Node

SYSTEM = ("system", "developer")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
Change = Callable[[str], str]
"""Gives the text that replaces a text."""
Body = Mapping[str, Any]


def tools_of(body: Body) -> list[dict[str, Any]]:
    """The tools that a request offers."""
    return list(body.get("tools") or ())


def names_of(tool: Mapping[str, Any]) -> tuple[str, ...]:
    """The names by which a tool is called: its type where it has none, those of its functions for a namespace."""
    inner = tool.get("tools")
    if isinstance(inner, list):
        return tuple(name for part in inner for name in names_of(part))
    named = tool.get(str(tool.get("type")))
    name = (named if isinstance(named, dict) else tool).get("name")
    return (name or str(tool.get("type")),)


def with_tools(body: Body, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The request with these tools; without any, it has no member that is about tools."""
    if not tools:
        return {name: value for name, value in body.items() if name not in _OF_TOOLS}
    return {**body, "tools": list(tools)}


def asking(body: Body, text: str) -> dict[str, Any]:
    """The request with nothing but this question of a user, in the form in which its last question is sent."""
    changed = change_question(body, lambda _: text)
    name = "messages" if "messages" in body else "input"
    given = changed.get(name)
    if isinstance(given, list):
        changed[name] = [[turn for turn in given if turn.get("role") == "user"][-1]]
    return {name: value for name, value in changed.items() if name != "instructions"}


def change_question(body: Body, change: Change) -> dict[str, Any]:
    """The request with the text of the user's last message changed."""
    changed = copy.deepcopy(dict(body))
    if isinstance(changed.get("input"), str):
        changed["input"] = change(changed["input"])
        return changed
    asked = [turn for turn in _turns(changed) if turn.get("role") == "user"]
    if asked:
        _change_text(asked[-1], "content", change)
    return changed


def change_outputs(body: Body, change: Change) -> dict[str, Any]:
    """The request with the outputs of tools changed."""
    changed = copy.deepcopy(dict(body))
    for turn in _turns(changed):
        if turn.get("type") in _OUTPUTS:
            _change_text(turn, "output", change)
        elif turn.get("role") == "tool":
            _change_text(turn, "content", change)
    return changed


def outputs_of(body: Body) -> list[str]:
    """The outputs of tools that a request has, as texts."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    change_outputs(body, note)
    return found


def change_instructions(body: Body, change: Change) -> dict[str, Any] | None:
    """The request with what the model is told first changed; None where it is told nothing."""
    changed = copy.deepcopy(dict(body))
    if isinstance(changed.get("instructions"), str):
        changed["instructions"] = change(changed["instructions"])
        return changed
    first = next((turn for turn in _turns(changed) if turn.get("role") in SYSTEM), None)
    if first is None:
        return None
    _change_text(first, "content", change)
    return changed


def going_on(body: Body, answer: Node) -> dict[str, Any] | None:
    """The request that goes on with this Response, by its id; None where it has no call to answer.

    Each of its calls is answered in the form in which the one call was, when the request was recorded.
    """
    ids = [item["call_id"].text for item in answer["output"] if item.text_of("type").endswith("_call")]
    ids = [call_id for call_id in ids if call_id]
    if not ids or not answer["id"].text:
        return None
    changed = copy.deepcopy(dict(body))
    answered = [turn for turn in changed["input"] if turn.get("call_id") == CALL_ID]
    others = [turn for turn in changed["input"] if turn.get("call_id") != CALL_ID]
    given = [{**turn, "call_id": call_id} for call_id in ids for turn in answered]
    changed["input"] = [*given, *others]
    if changed.get("previous_response_id") == RESPONSE_ID:
        changed["previous_response_id"] = answer["id"].text
    return changed


def _turns(body: Body) -> list[dict[str, Any]]:
    given = body.get("messages") or body.get("input")
    return [turn for turn in given if isinstance(turn, dict)] if isinstance(given, list) else []


def _change_text(turn: dict[str, Any], name: str, change: Change) -> None:
    """Change a text, or the last text part where it is in parts."""
    value = turn.get(name)
    if isinstance(value, str):
        turn[name] = change(value)
        return
    parts = [part for part in value or () if isinstance(part, dict) and isinstance(part.get("text"), str)]
    if parts:
        parts[-1]["text"] = change(parts[-1]["text"])
