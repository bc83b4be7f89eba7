"""Convert fixtures of aimock, `{fixtures: [{match, response}]}`, into scripts, so that its users can switch.

Source: the types and the router of aimock 1.43. Here a `turnIndex` must be that of the request, while aimock
only prefers it; how text is split into chunks (`chunkSize`) is decided by the server's style. Members whose
names begin with `_` are remarks; a `context` is what the header X-AIMock-Context has to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fake_server.wire.jsontext import compact

ENDPOINTS = {"chat": "chat/completions", "embedding": "embeddings"}
_ELSEWHERE = frozenset(("image", "speech", "transcription", "video", "openai-live"))
"""Endpoints of aimock that are not served here."""
_IGNORED = frozenset(
    ("chunkSize", "role", "provider", "nativeFinishReason", "reasoningSignature", "redactedThinking", "webSearches")
)
"""Members without a meaning in OpenAI's API, or about its bytes only."""
_WITH_OTHERS = frozenset(("replaySpeed", "fallthrough", "retryAfter", "status"))
"""Members that say nothing by themselves; what others become may depend on them."""
_NOTES = frozenset(("match", "response", "metadata", "openRouterProcessing"))
_PACES = ("streamingProfile", "recordedTimings", "latency")
"""Members that say how fast an answer comes; the first that is given counts."""
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


class NotServed(ValueError):
    """A fixture of an endpoint that is not served here; the others of its file are used."""


class NotOurs(ValueError):
    """A member that scripts have nothing like; `member` is its path in the fixture."""

    def __init__(self, member: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.member = member


def script_of(fixture: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Convert one fixture into a script, as it would be written. Raises NotOurs, NotServed."""
    fixture = without_remarks(fixture)
    match = _mapping(fixture, "match")
    endpoint = match.get("endpoint")
    if isinstance(endpoint, str) and endpoint in _ELSEWHERE:
        raise NotServed(f"the fixture is left out: {endpoint} is not served here, chat and embedding are")
    when: dict[str, Any] = {}
    for member, value in match.items():
        convert = _MATCHES.get(member)
        if convert is None:
            raise NotOurs(("match", member), f"a script has nothing like match.{member}: leave it out")
        if isinstance(value, Mapping):
            raise NotOurs(("match", member), f"match.{member} must be a string here, not an object")
        _merge(when, convert(value))
    reply = _reply(_mapping(fixture, "response"), "response")
    pace = next((name for name in _PACES if fixture.get(name)), None)
    ignored = _NOTES.union(name for name in _PACES if name != pace)
    options = _reply({name: value for name, value in fixture.items() if name not in ignored})
    faults = [*reply.pop("faults", ()), *options.pop("faults", ())]
    return {"name": name, "when": when, "reply": {**reply, **options, **({"faults": faults} if faults else {})}}


def _mapping(fixture: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fixture.get(name, {})
    if not isinstance(value, Mapping):
        raise NotOurs((name,), f"{name} must be an object: {{…}}")
    return without_remarks(value)


def without_remarks(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members without remarks: those whose names begin with `_`."""
    return {name: value for name, value in members.items() if not name.startswith("_")}


def _text(value: Any) -> dict[str, Any]:
    """The test of a text, which aimock looks for case-sensitively; of several texts if it is a list."""
    exact = {"regex": _literal(value)} if isinstance(value, str) else {}
    return {"contains": value, **exact}


def _model(value: str) -> dict[str, Any]:
    """The test of a model by name, or of one of its snapshots."""
    return {"model": {"prefix": value, "regex": f"^{_literal(value)}(-[0-9].*)?$"}}


def _literal(text: str) -> str:
    """A pattern that finds this text."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _endpoint(value: Any) -> dict[str, Any]:
    if value not in ENDPOINTS:
        raise NotOurs(("match", "endpoint"), f"the endpoint {value!r} is not scripted here: chat and embedding are")
    return {"endpoint": ENDPOINTS[value]}


_MATCHES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "context": lambda value: {"headers": {"x-aimock-context": {"equals": value}}},
    "userMessage": lambda value: {"messages": {"user": _text(value)}},
    "systemMessage": lambda value: {"messages": {"system": _text(value)}},
    "inputText": lambda value: {"endpoint": "embeddings", "messages": {"user": _text(value)}},
    "toolCallId": lambda value: {"body": {"messages[-1].tool_call_id": value}},
    "toolResultContains": lambda value: {"messages": {"last": {"role": "tool", **_text(value)}}},
    "toolName": lambda value: {"tools": {"include": value}},
    "model": _model,
    "responseFormat": lambda value: {"response_format": value},
    "sequenceIndex": lambda value: {"call": value + 1},
    "turnIndex": lambda value: {"turn": value + 1},
    "hasToolResult": lambda value: {"body": {"messages[-1].tool_call_id": {"exists": bool(value)}}},
    "endpoint": _endpoint,
}


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _reply(response: Mapping[str, Any], *holder: str) -> dict[str, Any]:
    reply: dict[str, Any] = {}
    for member, value in response.items():
        if member in _IGNORED or member in _WITH_OTHERS or value is None:
            continue
        convert = _REPLIES.get(member)
        if convert is None:
            name = ".".join((*holder, member))
            raise NotOurs((*holder, member), f"a script has nothing like {name}: leave it out")
        _merge(reply, convert(value))
    speed = response.get("replaySpeed") or 1
    if speed > 0 and "timing" in reply:
        reply["timing"] = _faster(reply["timing"], speed)
    if "retryAfter" in response and "error" in reply:
        reply["error"]["headers"] = {"Retry-After": str(response["retryAfter"])}
    if "error" in reply:
        reply["error"] = {"status": response.get("status", 500), **reply["error"]}
        return {name: reply[name] for name in ("error", "timing", "faults") if name in reply}
    return reply


def _pick(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members of these names that are there."""
    return {name: value[name] for name in names if name in value}


def _calls(value: Any) -> dict[str, Any]:
    calls = [_pick(call, "name", "arguments", "id") for call in value]
    for call in calls:
        if isinstance(call.get("arguments"), list):
            call["arguments"] = compact(call["arguments"])
    return {"tool_calls": calls}


def _blocks(value: Any) -> dict[str, Any]:
    """Texts and calls in any order; here all text comes first."""
    texts = [block["text"] for block in value if block["type"] == "text"]
    calls = _calls([block for block in value if block["type"] == "toolCall"])
    return {**({"text": "".join(texts)} if texts else {}), **(calls if calls["tool_calls"] else {})}


def _usage(value: Any) -> dict[str, Any]:
    counts = _pick(value, "prompt_tokens", "completion_tokens")
    for holder, name in (("prompt", "cached_tokens"), ("completion", "reasoning_tokens")):
        counts |= _pick(value.get(f"{holder}_tokens_details") or {}, name)
    return {"usage": counts} if counts else {}


def _profile(value: Any) -> dict[str, Any]:
    rate, jitter = float(value.get("tps", 0)), float(value.get("jitter", 0))
    return {"timing": {"first": value.get("ttft", 0) / 1000, "rate": rate, "jitter": jitter}}


def _recorded(value: Any) -> dict[str, Any]:
    waits = (value.get("ttftMs", 0), *value.get("interChunkDelaysMs", ()))
    return {"timing": {"pauses": [max(wait, 0) / 1000 for wait in waits]}}


def _faster(timing: dict[str, Any], speed: float) -> dict[str, Any]:
    if "pauses" in timing:
        return {**timing, "speed": float(speed)}
    return {**timing, "first": timing.get("first", 0.0) / speed, "rate": timing.get("rate", 0.0) * speed}


def _chaos(value: Any) -> dict[str, Any]:
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("dropRate", {"fault": "error", "status": 500}),
        ("malformedRate", {"fault": "garbage", "text": "{malformed json: <<<chaos>>>"}),
        ("disconnectRate", {"fault": "close", "ending": "rst"}),
    )
    faults = [{**fault, "probability": value[name]} for name, fault in kinds if value.get(name)]
    return {"faults": faults} if faults else {}


_REPLIES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "content": lambda value: {"text": value} if isinstance(value, str) else {"json": value},
    "reasoning": lambda value: {"reasoning": value},
    "refusal": lambda value: {"refusal": value},
    "toolCalls": _calls,
    "finishReason": lambda value: {"finish_reason": value},
    "usage": _usage,
    "blocks": _blocks,
    "embedding": lambda value: {"embedding": value},
    "chaos": _chaos,
    "error": lambda value: {"error": _pick(value, "message", "type", "code", "param", "status")},
    "recordedTimings": _recorded,
    "id": lambda value: {"id": value},
    "model": lambda value: {"model": value},
    "created": lambda value: {"created": value},
    "systemFingerprint": lambda value: {"system_fingerprint": value},
    "latency": lambda value: {"timing": {"rate": 1000 / value}} if value else {},
    "streamingProfile": _profile,
    "truncateAfterChunks": lambda value: {"faults": [{"fault": "cut", "after_events": value}]},
    "disconnectAfterMs": lambda value: {"faults": [{"fault": "cut", "after_seconds": value / 1000}]},
}
