"""A reply says the same as a dict and as a stream, in every style, and the official types accept both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.api.render.chat import render_dict, render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob, ToolCall, Usage
from fake_server.wire import sse

STYLES = [Style.PLAIN, *(Style.draw(seed, b"{}") for seed in range(49))]
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


def chunks_of(events: Iterable[bytes]) -> list[Any]:
    texts = [event.data for event in sse.decode(b"".join(events)) if event.data is not None]
    assert texts[-1] == "[DONE]"
    return [json.loads(text) for text in texts[:-1]]


def joined(chunks: list[Any], index: int) -> dict[str, Any]:
    """What a client makes of the chunks of one choice."""
    joined_parts: dict[str, Any] = {
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
                joined_parts[name] += delta.get(name) or ""
            for call in delta.get("tool_calls", ()):
                call_parts = joined_parts["calls"].setdefault(call["index"], {"name": "", "text": ""})
                body = call.get("function") or call.get("custom")
                call_parts["name"] += body.get("name", "")
                call_parts["text"] += body.get("arguments", body.get("input"))
            for place, name in enumerate(("name", "arguments")):
                joined_parts["legacy"][place] += delta.get("function_call", {}).get(name, "")
            joined_parts["finish"] = entry["finish_reason"]
            if entry["logprobs"]:
                joined_parts.setdefault("logprobs", []).extend(entry["logprobs"]["content"])
    return joined_parts


@settings(max_examples=60, deadline=None)
@given(replies, st.sampled_from(STYLES))
def test_the_stream_says_what_the_dict_says(reply: Reply, style: Style) -> None:
    whole = json.loads(render_dict(reply, {}, style))
    chunks = chunks_of(render_stream(reply, STREAM, style))
    assert len(whole["choices"]) == len(reply.choices)
    for choice in whole["choices"]:
        message, parts = choice["message"], joined(chunks, choice["index"])
        assert parts["content"] == (message["content"] or "")
        assert parts["refusal"] == (message["refusal"] or "")
        assert parts["reasoning_content"] == message.get("reasoning_content", "")
        bodies = [call.get("function") or call.get("custom") for call in message.get("tool_calls", ())]
        assert [parts["calls"][place]["name"] for place in sorted(parts["calls"])] == [b["name"] for b in bodies]
        texts = [body.get("arguments", body.get("input")) for body in bodies]
        assert [parts["calls"][place]["text"] for place in sorted(parts["calls"])] == texts
        legacy = message.get("function_call", {"name": "", "arguments": ""})
        assert parts["legacy"] == [legacy["name"], legacy["arguments"]]
        assert parts["finish"] == choice["finish_reason"]
        assert parts.get("logprobs") == (choice["logprobs"] or {}).get("content")
    assert chunks[-1]["usage"] == whole["usage"]
    constant = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
    assert len({tuple(chunk[name] for name in constant) for chunk in chunks}) == 1
    assert all(chunk["usage"] is None and len(chunk["choices"]) == 1 for chunk in chunks[:-1])


@settings(max_examples=40, deadline=None)
@given(replies, st.sampled_from(STYLES))
def test_the_official_types_accept_both_forms_strictly(reply: Reply, style: Style) -> None:
    adapter("ChatCompletion").validate_json(render_dict(reply, {}, style), strict=True)
    if any(call.kind == "custom" for choice in reply.choices for call in choice.tool_calls):
        return  # the types of a chunk know no custom tool calls
    for chunk in chunks_of(render_stream(reply, STREAM, style)):
        adapter("ChatCompletionChunk").validate_python(chunk, strict=True)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.cuts}-{style.order}")
def test_a_stream_cut_at_any_byte_is_the_same_stream(style: Style) -> None:
    reply = Reply((Choice(content="Tree — baum\u2028木 🌳"),), Usage(3, 4), "m")
    stream = b"".join(render_stream(reply, STREAM, style))
    whole = sse.decode(stream)
    bytewise = sse.Decoder()
    one_by_one = [event for byte in stream for event in bytewise.feed(bytes([byte]))]
    assert [*one_by_one, *bytewise.close()] == whole
    for place in range(1 + STYLES.index(style) % 7, len(stream), 7):
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


def deltas_of(choice: Choice, style: Style = Style.PLAIN) -> list[Any]:
    chunks = chunks_of(render_stream(Reply((choice,), Usage(3, 4), "m"), {}, style))
    return [chunk["choices"][0]["delta"] for chunk in chunks]


def test_a_single_call_begins_in_the_first_delta_and_several_after_it() -> None:
    call = ToolCall("f", "{}", id="call_1")
    begun = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    first = deltas_of(Choice(tool_calls=(call,)))
    assert first[0] == {"role": "assistant", "content": None, "tool_calls": [begun], "refusal": None}
    several = deltas_of(Choice(tool_calls=(call, call)))
    assert several[:2] == [{"role": "assistant", "content": None}, {"tool_calls": [begun]}]


def test_a_bare_opening_says_the_role_alone() -> None:
    style = Style(bare_opening=True)
    call = ToolCall("f", "{}")
    for choice in (Choice(content="a"), Choice(tool_calls=(call,)), Choice(function_call=call)):
        opening, following, *_ = deltas_of(choice, style)
        assert opening == {"role": "assistant"}
        assert following != {}


def test_log_probabilities_open_empty_and_share_a_delta_with_their_tokens() -> None:
    scored = tuple(TokenLogprob(f" {word}", -0.5) for word in "abcdef")
    reply = Reply((Choice(content=" a b c d e f", logprobs=scored),), Usage(3, 4), "m")
    chunks = chunks_of(render_stream(reply, {}, Style(cuts="groups")))
    entries = [chunk["choices"][0] for chunk in chunks]
    assert entries[0]["logprobs"] == {"content": [], "refusal": None}
    assert [len(entry["logprobs"]["content"]) for entry in entries[1:-1]] == [4, 2]
    assert entries[1]["delta"]["content"] == " a b c d"
    assert entries[-1]["logprobs"] is None


def test_choices_are_told_side_by_side() -> None:
    reply = Reply((Choice(content="a b"), Choice(content="c")), Usage(3, 4), "m")
    chunks = chunks_of(render_stream(reply, {}, Style.PLAIN))
    assert [chunk["choices"][0]["index"] for chunk in chunks] == [0, 1, 0, 1, 0, 1, 0]


def test_padding_is_on_every_chunk_or_none() -> None:
    reply = Reply((Choice(content="a b"),), Usage(3, 4), "m")
    padded = Style(obfuscation=True)
    assert all(chunk["obfuscation"] for chunk in chunks_of(render_stream(reply, STREAM, padded)))
    options = {"include_usage": True, "include_obfuscation": False}
    unpadded = chunks_of(render_stream(reply, {"stream_options": options}, padded))
    assert not any("obfuscation" in chunk for chunk in unpadded)


def test_an_answer_of_now_has_the_time_and_an_id_of_its_own_unless_set() -> None:
    reply = Reply((Choice(content="a"),), Usage(3, 4), "m")
    first, second = (json.loads(render_dict(reply, {}, Style.PLAIN)) for _ in range(2))
    assert first["id"] != second["id"]
    assert abs(first["created"] - time.time()) < 60
    reply_dict = json.loads(render_dict(replace(reply, id="x", created=5, system_fingerprint="fp"), {}, Style.PLAIN))
    assert (reply_dict["id"], reply_dict["created"], reply_dict["system_fingerprint"]) == ("x", 5, "fp")
