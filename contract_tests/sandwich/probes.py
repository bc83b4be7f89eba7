"""All probes: parameters, what is written word for word, replies of every kind, and failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from contract_tests.sandwich import parameters
from contract_tests.sandwich.probe import NAMES, PLAIN, QUESTION, Probe, chat
from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES

WORDS = (CHAT, COMPLETIONS, RESPONSES)
STATUSES = (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504, 529)
TEXT = "An acorn falls. Grüße, 世界 🌳, and “quotes”."
SCHEMA = {
    "type": "object",
    "properties": {
        "zone": {"type": "string", "enum": ["b", "a"], "default": None},
        "at": {"type": ["string", "null"], "description": "Where."},
        "each": {"type": "array", "items": {"$ref": "#/$defs/each"}},
    },
    "required": ["zone", "at", "each"],
    "additionalProperties": False,
    "$defs": {"each": {"type": "object", "properties": {}, "additionalProperties": False}},
}
TOOLS = [
    {"type": "function", "function": {"name": "look", "description": "", "strict": True, "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "listen"}},
]


@cache
def probes() -> tuple[Probe, ...]:
    """Every probe, in the order of reports; each has an id of its own."""
    return (*parameters.probes(), *_messages(), *_schemas(), *_replies(), *_flows(), *_failures())


def _user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def _messages() -> Iterator[Probe]:
    call = {"id": "call_α1", "type": "function", "function": {"name": "look", "arguments": '{ "at": "1.0" }'}}
    said: dict[str, list[dict[str, Any]]] = {
        "unicode": [_user("Grüße, 世界 🌳 e\u0301 \u200b\u2028 \\n \t end ")],
        "roles": [{"role": "developer", "content": "Be brief."}, {"role": "system", "content": ""}, _user(QUESTION)],
        "names": [_user("I am Ada.", name="ada"), _user("I am Bo.", name="bo")],
        "same-role-twice": [_user("First."), _user("Second."), _user(QUESTION)],
        "tool-calls": [
            _user("Look."),
            {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None},
            {"role": "tool", "tool_call_id": "call_α1", "content": "1.0"},
            _user("And now?"),
        ],
        "parts": [_user([{"type": "text", "text": "One. "}, {"type": "text", "text": "Two."}])],
        "cache-marks": [_user([{"type": "text", "text": "One.", "cache_control": {"type": "ephemeral"}}])],
        "picture": [
            _user(
                [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a?b=1&c=%2F", "detail": "low"}},
                ]
            )
        ],
        "long": [_user("Word. " * 4000 + QUESTION)],
    }
    for name, messages in said.items():
        title = f"messages: {name.replace('-', ' ')}"
        yield Probe(f"request.messages.{name}", title, CHAT, chat(messages=messages), "messages")
    one_hop = (("Connection", "close, X-Hop"), ("X-Hop", "1"), ("Proxy-Authorization", "Basic bm9ib2R5"))
    title = "header fields for the proxy alone"
    yield Probe("request.headers.hop-by-hop", title, CHAT, chat(), headers=one_hop)
    chunked = (("Transfer-Encoding", "chunked"), ("Content-Length", None))
    yield Probe("request.headers.chunked", "a body in chunks", CHAT, chat(), headers=chunked)
    items = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
    ]
    yield Probe("request.messages.items", "input items", RESPONSES, {"model": "gpt-4o", "input": items}, "input")


def _schemas() -> Iterator[Probe]:
    form = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
    yield Probe("request.schemas.tools", "two tools", CHAT, chat(tools=TOOLS), "tools")
    yield Probe("request.schemas.format", "a format", CHAT, chat(response_format=form), "response_format")
    tool = {"type": "function", "name": "look", "strict": True, "parameters": SCHEMA, "description": None}
    body = {**PLAIN[RESPONSES], "tools": [tool]}
    yield Probe("request.schemas.response-tools", "a tool of a Response", RESPONSES, body, "tools")


def _replies() -> Iterator[Probe]:
    """Replies of every kind, whole and as a stream."""
    calls = [{"name": "look", "arguments": {"at": "Oslo", "zone": "a"}}, {"name": "listen", "arguments": {}}]
    usage = {"prompt_tokens": 11, "completion_tokens": 22, "cached_tokens": 5, "reasoning_tokens": 7}
    cites = {
        "type": "url_citation",
        "url_citation": {"url": "https://example.com", "title": "A", "start_index": 0, "end_index": 2},
    }
    kinds: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
        "text": ({"text": TEXT, "usage": usage}, {}),
        "empty": ({"text": ""}, {}),
        "cut-off": ({"text": "An acorn", "finish_reason": "length"}, {}),
        "filtered": ({"text": "An acorn", "finish_reason": "content_filter"}, {}),
        "refusal": ({"refusal": "I can't help with that."}, {}),
        "calls": ({"tool_calls": calls}, {"tools": TOOLS}),
        "call-and-text": ({"text": "I look.", "tool_calls": calls[:1]}, {"tools": TOOLS}),
        "reasoning": ({"text": TEXT, "reasoning": "Trees drop acorns."}, {}),
        "annotations": ({"text": TEXT, "annotations": [cites]}, {}),
        "log-probabilities": ({"text": TEXT}, {"logprobs": True, "top_logprobs": 2}),
        "choices": ({"choices": [{"text": "One."}, {"text": "Two."}]}, {"n": 2}),
        "fingerprint": ({"text": TEXT, "system_fingerprint": "fp_1", "id": "chatcmpl-1", "created": 1700000000}, {}),
    }
    for name, (reply, members) in kinds.items():
        for stream in (False, True):
            more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
            label = f"reply.chat.{name}{'-stream' if stream else ''}"
            title = f"{name.replace('-', ' ')}{', streamed' if stream else ''}"
            yield Probe(label, title, CHAT, chat(**members, **more), reply=reply)
    for path in (COMPLETIONS, RESPONSES):
        for stream in (False, True):
            label = f"reply.{NAMES[path]}.text{'-stream' if stream else ''}"
            body = {**PLAIN[path], **({"stream": True} if stream else {})}
            yield Probe(label, f"text{', streamed' if stream else ''}", path, body, reply={"text": TEXT})
    tools = [{"type": "function", "name": call["name"]} for call in calls]
    for stream in (False, True):
        body = {**PLAIN[RESPONSES], "tools": tools, "stream": stream}
        label = f"reply.responses.calls{'-stream' if stream else ''}"
        yield Probe(label, f"calls{', streamed' if stream else ''}", RESPONSES, body, reply={"tool_calls": calls})
    for form in ("float", "base64"):
        body = {**PLAIN[EMBEDDINGS], "input": ["One.", QUESTION], "encoding_format": form}
        yield Probe(f"reply.embeddings.{form}", f"two vectors as {form}", EMBEDDINGS, body)


def _flows() -> Iterator[Probe]:
    """Streams that come bit by bit, and callers that do not wait."""
    slow = {"text": TEXT * 3, "timing": {"rate": 15}}
    yield Probe("flow.stream.paced", "a stream that takes its time", CHAT, chat(stream=True), reply=slow)
    yield Probe("flow.leave.stream", "a caller that leaves a stream", CHAT, chat(stream=True), reply=slow, leave=20.0)
    late = {"text": TEXT, "timing": {"first": 3.0}}
    yield Probe("flow.leave.dict", "a caller that leaves before the answer", CHAT, chat(), reply=late, leave=0.5)


def _failures() -> Iterator[Probe]:
    for status in STATUSES:
        error = {"status": status, "message": f"The upstream says {status}.", "type": "upstream_error"}
        error |= {"code": "upstream_code", "param": "messages"}
        if status in (429, 503):
            error |= {"headers": {"retry-after": "3", "retry-after-ms": "3000", "x-should-retry": "false"}}
        for path in (CHAT, RESPONSES):
            label = f"failure.{NAMES[path]}.{status}"
            yield Probe(label, f"status {status}", path, PLAIN[path], reply={"error": error})
    yield Probe(
        "failure.stream.429",
        "status 429 to a stream",
        CHAT,
        chat(stream=True),
        reply={"error": error | {"status": 429}},
    )
    bodies: dict[str, Mapping[str, Any]] = {
        "html": {"fault": "html-error", "status": 502},
        "empty": {"fault": "reply", "status": 500, "text": "", "content_type": "application/json"},
        "half-json": {
            "fault": "reply",
            "status": 500,
            "text": '{"error": {"message": "a',
            "content_type": "application/json",
        },
        "other-json": {"fault": "reply", "status": 400, "json": {"detail": "no"}},
        "closed": {"fault": "close"},
        "cut-dict": {"fault": "cut", "after_bytes": 40},
    }
    for name, fault in bodies.items():
        title = f"an upstream that answers: {name.replace('-', ' ')}"
        yield Probe(f"failure.body.{name}", title, CHAT, chat(), reply={"text": TEXT, "faults": [fault]})
    streams: dict[str, Mapping[str, Any]] = {
        "cut-at-once": {"fault": "cut", "after_events": 0},
        "cut": {"fault": "cut", "after_events": 3},
        "reset": {"fault": "cut", "after_events": 3, "ending": "rst"},
        "cut-in-an-event": {"fault": "cut", "after_bytes": 700},
        "no-last-chunk": {"fault": "no-last-chunk"},
        "error-event": {"fault": "error-event", "after_events": 3},
        "no-done": {"fault": "no-done"},
    }
    for name, fault in streams.items():
        reply = {"text": TEXT, "faults": [fault]}
        yield Probe(
            f"failure.stream.{name}", f"a stream: {name.replace('-', ' ')}", CHAT, chat(stream=True), reply=reply
        )
