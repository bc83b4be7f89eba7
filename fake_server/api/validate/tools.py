"""Tools, tool choices and calls in a chat request, the legacy functions as well."""

from __future__ import annotations

from typing import Any

from fake_server.api.validate.checks import (
    Invalid,
    anything,
    array,
    boolean,
    by_kind,
    mapping,
    members,
    nullable,
    string,
    tagged,
    word,
)

NAME = string(least=1, most=64, pattern="[a-zA-Z0-9_-]+")
MOST_TOOLS = 128

_FUNCTION = members(
    {"name": NAME},
    {
        "description": nullable(string()),
        "parameters": nullable(mapping(anything)),
        "strict": nullable(boolean),
    },
)
_CUSTOM = members(
    {"name": NAME},
    {
        "description": nullable(string()),
        "format": tagged("type", {"text": anything, "grammar": members({"grammar": members()})}),
    },
)
TOOLS = array(
    tagged(
        "type",
        {"function": members({"function": _FUNCTION}), "custom": members({"custom": _CUSTOM})},
    ),
    least=1,
    most=MOST_TOOLS,
    expected="an array of objects",
)
FUNCTIONS = array(_FUNCTION, least=1, most=MOST_TOOLS, expected="an array of objects")

_NAMED = members({"name": NAME})
TOOL_CHOICE = by_kind(
    "one of a string or an object",
    string=word("none", "auto", "required"),
    object=tagged(
        "type",
        {
            "function": members({"function": _NAMED}),
            "custom": members({"custom": _NAMED}),
            "allowed_tools": members(
                {"allowed_tools": members({"mode": word("auto", "required"), "tools": array(members())})}
            ),
        },
    ),
)
FUNCTION_CALL = by_kind("one of a string or an object", string=word("none", "auto"), object=_NAMED)

CALL = tagged(
    "type",
    {
        "function": members({"id": string(), "function": members({"name": NAME, "arguments": string()})}),
        "custom": members({"id": string(), "custom": members({"name": NAME, "input": string()})}),
    },
)
LEGACY_CALL = members({"name": NAME, "arguments": string()})


def agree(request: dict[str, Any]) -> None:
    """What is said about tools fits the tools there are. Raises Invalid."""
    offered = request.get("tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        if request.get(name) is not None and not offered:
            message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            raise Invalid(message, name, None)
    if request.get("function_call") is not None and not request.get("functions"):
        message = "Invalid value for 'function_call': it is only allowed when 'functions' are specified."
        raise Invalid(message, "function_call", None)
    choice = request.get("tool_choice")
    form = choice.get("type") if isinstance(choice, dict) else None
    if isinstance(choice, dict) and form in ("function", "custom"):
        _offers(
            choice[form]["name"], [tool.get(form, {}).get("name") for tool in offered or []], "tool_choice"
        )
    legacy = request.get("function_call")
    if isinstance(legacy, dict):
        names = [function["name"] for function in request.get("functions") or []]
        _offers(legacy["name"], names, "function_call")


def _offers(name: str, offered: list[str | None], param: str) -> None:
    if name not in offered:
        holder = "tools" if param == "tool_choice" else "functions"
        raise Invalid(f"Invalid value for '{param}': '{name}' is not in '{holder}'.", param, None)
