"""Tools, tool choices and tool calls in a chat request, including legacy functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.validate.checks import Invalid, anything, boolean, one_of, string
from fake_server.api.validate.containers import array, by_type, mapping, members, nullable, tagged_union

NAME = string(least=1, most=64, pattern="[a-zA-Z0-9_-]+")
MOST_TOOLS = 128

_FUNCTION = members(
    {"name": NAME},
    {
        "description": nullable(string()),
        "parameters": nullable(mapping(anything)).documented("A JSON Schema of the arguments."),
        "strict": nullable(boolean),
    },
).named("FunctionObject")
_FORMAT = tagged_union("type", text=members(), grammar=members({"grammar": members()}))
_CUSTOM = members({"name": NAME}, {"description": nullable(string()), "format": _FORMAT}).named("CustomObject")
TOOLS = array(
    tagged_union(
        "type",
        function=members({"function": _FUNCTION}).named("ChatCompletionTool", "A function that the model may call."),
        custom=members({"custom": _CUSTOM}).named("CustomToolChatCompletions", "A tool whose input is any text."),
    ),
    least=1,
    most=MOST_TOOLS,
    expected="an array of objects",
)
FUNCTIONS = array(_FUNCTION, least=1, most=MOST_TOOLS, expected="an array of objects")

_NAMED = members({"name": NAME}).named("Named")
_ALLOWED = members({"mode": one_of("auto", "required"), "tools": array(members())}).named("AllowedTools")
TOOL_CHOICE = by_type(
    "one of a string or an object",
    string=one_of("none", "auto", "required"),
    object=tagged_union(
        "type",
        function=members({"function": _NAMED}).named("ChatCompletionNamedToolChoice", "Call this function."),
        custom=members({"custom": _NAMED}).named("ChatCompletionNamedToolChoiceCustom", "Call this custom tool."),
        allowed_tools=members({"allowed_tools": _ALLOWED}).named(
            "ChatCompletionAllowedToolsChoice", "Restrict calls to some of the tools."
        ),
    ),
)
FUNCTION_CALL = by_type("one of a string or an object", string=one_of("none", "auto"), object=_NAMED)

LEGACY_CALL = members({"name": NAME, "arguments": string().documented("JSON text.")}).named("FunctionCalled")
_CUSTOM_CALL = members({"name": NAME, "input": string()}).named("CustomCalled")
CALL = tagged_union(
    "type",
    function=members({"id": string(), "function": LEGACY_CALL}).named(
        "ChatCompletionMessageToolCall", "A call of a function."
    ),
    custom=members({"id": string(), "custom": _CUSTOM_CALL}).named(
        "ChatCompletionMessageCustomToolCall", "A call of a custom tool."
    ),
)


def check_tools(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a tool choice that does not match the tools offered."""
    offered = request.get("tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        if request.get(name) is not None and not offered:
            message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            raise Invalid(message, name)
    if request.get("function_call") is not None and not request.get("functions"):
        message = "Invalid value for 'function_call': it is only allowed when 'functions' are specified."
        raise Invalid(message, "function_call")
    choice, legacy = request.get("tool_choice"), request.get("function_call")
    if isinstance(choice, dict) and (form := choice["type"]) != "allowed_tools":
        names = [tool.get(form, {}).get("name") for tool in offered or []]
        _check_offered(choice[form]["name"], names, "tool_choice", "tools")
    if isinstance(legacy, dict):
        names = [function["name"] for function in request.get("functions") or []]
        _check_offered(legacy["name"], names, "function_call", "functions")


def _check_offered(name: str, offered: list[str | None], param: str, holder: str) -> None:
    if name not in offered:
        raise Invalid(f"Invalid value for '{param}': '{name}' is not in '{holder}'.", param)
