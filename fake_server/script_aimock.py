"""Fixtures of aimock, `{fixtures: [{match, response}]}`, read as scripts, so that its users can move at once.

Source: the types of aimock 1.43. Its texts are looked for in any case here; how text is cut into chunks
(`chunkSize`) is the server's own style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ENDPOINTS = {"chat": "chat/completions", "embedding": "embeddings"}
_IGNORED = frozenset({"chunkSize", "role"})
_OPTIONS = ("latency", "chunkSize", "truncateAfterChunks", "disconnectAfterMs", "streamingProfile")


class NotOurs(ValueError):
    """A member that no script can say; `member` is its path in the fixture."""

    def __init__(self, member: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.member = member


def script_of(fixture: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The script, as it would be written, of one fixture. Raises NotOurs."""
    when: dict[str, Any] = {}
    for member, value in _mapping(fixture, "match").items():
        made = _MATCHES.get(member)
        if made is None:
            raise NotOurs(("match", member), f"a script has nothing like match.{member}: leave it out")
        if isinstance(value, Mapping):
            raise NotOurs(("match", member), f"match.{member} is a text here, not an object")
        _merge(when, made(value))
    response = dict(_mapping(fixture, "response"))
    options = {name: fixture[name] for name in _OPTIONS if name in fixture}
    return {"name": name, "when": when, "reply": _reply({**response, **options})}


def _mapping(fixture: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fixture.get(name, {})
    if not isinstance(value, Mapping):
        raise NotOurs((name,), f"{name} is an object: {{…}}")
    return value


def _endpoint(value: Any) -> dict[str, Any]:
    if value not in ENDPOINTS:
        why = f"the endpoint {value!r} is not scripted here: chat and embedding are"
        raise NotOurs(("match", "endpoint"), why)
    return {"endpoint": ENDPOINTS[value]}


def _last_is_result(value: Any) -> dict[str, Any]:
    return {"body": {"messages[-1].tool_call_id": {"exists": bool(value)}}}


_MATCHES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "userMessage": lambda value: {"messages": {"user": {"contains": value}}},
    "systemMessage": lambda value: {"messages": {"system": {"contains": value}}},
    "inputText": lambda value: {"endpoint": "embeddings", "messages": {"user": {"contains": value}}},
    "toolCallId": lambda value: {"body": {"messages[-1].tool_call_id": value}},
    "toolResultContains": lambda value: {"messages": {"last": {"role": "tool", "contains": value}}},
    "toolName": lambda value: {"tools": {"include": value}},
    "model": lambda value: {"model": {"prefix": value}},
    "responseFormat": lambda value: {"response_format": value},
    "sequenceIndex": lambda value: {"call": value + 1},
    "turnIndex": lambda value: {"turn": value + 1},
    "hasToolResult": _last_is_result,
    "endpoint": _endpoint,
}


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _reply(response: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = {}
    for member, value in response.items():
        if member in _IGNORED or value is None:
            continue
        made = _REPLIES.get(member)
        if made is None:
            raise NotOurs(("response", member), f"a script has nothing like response.{member}: leave it out")
        _merge(reply, made(value))
    if "error" in reply:
        reply["error"] = {"status": response.get("status", 500), **reply["error"]}
        return {name: reply[name] for name in ("error", "timing", "faults") if name in reply}
    reply.pop("status", None)
    return reply


def _calls(value: Any) -> dict[str, Any]:
    keys = ("name", "arguments", "id")
    return {"tool_calls": [{key: one[key] for key in keys if key in one} for one in value]}


def _usage(value: Any) -> dict[str, Any]:
    counts = {name: value[name] for name in ("prompt_tokens", "completion_tokens") if name in value}
    return {"usage": counts} if counts else {}


def _error(value: Any) -> dict[str, Any]:
    told = {name: value[name] for name in ("message", "type", "code", "param", "status") if name in value}
    return {"error": told}


def _profile(value: Any) -> dict[str, Any]:
    timing = {"first": value.get("ttft", 0) / 1000, "rate": float(value.get("tps", 0))}
    return {"timing": {**timing, "jitter": float(value.get("jitter", 0))}}


_REPLIES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "content": lambda value: {"text": value} if isinstance(value, str) else {"json": value},
    "reasoning": lambda value: {"reasoning": value},
    "refusal": lambda value: {"refusal": value},
    "toolCalls": _calls,
    "finishReason": lambda value: {"finish_reason": value},
    "usage": _usage,
    "error": _error,
    "status": lambda value: {},
    "id": lambda value: {"id": value},
    "model": lambda value: {"model": value},
    "created": lambda value: {"created": value},
    "systemFingerprint": lambda value: {"system_fingerprint": value},
    "latency": lambda value: {"timing": {"rate": 1000 / value}} if value else {},
    "streamingProfile": _profile,
    "truncateAfterChunks": lambda value: {"faults": [{"fault": "cut", "after_events": value}]},
    "disconnectAfterMs": lambda value: {"faults": [{"fault": "cut", "after_seconds": value / 1000}]},
}
