"""What the fake renders plainly has the members, in the order, that genuine answers of OpenAI have."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from fake_server.api.render.chat import render_dict, render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob, ToolCall, Usage
from fake_server.tests.genuine import RECORDINGS, Shape, shapes
from fake_server.wire import sse

pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI")

CALL = ToolCall("get_weather", '{"city": "Oslo"}')
CHOICES = {
    "text": Choice(content="A tree stands."),
    "one call": Choice(tool_calls=(CALL,), finish_reason="tool_calls"),
    "two calls": Choice(tool_calls=(CALL, CALL), finish_reason="tool_calls"),
}
LEGACY = Choice(function_call=CALL, finish_reason="function_call")
SCORED = Choice(content="A tree", logprobs=(TokenLogprob("A", -0.5), TokenLogprob(" tree", -0.25)))
PADDED = Style()


def chunks_of(stream: bytes) -> list[Any]:
    return [json.loads(event.data) for event in sse.decode(stream) if event.data not in (None, "[DONE]")]


def documents(stream: bytes) -> Iterator[tuple[str, Any]]:
    """Chunks with the part they play, since the first, the last and the usage chunk differ."""
    for chunk in chunks_of(stream):
        entry = chunk["choices"][0] if chunk["choices"] else None
        if entry is None:
            yield "usage chunk", chunk
        elif entry["delta"].get("role"):
            yield "first chunk", chunk
        else:
            yield ("last chunk" if entry["finish_reason"] else "chunk"), chunk


@cache
def genuine() -> dict[str, set[Shape]]:
    seen: dict[str, set[Shape]] = defaultdict(set)
    with RECORDINGS.open(encoding="utf-8") as lines:
        for line in lines:
            recording = json.loads(line)
            if recording["endpoint"] != "chat/completions" or recording["response"]["status"] != 200:
                continue
            body = recording["response"]["body"]
            parts = [("dict", body)] if recording["response"]["body_kind"] == "json" else documents(body.encode())
            for part, document in parts:
                for place, shape in shapes(document, part):
                    seen[place].add(shape)
    return seen


def reply(choice: Choice) -> Reply:
    return Reply((choice,), Usage(9, 4), "gpt-4o-mini-2024-07-18")


@pytest.mark.parametrize("choice", [*CHOICES.values(), LEGACY], ids=[*CHOICES, "legacy"])
def test_a_dict_has_the_members_of_a_genuine_one(choice: Choice) -> None:
    for place, shape in shapes(json.loads(render_dict(reply(choice), {}, Style.PLAIN)), "dict"):
        assert shape in genuine()[place], place


@pytest.mark.parametrize("style", [Style.PLAIN, PADDED], ids=["plain", "padded"])
@pytest.mark.parametrize("usage", [False, True], ids=["without usage", "with usage"])
@pytest.mark.parametrize("choice", [*CHOICES.values(), SCORED], ids=[*CHOICES, "scored"])
def test_chunks_have_the_members_of_genuine_ones(choice: Choice, usage: bool, style: Style) -> None:
    request = {"stream": True, "stream_options": {"include_usage": usage}}
    stream = b"".join(render_stream(reply(choice), request, style))
    for part, chunk in documents(stream):
        for place, shape in shapes(chunk, part):
            assert shape in genuine()[place], place
