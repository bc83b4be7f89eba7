"""Calls of tools that OpenAI runs itself, for requests that demand one: the fake runs none, but says that it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fake_server.api import chat_request
from fake_server.api.reply import Reply

_LONGEST_QUERY = 200
_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A picture of one point."""


def _search(query: str) -> dict[str, Any]:
    action = {"type": "search", "query": query, "queries": [query]}
    return {"type": "web_search_call", "status": "completed", "action": action}


def _files(query: str) -> dict[str, Any]:
    return {"type": "file_search_call", "status": "completed", "queries": [query], "results": None}


def _code(query: str) -> dict[str, Any]:
    code = f"print({query!r})"
    return {
        "type": "code_interpreter_call",
        "status": "completed",
        "code": code,
        "container_id": "cntr_1",
        "outputs": None,
    }


def _drawing(query: str) -> dict[str, Any]:
    return {"type": "image_generation_call", "status": "completed", "result": _PICTURE, "revised_prompt": query}


_CALLS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "web_search": _search,
    "file_search": _files,
    "code_interpreter": _code,
    "image_generation": _drawing,
}
"""The calls by the beginning of the tool's type, which may have a version."""


def with_built_in(reply: Reply, request: Mapping[str, Any], chat: Mapping[str, Any]) -> Reply:
    """The reply after a call of the built-in tool that the request demands; as it is if a script answers."""
    if reply.script is not None or any(choice.tool_calls for choice in reply.choices):
        return reply
    query = chat_request.last_user_text(chat)[:_LONGEST_QUERY]
    for kind in _demanded(request):
        for beginning, call in _CALLS.items():
            if kind.startswith(beginning):
                return replace(reply, before=(call(query),))
    return reply


def _demanded(request: Mapping[str, Any]) -> Iterator[str]:
    """The types of the tools of which one has to be called."""
    choice = request.get("tool_choice")
    tools: Any = ()
    if choice == "required":
        tools = request.get("tools")
    elif isinstance(choice, Mapping):
        allowed = choice.get("type") == "allowed_tools"
        tools = (choice.get("tools") if choice.get("mode") == "required" else ()) if allowed else [choice]
    for tool in tools or ():
        if isinstance(tool, Mapping) and isinstance(tool.get("type"), str):
            yield tool["type"]
