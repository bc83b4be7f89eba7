"""Read a request for a response leniently: as the chat request that stands for it, and what it asks beyond that.

Every function accepts any JSON object and never raises: a member of the wrong type counts as absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fake_server.api import chat_request, sealing
from fake_server.api.items import as_item
from fake_server.wire.budget import spend

MODEL = "gpt-4o"
"""The model of a request that names none, as its prompt does."""
ENCRYPTED, LOGPROBS = "reasoning.encrypted_content", "message.output_text.logprobs"
_NAMED = ("function", "custom", "namespace")
_SPECIAL = ("tools", "tool_choice", "top_logprobs")
_CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
Item = Mapping[str, Any]


def input_items(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The input as items: a text is one message of the user; messages have a type and a list of parts."""
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    return [as_item(item) for item in given if isinstance(item, Mapping)] if isinstance(given, list) else []


def resolve(items: Sequence[Item], earlier: Sequence[Item]) -> list[Item]:
    """All items, references replaced by the earlier items they mean; one to an unknown item is left out."""
    spend(1 + (len(items) + len(earlier)) // 10, "the items of its input")
    items, earlier = ([item for given in group for item in _unpacked(given)] for group in (items, earlier))
    known = {item["id"]: item for item in earlier if isinstance(item.get("id"), str)}
    own = [known.get(str(item.get("id"))) if item.get("type") == "item_reference" else item for item in items]
    return [*earlier, *(item for item in own if item is not None)]


def _unpacked(item: Item) -> list[Item]:
    """The items that a compaction of this server stands for; any other item alone."""
    sealed = item.get("encrypted_content") if item.get("type") == "compaction" else None
    inside = sealing.unseal(sealed) if isinstance(sealed, str) else None
    kept = inside.get("items") if isinstance(inside, dict) else None
    return [each for each in kept if isinstance(each, dict)] if isinstance(kept, list) else [item]


def as_chat(body: Mapping[str, Any], items: Sequence[Item] | None = None) -> dict[str, Any]:
    """The chat request that stands for it, with what else was asked beside it, for the conditions of scripts.

    `items` are all that it is about, as `resolve` gives them; those of its input alone, where there are no others.
    """
    if items is None:
        items = resolve(input_items(body), ())
    chat = {name: value for name, value in body.items() if value is not None and name not in _SPECIAL}
    chat["model"] = body.get("model") or MODEL
    chat["messages"] = _messages(body.get("instructions"), items)
    tools = [tool for _, tool in _offered(body, items)]
    if tools:
        chat["tools"] = tools
        chat["tool_choice"] = _tool_choice(body.get("tool_choice"))
    chat.pop(chat_request.BUILT_IN, None)
    if built_in := _built_in(body):
        chat[chat_request.BUILT_IN] = built_in
    if (limit := body.get("max_output_tokens")) is not None:
        chat["max_completion_tokens"] = limit
    if (effort := reasoning_effort(chat)) is not None:
        chat["reasoning_effort"] = effort
    form = _response_format(body)
    if form is not None:
        chat["response_format"] = form
    top = body.get("top_logprobs")
    if top or LOGPROBS in included(body):
        chat |= {"logprobs": True, "top_logprobs": top or 0}
    return chat


def included(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What is asked to be returned besides."""
    include = body.get("include")
    return tuple(name for name in include if isinstance(name, str)) if isinstance(include, list) else ()


def reasoning_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The member `reasoning`."""
    given = body.get("reasoning")
    return given if isinstance(given, Mapping) else {}


def summary_of(body: Mapping[str, Any]) -> str | None:
    """Which summary of reasoning is asked for: concise or detailed, as auto is; None without one."""
    reasoning = reasoning_of(body)
    summary = reasoning.get("summary") or reasoning.get("generate_summary")
    return "detailed" if summary == "auto" else summary if isinstance(summary, str) else None


def reasoning_effort(body: Mapping[str, Any]) -> str | None:
    """How much a reasoning model thinks, be it by default; None for other models, unless told."""
    effort = reasoning_of(body).get("effort")
    if isinstance(effort, str):
        return effort
    return chat_request.default_effort(body)


def namespaces(body: Mapping[str, Any]) -> dict[str, str]:
    """The namespace of each tool that is offered in one, by the tool's name."""
    offered = _offered(body, input_items(body))
    return {chat_request.tools({"tools": [tool]})[0].name: space for space, tool in offered if space}


# -- messages


def _messages(instructions: object, items: Iterable[Item]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if isinstance(instructions, str):
        messages.append({"role": "system", "content": instructions})
    for item in items:
        kind = str(item.get("type", "message"))
        if kind == "message":
            messages.append({"role": str(item.get("role", "user")), "content": _content(item.get("content"))})
        elif kind in _CALLS:
            _add_call(messages, _call(item, *_CALLS[kind]))
        elif kind.endswith("_call_output"):
            content = _result(item.get("output"))
            messages.append({"role": "tool", "tool_call_id": str(item.get("call_id", "")), "content": content})
        elif kind.endswith("_call") and item.get("call_id"):
            name, arguments = kind.removesuffix("_call"), json.dumps(item.get("action") or item.get("operation") or {})
            _add_call(messages, _call({**item, "name": name, "arguments": arguments}, "function", "arguments"))
    return messages


def _call(item: Item, kind: str, given: str) -> dict[str, Any]:
    called = {"name": str(item.get("name", "")), given: str(item.get(given, ""))}
    return {"id": str(item.get("call_id", "")), "type": kind, kind: called}


def _add_call(messages: list[dict[str, Any]], call: dict[str, Any]) -> None:
    """Add a call to the answer it is part of: parallel calls, and a text before them, are one message of a chat."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _content(content: object) -> Any:
    """A message's content as chat has it; a single text is that text, so that both ways to write it are one."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    parts = [part for given in content if isinstance(given, Mapping) for part in _part(given)]
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _part(part: Item) -> Iterator[dict[str, Any]]:
    kind = part.get("type")
    if isinstance(part.get("text"), str):
        yield {"type": "text", "text": part["text"]}
    elif kind == "refusal":
        yield {"type": "refusal", "refusal": str(part.get("refusal", ""))}
    elif kind in ("input_image", "computer_screenshot"):
        url = part.get("image_url") or f"file:{part.get('file_id', '')}"
        yield {"type": "image_url", "image_url": {"url": url, "detail": part.get("detail") or "auto"}}
    elif kind == "input_file":
        names = ("file_id", "file_data", "file_url", "filename")
        yield {"type": "file", "file": {name: part[name] for name in names if part.get(name) is not None}}


def _result(output: object) -> Any:
    """The text of a result; of one that is neither text nor parts its JSON."""
    if isinstance(output, str):
        return output
    if isinstance(output, list):
        content = _content(output)
        return content if content else json.dumps(output)
    return json.dumps(output)


# -- tools


def _offered(body: Mapping[str, Any], items: Iterable[Item]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The functions and custom tools in chat's form, each with its namespace, '' outside of any."""
    groups: list[object] = [body.get("tools")]
    groups += [item.get("tools") for item in items if item.get("type") in ("additional_tools", "tool_search_output")]
    for group in groups:
        for tool in group if isinstance(group, list) else ():
            if isinstance(tool, Mapping):
                yield from _tools_of(tool, "")


def _tools_of(tool: Item, space: str) -> Iterator[tuple[str, dict[str, Any]]]:
    kind, inner = tool.get("type"), tool.get("tools")
    if kind == "namespace" and isinstance(inner, list) and not space:
        for each in inner:
            if isinstance(each, Mapping):
                yield from _tools_of(each, str(tool.get("name", "")))
    elif kind in ("function", "custom") and tool.get("name"):
        rest = {name: value for name, value in tool.items() if name != "type" and value is not None}
        yield space, {"type": kind, kind: rest}


def _built_in(body: Mapping[str, Any]) -> list[str]:
    """The types of the built-in tools that are offered, less those that `tool_choice` keeps from being called."""
    tools, choice = body.get("tools"), body.get("tool_choice")
    offered = [tool for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
    types = list(dict.fromkeys(str(tool.get("type")) for tool in offered if tool.get("type") not in _NAMED))
    if isinstance(choice, Mapping):
        listed = choice.get("tools") if choice.get("type") == "allowed_tools" else [choice]
        allowed = [tool.get("type") for tool in listed if isinstance(tool, Mapping)] if isinstance(listed, list) else []
        return [name for name in types if name in allowed]
    return [] if choice == "none" else types


def _tool_choice(choice: object) -> Any:
    if not isinstance(choice, Mapping):
        return choice if isinstance(choice, str) else "auto"
    kind = choice.get("type")
    if kind == "allowed_tools":
        return {"type": kind, kind: {"mode": choice.get("mode"), "tools": choice.get("tools")}}
    return {"type": kind, kind: {"name": choice.get("name")}} if kind in ("function", "custom") else "auto"


def _response_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    text = body.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    if not isinstance(form, Mapping):
        return None
    if form.get("type") == "json_schema":
        return {"type": "json_schema", "json_schema": {name: value for name, value in form.items() if name != "type"}}
    return dict(form)
