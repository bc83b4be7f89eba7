"""aimock's fixtures answer as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fake_server import scripts
from fake_server.answer import answer
from fake_server.asking import Asking
from fake_server.reply import ErrorReply, Reply
from fake_server.scripts import ScriptBook, ScriptError, ScriptState

FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "first", "sequenceIndex": 0}, "response": {"content": "one"}},
    {"match": {"userMessage": "first", "sequenceIndex": 1}, "response": {"content": "two"}},
    {
        "match": {"toolCallId": "c1"},
        "response": {"content": "sunny", "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    },
    {
        "match": {"userMessage": "weather", "toolName": "get_weather", "hasToolResult": False},
        "response": {"toolCalls": [{"name": "get_weather", "arguments": '{"city": "Oslo"}'}]},
    },
    {
        "match": {"systemMessage": ["pirate", "rude"], "model": "gpt-4o"},
        "response": {"content": "Arr", "reasoning": "hm"},
    },
    {
        "match": {"userMessage": "fail"},
        "response": {"error": {"message": "slow", "type": "rate_limit_error"}, "status": 429},
    },
    {"match": {"userMessage": "cut"}, "response": {"content": "x"}, "truncateAfterChunks": 2, "latency": 10},
    {"match": {}, "response": {"content": "else"}, "chunkSize": 5},
]  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> ScriptBook:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"fixtures": FIXTURES}, indent=2))
    return scripts.load([path])


def ask(text: str, *more: dict[str, Any], system: str = "", **members: Any) -> Asking:
    said = [{"role": "system", "content": system}, {"role": "user", "content": text}, *more]
    return Asking({"model": "gpt-4o-mini", "messages": said, **members})


def test_they_answer(book: ScriptBook) -> None:
    state = ScriptState()

    def said(asking: Asking) -> Reply:
        reply = answer(asking, book, state)
        assert isinstance(reply, Reply)
        return reply

    assert [said(ask("the first")).choices[0].content for _ in range(3)] == ["one", "two", "else"]
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
    call = said(ask("weather?", tools=[tool])).choices[0].tool_calls[0]
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Oslo"}')
    result = said(ask("weather?", {"role": "tool", "tool_call_id": "c1", "content": "12"}, tools=[tool]))
    assert (result.choices[0].content, result.usage.total_tokens) == ("sunny", 5)
    assert said(ask("hi", system="a rude pirate")).choices[0].reasoning == "hm"
    cut = said(ask("cut"))
    assert (cut.faults[0].fault, cut.timing.rate) == ("cut", 100)
    error = answer(ask("fail"), book, state)
    assert isinstance(error, ErrorReply)
    assert (error.status, error.message, error.type) == (429, "slow", "rate_limit_error")


@pytest.mark.parametrize(
    ("fixture", "line", "message"),
    [
        (
            {"match": {"predicate": 1}, "response": {}},
            5,
            "nothing like match.predicate: leave it out",
        ),
        ({"match": {"endpoint": "video"}, "response": {}}, 5, "the endpoint 'video' is not scripted here"),
        ({"match": {}, "response": {"b64": "x"}}, 6, "a script has nothing like response.b64: leave it out"),
        ({"match": [], "response": {"content": "x"}}, 4, "match is an object: {…}"),
        ({"match": {}, "response": {"content": "x", "finishReason": "no"}}, 3, "'no' is not known here"),
        ({"match": {"sequenceIndex": "x"}, "response": {}}, 3, "this fixture cannot be read: "),
    ],
)
def test_what_cannot_be_said_is_told_with_its_line(
    tmp_path: Path, fixture: dict[str, Any], line: int, message: str
) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"fixtures": [fixture]}, indent=2))
    with pytest.raises(ScriptError) as raised:
        scripts.load([path])
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert message in str(raised.value)


def test_a_mapping_of_scripts_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("scripts:\n- name: a\n  reply: {text: b}\n- name: c\n  reply: {txt: b}\n")
    with pytest.raises(ScriptError, match=r"s\.yaml:5: unknown key 'txt' in reply: did you mean 'text'"):
        scripts.load([path])
