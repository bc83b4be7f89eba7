"""What stands in a reply that no model wrote: values and failures of a program, files of the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request

POEM = fixture.load(ROOT / "fixtures" / "conforming" / "poem-dict.yaml").exchange


def replied(asked: str = "Say hello.", **message: Any) -> Exchange:
    """A reply with other members in its message."""
    body = json.loads(POEM.payload)
    body["choices"][0]["message"] |= message
    asks = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": asked}]}, ensure_ascii=False)
    request = Request("POST", POEM.request.target, POEM.request.headers, asks.encode())
    return POEM.but(request=request).with_payload(json.dumps(body).encode())


def streamed(*deltas: dict[str, Any]) -> set[str]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "m"}
    parts: list[dict[str, Any]] = [
        *({"delta": delta, "finish_reason": None} for delta in deltas),
        {"delta": {}, "finish_reason": "stop"},
    ]
    chunks = [json.dumps({**head, "choices": [{"index": 0, "logprobs": None, **part}]}) for part in parts]
    body = "".join(f"data: {data}\n\n" for data in [*chunks, "[DONE]"]).encode()
    request = Request("POST", "/v1/chat/completions", (), b'{"stream":true,"messages":[]}')
    return judge(Exchange(request, 200, (("Content-Type", "text/event-stream"),)).with_payload(body)).ids()


@pytest.mark.parametrize(
    "text",
    [
        "<generator object stream at 0x7f12ab>",
        "<function f at 0x7f12ab>",
        "<class 'str'>",
        "<Response [200]>",
        "content='Hello' role='assistant'",
        "content='Hello'",
        "choices=[Choice(index=0)]",
        "Hello, [object Object]!",
        "[object Object]",
        "map[content:Hello role:assistant]",
        "#<OpenAI::Message:0x0071 @role=:assistant>",
        "com.acme.Message@1b2c3d",
        "b'Hello'",
        "[{'type': 'text', 'text': 'Hello'}]",
    ],
)
def test_a_value_as_a_program_prints_it_is_no_answer(text: str) -> None:
    assert judge(replied(content=text)).ids() == {"formats.no-repr"}
    assert not judge(replied(f"Repeat: {text}", content=text)).ids()


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/app/x.py", line 3, in f\nKeyError: 1',
        "KeyError: 'choices'",
        "litellm.APIConnectionError: Cannot connect",
        "System.NullReferenceException: Object reference not set",
        "Error code: 401 - {'error': {}}",
        "Error: ENOENT: no such file or directory, open '/srv/app/config.json'",
        "[Errno 2] No such file or directory: '/app/models/x.gguf'",
        "/usr/lib/python3.11/site-packages/vllm/engine.py:33: RuntimeWarning",
        "panic: runtime error: index out of range",
        "502 Bad Gateway",
        "<html>\r\n<head><title>502 Bad Gateway</title></head>",
    ],
)
def test_what_a_program_says_when_it_fails_is_no_answer(text: str) -> None:
    assert judge(replied(content=text)).ids() == {"formats.no-trace"}
    assert not judge(replied("Which exception does this raise?", content=text)).ids()


@pytest.mark.parametrize(
    "text",
    [
        "None",
        "null",
        "Hello (b'x' is bytes).",
        "{'a': 1}",
        "['Hello']",
        "Error handling is hard.",
        "Error: I cannot compute that.",
        "Terror: a history",
        "404 is my favourite number.",
        "The file /etc/hosts maps names.",
        "/etc/hosts maps names to addresses.",
        "map[string]int is a type of Go.",
    ],
)
def test_what_a_model_may_well_write_is_left_alone(text: str) -> None:
    assert not judge(replied(content=text)).ids()


def test_nothing_beside_a_call_is_null_not_a_word() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    reply = replied(content="None", tool_calls=[call])
    assert "formats.no-repr" in judge(reply).ids()
    assert "formats.no-repr" not in judge(replied(content="Let me see.", tool_calls=[call])).ids()


@pytest.mark.parametrize("name", ["/models/tree.gguf", "C:\\models\\tree.gguf", "file:///srv/tree", "~/models/tree"])
def test_a_path_of_the_server_is_no_name_unless_it_was_asked_for(name: str) -> None:
    body = {**json.loads(POEM.payload), "model": name}
    named = POEM.with_payload(json.dumps(body).encode())
    assert "formats.no-path" in judge(named).ids()
    asked = json.dumps({"model": name, "messages": []}).encode()
    request = Request("POST", POEM.request.target, POEM.request.headers, asked)
    assert "formats.no-path" not in judge(named.but(request=request)).ids()


def test_names_with_slashes_are_no_paths() -> None:
    for name in ("meta-llama/Llama-3-8B", "accounts/fireworks/models/x", "@cf/meta/llama"):
        body = {**json.loads(POEM.payload), "model": name}
        assert "formats.no-path" not in judge(POEM.with_payload(json.dumps(body).encode())).ids()


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-4o-mini", True),
        ("llama-3", True),
        ("gpt-5-nano-2025-08-07", False),
        ("openai/o3-mini", False),
        ("gpt-4o-audio-preview-2024-12-17", False),
        ("gpt-4o-mini-search-preview", False),
    ],
)
def test_logprobs_are_a_member_where_the_model_gives_any(model: str, found: bool) -> None:
    body = {**json.loads(POEM.payload), "model": model}
    del body["choices"][0]["logprobs"]
    request = Request("POST", POEM.request.target, POEM.request.headers, json.dumps({"model": model}).encode())
    broken = judge(POEM.but(request=request).with_payload(json.dumps(body).encode())).ids()
    assert ("logprobs.member" in broken) is found


def test_a_text_stream_has_logprobs_in_its_choices() -> None:
    stream = fixture.load(ROOT / "fixtures" / "conforming" / "text-stream.yaml").exchange
    bare = stream.with_payload(stream.payload.replace(b'"logprobs":null,', b""))
    assert judge(bare).ids() == {"completions.logprobs-member"}


def test_nearly_all_of_a_long_answer_in_one_delta_is_no_stream() -> None:
    long = "A tree counts its rings. " * 20
    opening = {"role": "assistant", "content": ""}
    assert "chat.stream.in-pieces" in streamed(opening, {"content": long})
    assert "chat.stream.in-pieces" in streamed(opening, {"content": "A"}, {"content": long}, {"content": "."})
    halves = {"content": long[:250]}, {"content": long[250:]}
    assert "chat.stream.in-pieces" not in streamed(opening, *halves)
    assert "chat.stream.in-pieces" not in streamed(opening, {"content": "A short answer."})


def test_a_call_that_is_streamed_under_both_names_is_found() -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    old = {"function_call": {"name": "f", "arguments": "{}"}}
    opening = {"role": "assistant", "content": None}
    assert "tools.one-member" in streamed(opening, {"tool_calls": [call]}, old)
    assert "tools.one-member" in streamed(opening, {"tool_calls": [call], **old})
    assert "tools.one-member" not in streamed(opening, {"tool_calls": [call]})
    assert "tools.one-member" not in streamed(opening, old)
