"""The tools and the tool choice of a response: functions, custom tools, and those that OpenAI runs itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.validate.checks import Check, Invalid, anything, boolean, one_of, string
from fake_server.api.validate.containers import array, by_type, mapping, members, nullable, tagged_union

MOST_TOOLS = 128
NAME = string(least=1, most=128, pattern="[a-zA-Z0-9_-]+")
_GRAMMAR = members({"syntax": one_of("lark", "regex"), "definition": string()})
_FORMAT = tagged_union("type", text=members(), grammar=_GRAMMAR)
_TOOLS: Mapping[str, Check] = {
    "function": members(
        {"name": NAME},
        {
            "description": nullable(string()),
            "parameters": nullable(mapping(anything)),
            "strict": nullable(boolean),
        },
    ),
    "custom": members({"name": NAME}, {"description": nullable(string()), "format": nullable(_FORMAT)}),
    "namespace": members({"name": string(least=1), "tools": array(members({"type": string()}))}),
    "mcp": members({"server_label": string(least=1)}),
    "file_search": members({"vector_store_ids": array(string())}),
    "code_interpreter": members(),
    **dict.fromkeys(
        (
            "apply_patch", "computer", "computer_use_preview", "image_generation", "local_shell",
            "programmatic_tool_calling", "shell", "tool_search", "web_search", "web_search_2025_08_26",
            "web_search_preview", "web_search_preview_2025_03_11",
        ),
        members(),
    ),
}  # fmt: skip
BUILT_IN = tuple(name for name in _TOOLS if name not in ("function", "custom", "namespace"))


TOOLS = array(tagged_union("type", **_TOOLS), most=MOST_TOOLS, expected="an array of objects")

_NAMED = members({"name": string(least=1)})
_ALLOWED = members({"mode": one_of("auto", "required"), "tools": array(members())})
_CHOICE = tagged_union(
    "type",
    function=_NAMED,
    custom=_NAMED,
    allowed_tools=_ALLOWED,
    mcp=members({"server_label": string()}),
    **dict.fromkeys(("computer_use", *(name for name in BUILT_IN if name != "mcp")), members()),
)
TOOL_CHOICE = by_type("one of a string or an object", string=one_of("none", "auto", "required"), object=_CHOICE)


def check_choice(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a tool choice that the tools offered do not fit."""
    choice, tools = request.get("tool_choice"), request.get("tools") or []
    if choice == "required" and not tools:
        raise Invalid("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    if not isinstance(choice, dict):
        return
    kind = choice["type"]
    wanted = choice["tools"] if kind == "allowed_tools" else [choice]
    offered = {(tool["type"], tool.get("name")) for tool in tools_within(tools)}
    offered |= {(tool["type"], None) for tool in tools}
    for tool in wanted:
        kind = tool.get("type", "function")
        named = tool.get("name") if kind in ("function", "custom") else None
        if (kind, named) not in offered and not _may_be_found(tools):
            raise Invalid(f"Tool choice '{kind}' not found in 'tools' parameter.", "tool_choice")


def tools_within(tools: Any) -> list[dict[str, Any]]:
    """The tools, those inside of namespaces instead of these."""
    return [inner for tool in tools for inner in (tool["tools"] if tool["type"] == "namespace" else [tool])]


def _may_be_found(tools: Any) -> bool:
    """Whether the model may find more tools than those offered."""
    return any(tool["type"] in ("tool_search", "mcp") for tool in tools)
