"""What a chat request asks, read leniently: its texts, roles, tools and switches.

Everything here accepts the request as any JSON object and never raises: a member of the wrong type
counts as absent. Refusing bad requests is the edge's work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

SYSTEM_ROLES = ("system", "developer")
RESULT_ROLES = ("tool", "function")
_REASONING = re.compile(r"(?:^|[/.])(?:o[1-9]\b|gpt-[5-9])(?!.*chat)", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """One message as the fake sees it: the role, all its text parts joined by newlines, and its content."""

    role: str
    text: str
    content: Any = field(default=None, compare=False, repr=False)

    @cached_property
    def folded(self) -> str:
        """The text for comparing in any case."""
        return self.text.casefold()

    @property
    def value(self) -> Any:
        """The list of content parts, or else the text as JSON, None where it is none."""
        return self.content if isinstance(self.content, list) else _parse_json(self.text)


@dataclass(frozen=True)
class Tool:
    """One function the request offers. `kind` is function or custom; `parameters` a JSON Schema."""

    name: str
    description: str
    parameters: Any
    kind: str = "function"


def messages(request: Mapping[str, Any]) -> tuple[Message, ...]:
    """Every message in order."""
    return tuple(
        Message(str(message.get("role", "")), content_text(message.get("content")), message.get("content"))
        for message in _mappings(request.get("messages"))
    )


def content_text(content: object) -> str:
    """The text of a message's content: a string, or the text parts joined by newlines."""
    if isinstance(content, str):
        text = content
    else:
        parts = (part.get("text") for part in _mappings(content))
        text = "\n".join(part for part in parts if isinstance(part, str))
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # no lone surrogates


def last_user_text(request: Mapping[str, Any]) -> str:
    """What the user said last, '' where nobody did."""
    said = [message.text for message in messages(request) if message.role == "user"]
    return said[-1] if said else ""


def turn(request: Mapping[str, Any]) -> int:
    """Which turn of the conversation this is: 1 for the first, one more for each assistant message."""
    return 1 + sum(message.role == "assistant" for message in messages(request))


@dataclass(frozen=True)
class ToolResult:
    """What a tool gave back: the tool's name, '' where no call has the result's id, its text, and the id."""

    tool: str
    text: str
    id: str = ""

    @cached_property
    def value(self) -> Any:
        """The text as JSON, None where it is none."""
        return _parse_json(self.text)


def tool_results(request: Mapping[str, Any]) -> tuple[ToolResult, ...]:
    """The results of tools, in order."""
    names: dict[str, str] = {}
    found = []
    for message in _mappings(request.get("messages")):
        for call in _mappings(message.get("tool_calls")):
            names[str(call.get("id", ""))] = _tool_name(call)
        if message.get("role") in RESULT_ROLES:
            called = str(message.get("tool_call_id", ""))
            name = names.get(called, str(message.get("name") or ""))
            found.append(ToolResult(name, content_text(message.get("content")), called))
    return tuple(found)


def tools(request: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools offered, the legacy `functions` as well, in order."""
    offered = []
    for tool in _mappings(request.get("tools")):
        kind = str(tool.get("type", "function"))
        offered += [_read_tool(one, kind) for one in _mappings([tool.get(kind)])]
    offered += [_read_tool(one, "function") for one in _mappings(request.get("functions"))]
    return tuple(tool for tool in offered if tool.name)


def is_legacy(request: Mapping[str, Any]) -> bool:
    """Whether calls go back in the old form: `functions` are offered and `tools` are not."""
    return bool(request.get("functions")) and not request.get("tools")


def tool_choice(request: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """(mode, names): mode is none, auto, required or named; names restrict what may be called.

    Covers `tool_choice` as a word, a named function or custom tool, `allowed_tools`, and the legacy
    `function_call`. Names () means every tool offered.
    """
    choice = request.get("function_call") if is_legacy(request) else request.get("tool_choice")
    if isinstance(choice, str) and choice in ("none", "auto", "required"):
        return choice, ()
    if not isinstance(choice, Mapping):
        return "auto", ()
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, Mapping):
        mode = "required" if allowed.get("mode") == "required" else "auto"
        return mode, tuple(_tool_name(tool) for tool in _mappings(allowed.get("tools")))
    name = _tool_name(choice)
    return ("named", (name,)) if name else ("auto", ())


def response_format(request: Mapping[str, Any]) -> str:
    """text, json_object or json_schema."""
    wanted = request.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    return kind if isinstance(kind, str) else "text"


def response_schema(request: Mapping[str, Any]) -> Any:
    """The schema of `response_format: json_schema`; {} where it gives none."""
    wanted = request.get("response_format")
    holder = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    schema = holder.get("schema") if isinstance(holder, Mapping) else None
    return {} if schema is None else schema


def token_limit(request: Mapping[str, Any]) -> int | None:
    """`max_completion_tokens`, else `max_tokens`; None for no limit."""
    for name in ("max_completion_tokens", "max_tokens"):
        limit = request.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0:
            return limit
    return None


def stops(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The stop sequences, empty ones left out."""
    stop = request.get("stop")
    listed: Sequence[Any] = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return tuple(one for one in listed if isinstance(one, str) and one)


def choice_count(request: Mapping[str, Any]) -> int:
    """`n`, at least 1 and at most 128."""
    wanted = request.get("n")
    return min(max(wanted, 1), 128) if isinstance(wanted, int) else 1


def is_reasoning_model(request: Mapping[str, Any]) -> bool:
    """Whether the model's name is a reasoning model's: o1, o3, o4-mini, gpt-5 but not gpt-5-chat."""
    return bool(_REASONING.search(str(request.get("model", ""))))


def _read_tool(function: Mapping[str, Any], kind: str) -> Tool:
    description = function.get("description")
    return Tool(
        name=str(function.get("name") or ""),
        description=description if isinstance(description, str) else "",
        parameters=function.get("parameters", {"type": "object", "properties": {}}),
        kind=kind,
    )


def _tool_name(choice: Mapping[str, Any]) -> str:
    for holder in (choice.get("function"), choice.get("custom"), choice):
        if isinstance(holder, Mapping) and isinstance(holder.get("name"), str):
            return str(holder["name"])
    return ""


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else iter(())
