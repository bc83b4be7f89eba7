"""Read a chat request leniently: its texts, roles, tools and options.

Every function accepts any JSON object and never raises: a member of the wrong type counts as absent.
Refusing bad requests is the job of `api/validate`.
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
BUILT_IN = "built_in_tools"
"""Where a request for a Response, read as a chat, has the types of the built-in tools that may be called."""
_WITHOUT_EFFORT = re.compile(r"(?:^|[/.])gpt-5\.[1-4](?!\d)", re.IGNORECASE)
"""Reasoning models that think only if they are told to (genuine recordings)."""
_REASONING = re.compile(r"(?:^|[/.])(?:o[1-9]\b|gpt-[5-9])(?!.*chat)", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """A message: its role, its text parts joined by newlines, and its raw content."""

    role: str
    text: str
    content: Any = field(default=None, compare=False, repr=False)

    @cached_property
    def folded(self) -> str:
        """The text casefolded, for case-insensitive comparison."""
        return self.text.casefold()

    @property
    def value(self) -> Any:
        """The list of content parts, or else the text parsed as JSON, None if it is not JSON."""
        return self.content if isinstance(self.content, list) else _parse_json(self.text)


@dataclass(frozen=True)
class Tool:
    """A tool the request offers. `kind` is "function" or "custom"; `parameters` is a JSON Schema.

    `grammar` is a regular expression that the whole input of a custom tool has to match, '' for none.
    """

    name: str
    description: str
    parameters: Any
    kind: str = "function"
    grammar: str = ""


def messages(request: Mapping[str, Any]) -> tuple[Message, ...]:
    """Every message in order."""
    given = request.get("messages")
    if not isinstance(given, list):
        return ()
    return tuple(
        [
            Message(str(message.get("role", "")), content_text(content := message.get("content")), content)
            for message in given
            if isinstance(message, Mapping)
        ]
    )


def content_text(content: object) -> str:
    """The text of a message's content: the string, or its text parts joined by newlines."""
    if isinstance(content, str):
        text = content
    else:
        parts = (part.get("text") for part in _mappings(content))
        text = "\n".join(part for part in parts if isinstance(part, str))
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # no lone surrogates


def last_user_text(request: Mapping[str, Any]) -> str:
    """The text of the last user message, '' without one."""
    return next((message.text for message in reversed(messages(request)) if message.role == "user"), "")


def system_text(request: Mapping[str, Any]) -> str:
    """The text of all system and developer messages, joined by newlines."""
    return "\n".join(message.text for message in messages(request) if message.role in SYSTEM_ROLES)


def turn(request: Mapping[str, Any]) -> int:
    """The turn of the conversation: 1 plus the number of assistant messages."""
    return 1 + sum(message.role == "assistant" for message in messages(request))


@dataclass(frozen=True)
class ToolResult:
    """A tool's result: the tool's name ('' if no call has the result's id), the text, and the call's id."""

    tool: str
    text: str
    id: str = ""

    @cached_property
    def value(self) -> Any:
        """The text parsed as JSON, None if it is not JSON."""
        return _parse_json(self.text)


def tool_results(request: Mapping[str, Any]) -> tuple[ToolResult, ...]:
    """All tool results in order."""
    names: dict[str, str] = {}
    results = []
    for message in _mappings(request.get("messages")):
        for call in _mappings(message.get("tool_calls")):
            names[str(call.get("id", ""))] = _tool_name(call)
        if message.get("role") in RESULT_ROLES:
            called = str(message.get("tool_call_id", ""))
            name = names.get(called, str(message.get("name") or ""))
            results.append(ToolResult(name, content_text(message.get("content")), called))
    return tuple(results)


def tools(request: Mapping[str, Any]) -> tuple[Tool, ...]:
    """All tools offered, including the legacy `functions`, in order."""
    kinds = [(str(tool.get("type", "function")), tool) for tool in _mappings(request.get("tools"))]
    declared = [(kind, _mapping(tool.get(kind))) for kind, tool in kinds]
    declared += [("function", function) for function in _mappings(request.get("functions"))]
    return tuple(_read_tool(function, kind) for kind, function in declared if function.get("name"))


def offered_names(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the tools offered; those that the server has built in go by their types."""
    built_in = request.get(BUILT_IN)
    types = [name for name in built_in if isinstance(name, str)] if isinstance(built_in, list) else []
    return (*(tool.name for tool in tools(request)), *types)


def is_legacy(request: Mapping[str, Any]) -> bool:
    """Whether calls are answered in the legacy form: `functions` are offered and `tools` are not."""
    return bool(request.get("functions")) and not request.get("tools")


def tool_choice(request: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return (mode, names): mode is none, auto, required or named; names restrict what may be called.

    Reads `tool_choice` as a string, a named function or custom tool, or `allowed_tools`, and the legacy
    `function_call`. Empty names mean every tool offered.
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
    """The type of the response format: text, json_object or json_schema."""
    kind = _mapping(request.get("response_format")).get("type")
    return kind if isinstance(kind, str) else "text"


def response_schema(request: Mapping[str, Any]) -> Any:
    """The schema of a `json_schema` response format, {} without one."""
    schema = _mapping(_mapping(request.get("response_format")).get("json_schema")).get("schema")
    return {} if schema is None else schema


def token_limit(request: Mapping[str, Any]) -> int | None:
    """`max_completion_tokens`, or else `max_tokens`; None without a limit."""
    for name in ("max_completion_tokens", "max_tokens"):
        limit = request.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0:
            return limit
    return None


def stops(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The stop sequences that are not empty."""
    stop = request.get("stop")
    sequences: Sequence[Any] = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return tuple([sequence for sequence in sequences if isinstance(sequence, str) and sequence])


def choice_count(request: Mapping[str, Any]) -> int:
    """`n`, clamped to 1..128."""
    count = request.get("n")
    return min(max(count, 1), 128) if isinstance(count, int) else 1


def is_reasoning_model(request: Mapping[str, Any]) -> bool:
    """Whether the name is that of a reasoning model: o1, o3, o4-mini, gpt-5, but not gpt-5-chat."""
    return bool(_REASONING.search(str(request.get("model", ""))))


def default_effort(request: Mapping[str, Any]) -> str | None:
    """How much a reasoning model thinks if it is not told: `none` or `medium`; None for other models."""
    if not is_reasoning_model(request):
        return None
    return "none" if _WITHOUT_EFFORT.search(str(request.get("model", ""))) else "medium"


def _read_tool(function: Mapping[str, Any], kind: str) -> Tool:
    description = function.get("description")
    return Tool(
        name=str(function["name"]),
        description=description if isinstance(description, str) else "",
        parameters=function.get("parameters", {"type": "object", "properties": {}}),
        kind=kind,
        grammar=_grammar(function.get("format")),
    )


def _grammar(form: object) -> str:
    """The regular expression of a custom tool's format, which responses write without the object inside."""
    grammar = _mapping(form).get("grammar") or form
    definition = _mapping(grammar).get("definition")
    return definition if isinstance(definition, str) and _mapping(grammar).get("syntax") == "regex" else ""


def _tool_name(choice: Mapping[str, Any]) -> str:
    names = (_mapping(holder).get("name") for holder in (choice.get("function"), choice.get("custom"), choice))
    return next((name for name in names if isinstance(name, str)), "")


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())
