"""What a recording's redaction changed inside an answer is not the server's fault; what stands beside it is judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge
from fake_server.relay.redact import redact
from fake_server.wire.exchange import Exchange, Request, Write

JSON = ("Content-Type", "application/json")
KEY = "sk-00112233445566778899aabbccddeeff"
LOCKED = {"properties": {"password": {"const": "mellon"}}}
SAMPLES: list[tuple[dict[str, Any], Any]] = [
    ({"secret": {"type": "string", "enum": ["handshake", "wave"]}}, {"secret": "handshake"}),
    ({"secret": {"type": "string", "enum": ["open sesame"]}}, {"secret": "open sesame"}),
    ({"secret": {"type": "string", "enum": ["yes"]}}, {"secret": "yes"}),
    ({"password": {"type": "string", "const": "mellon"}}, {"password": "mellon"}),
    ({"password": {"type": "string", "pattern": "^[0-9]{6}$"}}, {"password": "123456"}),
    ({"password": {"type": "integer", "maximum": 200000}}, {"password": 123456}),
    ({"api_key": {"type": "string", "pattern": "^sk-[0-9a-f]+$"}}, {"api_key": KEY}),
    ({"text": {"type": "string", "pattern": "^key: sk-[0-9a-f]+!$"}}, {"text": f"key: {KEY}!"}),
    ({"a": {"anyOf": [{"type": "null"}, LOCKED]}}, {"a": {"password": "mellon"}}),
    ({"url": {"type": "string", "pattern": "^https://a/[?]key=[0-9a-f]+$"}}, {"url": f"https://a/?key={KEY[3:]}"}),
]


def exchange_of(properties: dict[str, Any], value: Any, form: str, stream: bool) -> Exchange:
    """A strict call, or a strict answer in JSON with its log probabilities."""
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    asked |= {"stream": True} if stream else {}
    text, finish = json.dumps(value), "tool_calls" if form == "tools" else "stop"
    message: dict[str, Any] = {"role": "assistant", "content": text}
    tokens = None
    if form == "tools":
        asked["tools"] = [{"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}]
        function = {"name": "f", "arguments": text}
        call = {"id": "call_1", "type": "function", "function": function} | ({"index": 0} if stream else {})
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    else:
        wanted = {"name": "f", "strict": True, "schema": schema}
        asked |= {"response_format": {"type": "json_schema", "json_schema": wanted}, "logprobs": True}
        parts = [text[start : start + 4] for start in range(0, len(text), 4)]
        listed = [{"token": part, "logprob": -0.1, "bytes": [*part.encode()], "top_logprobs": []} for part in parts]
        tokens = {"content": listed, "refusal": None}
    head = {"id": "chatcmpl-1", "created": 1780000000, "model": "m", "system_fingerprint": None}
    if stream:
        choices = [
            {"index": 0, "delta": message, "logprobs": tokens, "finish_reason": None},
            {"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish},
        ]
        chunks = [{**head, "object": "chat.completion.chunk", "choices": [choice]} for choice in choices]
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        kind = ("Content-Type", "text/event-stream")
    else:
        choice = {"index": 0, "message": {**message, "refusal": None}, "logprobs": tokens, "finish_reason": finish}
        usage = {"prompt_tokens": 8, "completion_tokens": 12, "total_tokens": 20}
        body = json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        kind = JSON
    request = Request("POST", "/v1/chat/completions", (JSON,), json.dumps(asked).encode())
    return Exchange(request, 200, (kind,), (Write(body.encode()),))


@pytest.mark.parametrize("stream", [False, True], ids=["dict", "stream"])
@pytest.mark.parametrize("form", ["tools", "formats"])
@pytest.mark.parametrize(("properties", "value"), SAMPLES, ids=[str(value) for _, value in SAMPLES])
def test_a_redacted_answer_breaks_nothing_more(properties: dict[str, Any], value: Any, form: str, stream: bool) -> None:
    exchange = exchange_of(properties, value, form, stream)
    redacted = redact(exchange).exchange
    assert redacted.payload != exchange.payload
    assert judge(redacted).ids() == judge(exchange).ids()


@pytest.mark.parametrize("form", ["tools", "formats"])
@pytest.mark.parametrize(
    "value",
    [
        {"secret": "handshake", "number": "2"},
        {"secret": "handshake"},
        {"secret": "handshake", "number": 2, "more": 1},
        {"secret": "handshake", "number": 9},
    ],
)
def test_what_stands_beside_a_dummy_is_judged(value: dict[str, Any], form: str) -> None:
    properties = {"secret": {"type": "string", "enum": ["handshake"]}, "number": {"type": "integer", "maximum": 3}}
    rule = "tools.strict-kept" if form == "tools" else "formats.schema-kept"
    redacted = redact(exchange_of(properties, value, form, stream=False)).exchange
    assert b"handshake" not in redacted.payload
    assert rule in judge(redacted).ids()


@pytest.mark.parametrize("value", ["NOT_STARTED", "$USD", "****", "<none>", "", "x", "[a]"])
def test_words_like_placeholders_are_no_dummies(value: str) -> None:
    properties = {"state": {"type": "string", "enum": ["STARTED"]}}
    for form, rule in (("tools", "tools.strict-kept"), ("formats", "formats.schema-kept")):
        assert rule in judge(exchange_of(properties, {"state": value}, form, stream=False)).ids()
