"""A reply says the same as a dict and as a stream, in every style, and the official types accept both."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.render.chat import render_dict, render_stream
from fake_server.reply import Choice, Reply, TokenLogprob, ToolCall, Usage
from fake_server.style import Style
from fake_server.wire import sse

STYLES = [Style.PLAIN, *(Style.draw(seed, b"{}") for seed in range(30))]
STREAM = {"stream": True, "stream_options": {"include_usage": True}}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.text("abcdefgh_", min_size=1, max_size=8)
calls = st.builds(
    ToolCall,
    name=names,
    arguments=st.dictionaries(names, texts, max_size=2).map(json.dumps),
    kind=st.sampled_from(["function", "custom"]),
)
answers = st.one_of(
    st.builds(Choice, content=texts, annotations=st.just(())),
    st.builds(Choice, refusal=texts),
    st.builds(Choice, content=st.none() | texts, reasoning=texts),
    st.builds(
        Choice,
        content=st.none() | texts,
        tool_calls=st.lists(calls, min_size=1, max_size=3).map(tuple),
        finish_reason=st.just("tool_calls"),
    ),
    st.builds(Choice, function_call=calls, finish_reason=st.just("function_call")),
    st.lists(texts.filter(bool), min_size=1, max_size=4).map(
        lambda parts: Choice(
            content="".join(parts),
            logprobs=tuple(TokenLogprob(part, -0.5, ((part, -0.5), ("x", -2.0))) for part in parts),
        )
    ),
)
replies = st.builds(
    Reply,
    choices=st.lists(answers, min_size=1, max_size=3).map(tuple),
    usage=st.builds(Usage, st.integers(1, 99), st.integers(0, 99)),
    model=st.just("gpt-4o-mini"),
)


@cache
def adapter(name: str) -> Any:
    from openai.types import chat
    from pydantic import TypeAdapter

    return TypeAdapter(getattr(chat, name))


def chunks_of(events: list[bytes]) -> list[Any]:
    found = [event.data for event in sse.decode(b"".join(events)) if event.data is not None]
    assert found[-1] == "[DONE]"
    return [json.loads(text) for text in found[:-1]]


def joined(chunks: list[Any], index: int) -> dict[str, Any]:
    """What a client makes of the chunks of one choice."""
    said: dict[str, Any] = {
        "content": "",
        "refusal": "",
        "reasoning_content": "",
        "calls": {},
        "legacy": ["", ""],
    }
    for chunk in chunks:
        for entry in chunk["choices"]:
            if entry["index"] != index:
                continue
            delta = entry["delta"]
            for name in ("content", "refusal", "reasoning_content"):
                said[name] += delta.get(name) or ""
            for call in delta.get("tool_calls", ()):
                made = said["calls"].setdefault(call["index"], {"name": "", "text": ""})
                body = call.get("function") or call.get("custom")
                made["name"] += body.get("name", "")
                made["text"] += body.get("arguments", body.get("input"))
            for place, name in enumerate(("name", "arguments")):
                said["legacy"][place] += delta.get("function_call", {}).get(name, "")
            said["finish"] = entry["finish_reason"]
            if entry["logprobs"]:
                said.setdefault("logprobs", []).extend(entry["logprobs"]["content"])
    return said


@settings(max_examples=60, deadline=None)
@given(replies, st.sampled_from(STYLES))
def test_the_stream_says_what_the_dict_says(reply: Reply, style: Style) -> None:
    whole = json.loads(render_dict(reply, {}, style))
    chunks = chunks_of(render_stream(reply, STREAM, style))
    assert len(whole["choices"]) == len(reply.choices)
    for choice in whole["choices"]:
        message, said = choice["message"], joined(chunks, choice["index"])
        assert said["content"] == (message["content"] or "")
        assert said["refusal"] == (message["refusal"] or "")
        assert said["reasoning_content"] == message.get("reasoning_content", "")
        bodies = [call.get("function") or call.get("custom") for call in message.get("tool_calls", ())]
        assert [said["calls"][place]["name"] for place in sorted(said["calls"])] == [
            b["name"] for b in bodies
        ]
        texts = [body.get("arguments", body.get("input")) for body in bodies]
        assert [said["calls"][place]["text"] for place in sorted(said["calls"])] == texts
        legacy = message.get("function_call", {"name": "", "arguments": ""})
        assert said["legacy"] == [legacy["name"], legacy["arguments"]]
        assert said["finish"] == choice["finish_reason"]
        assert said.get("logprobs") == (choice["logprobs"] or {}).get("content")
    assert chunks[-1]["usage"] == whole["usage"]
    assert {(chunk["id"], chunk["created"]) for chunk in chunks} == {(chunks[0]["id"], chunks[0]["created"])}


@settings(max_examples=40, deadline=None)
@given(replies, st.sampled_from(STYLES))
def test_the_official_types_accept_both_forms_strictly(reply: Reply, style: Style) -> None:
    adapter("ChatCompletion").validate_json(render_dict(reply, {}, style), strict=True)
    if any(call.kind == "custom" for choice in reply.choices for call in choice.tool_calls):
        return  # the types of a chunk know no custom tool calls
    for chunk in chunks_of(render_stream(reply, STREAM, style)):
        adapter("ChatCompletionChunk").validate_python(chunk, strict=True)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.grain}-{style.order}")
def test_a_stream_cut_at_any_byte_is_the_same_stream(style: Style) -> None:
    reply = Reply((Choice(content="Tree — baum\u2028木 🌳"),), Usage(3, 4), "m")
    stream = b"".join(render_stream(reply, STREAM, style))
    whole = sse.decode(stream)
    for place in range(1, len(stream), 7):
        decoder = sse.Decoder()
        assert [*decoder.feed(stream[:place]), *decoder.feed(stream[place:]), *decoder.close()] == whole


def test_equal_requests_are_written_alike_and_seeds_differ() -> None:
    assert Style.draw(3, b"x") == Style.draw(3, b"x")
    assert len({Style.draw(seed, b"x") for seed in range(20)}) > 10


def test_usage_comes_only_when_it_is_asked_for() -> None:
    reply = Reply((Choice(content="a"),), Usage(3, 4), "m")
    chunks = chunks_of(render_stream(reply, {"stream": True}, Style.PLAIN))
    assert all("usage" not in chunk and chunk["choices"] for chunk in chunks)


def test_a_lone_surrogate_is_written_as_an_escape() -> None:
    reply = Reply((Choice(content="a\ud800b"),), Usage(3, 4), "m")
    assert b"\\ud800" in render_dict(reply, {}, Style.PLAIN)
    assert b"\\ud800" in b"".join(render_stream(reply, {}, Style.PLAIN))
