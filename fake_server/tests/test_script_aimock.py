"""aimock's fixtures answer as they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from fake_server.api.reply import ErrorReply, NumbersReply, Reply
from fake_server.api.request import ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts.book import ScriptBook, ScriptError
from fake_server.scripts.checks import oddities
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer, answer_numbers

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
    {"match": {"inputText": "a dog"}, "response": {"embedding": [0.5, 1]}},
    {
        "match": {"userMessage": "Blocks (1)?"},
        "response": {
            "blocks": [{"type": "toolCall", "name": "f", "arguments": [1]}, {"type": "text", "text": "t"}]
        },
        "metadata": {"systemHash": "x"},
    },
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "slow"}, "status": 429, "retryAfter": 3, "fallthrough": True},
        "chaos": {"dropRate": 0.5, "malformedRate": 0, "disconnectRate": 1},
    },
    {
        "match": {"userMessage": "cost"},
        "response": {"content": "x", "usage": {"prompt_tokens_details": {"cached_tokens": 4}}},
    },
    {"match": {}, "response": {"content": "else"}, "chunkSize": 5},
]  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> ScriptBook:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"fixtures": FIXTURES}, indent=2))
    return scripts.load([path])


def ask(text: str, *more: dict[str, Any], system: str = "", **members: Any) -> ApiRequest:
    said = [{"role": "system", "content": system}, {"role": "user", "content": text}, *more]
    return ApiRequest({"model": "gpt-4o-2024-08-06", "messages": said, **members})


def test_they_answer(book: ScriptBook) -> None:
    state = ScriptState()

    def said(asking: ApiRequest) -> Reply:
        reply = answer(asking, book, state)
        assert isinstance(reply, Reply)
        return reply

    assert [said(ask("the first")).choices[0].content for _ in range(3)] == ["one", "two", "else"]
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
    call = said(ask("weather?", tools=[tool])).choices[0].tool_calls[0]
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Oslo"}')
    result = said(ask("weather?", {"role": "tool", "tool_call_id": "c1", "content": "12"}, tools=[tool]))
    usage = result.usage
    assert (result.choices[0].content, usage.prompt_tokens + usage.completion_tokens) == ("sunny", 5)
    assert said(ask("hi", system="a rude pirate")).choices[0].reasoning == "hm"
    cut = said(ask("cut"))
    assert (cut.faults[0].fault, cut.timing.rate) == ("cut", 100)
    error = answer(ask("fail"), book, state)
    assert isinstance(error, ErrorReply)
    assert (error.status, error.message, error.type) == (429, "slow", "rate_limit_error")


def test_its_texts_and_models_are_found_as_aimock_finds_them(book: ScriptBook) -> None:
    def said(asking: ApiRequest) -> str:
        reply = answer(asking, book, ScriptState())
        assert isinstance(reply, Reply)
        return reply.choices[0].content or ""

    assert said(ask("the first")) == "one"
    assert said(ask("the First")) == "else"
    assert said(ask("hi", system="a rude pirate")) == "Arr"
    assert said(ask("hi", system="a rude pirate", model="gpt-4o")) == "Arr"
    assert said(ask("hi", system="a rude pirate", model="gpt-4o-mini")) == "else"


def test_all_else_of_a_fixture(book: ScriptBook) -> None:
    blocks = answer(ask("Blocks (1)?"), book, ScriptState())
    assert isinstance(blocks, Reply)
    assert (blocks.choices[0].content, blocks.choices[0].tool_calls[0].arguments) == ("t", "[1]")
    busy = answer(ask("busy"), book, ScriptState())
    assert isinstance(busy, ErrorReply)
    assert busy.headers == {"Retry-After": "3"}
    assert [(one.fault, one.probability) for one in busy.faults] == [("error", 0.5), ("close", 1)]
    cost = answer(ask("cost"), book, ScriptState())
    assert isinstance(cost, Reply)
    assert cost.usage.cached_tokens == 4
    vector = answer_numbers(replace(ask("a dog"), endpoint="embeddings"), book, ScriptState())
    assert isinstance(vector, NumbersReply)
    assert vector.embedding == (0.5, 1)


@pytest.mark.parametrize(
    ("fixture", "line", "message"),
    [
        (
            {"match": {"predicate": 1}, "response": {}},
            5,
            "nothing like match.predicate: leave it out",
        ),
        ({"match": {"endpoint": "chatt"}, "response": {}}, 5, "the endpoint 'chatt' is not scripted here"),
        ({"match": {}, "response": {"b64": "x"}}, 6, "a script has nothing like response.b64: leave it out"),
        ({"match": {}, "response": {}, "delay": 3}, 6, "a script has nothing like delay: leave it out"),
        ({"match": [], "response": {"content": "x"}}, 4, "match must be an object: {…}"),
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


def test_fixtures_for_what_is_not_served_are_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    video = {"match": {"endpoint": "video"}, "response": {"video": {"id": "v"}}}
    chat = {"match": {"userMessage": "hi"}, "response": {"content": "Hello!"}}
    path.write_text(json.dumps({"fixtures": [video, chat]}, indent=2))
    book = scripts.load([path])
    assert [one.name for one in book] == ["all 2"]
    told = f"{path}:3: the fixture is left out: video is not served here, chat and embedding are"
    assert book.warnings == scripts.join_books(scripts.parse([]), book).warnings == (told,)


def test_a_mapping_of_scripts_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("scripts:\n- name: a\n  reply: {text: b}\n- name: c\n  reply: {txt: b}\n")
    with pytest.raises(ScriptError, match=r"s\.yaml:5: unknown key 'txt' in reply: did you mean 'text'"):
        scripts.load([path])


def test_a_context_is_a_header_and_names_that_begin_with_an_underscore_are_remarks(tmp_path: Path) -> None:
    blue = {
        "_comment": "blue team",
        "match": {"userMessage": "hello", "context": "blue", "_why": {"a": 1}},
        "response": {
            "toolCalls": [{"name": "f", "arguments": {"_kept": 1}, "_note": "x"}],
            "_remark": [1],
        },
    }
    rest = {"match": {"userMessage": "hello", "_why": "all others"}, "response": {"content": "Hello."}}
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"_comment": "two contexts", "_meta": {}, "fixtures": [blue, rest]}))
    book = scripts.load([path])

    def said(context: str | None) -> Reply:
        headers = {} if context is None else {"x-aimock-context": context}
        reply = answer(replace(ask("hello"), headers=headers), book, ScriptState())
        assert isinstance(reply, Reply)
        return reply

    assert said("blue").choices[0].tool_calls[0].arguments == '{"_kept":1}'
    assert [said(context).choices[0].content for context in (None, "Blue", "blue2", "")] == ["Hello."] * 4


def test_files_of_one_name_in_several_folders_load_together(tmp_path: Path) -> None:
    chat = {"fixtures": [{"match": {"userMessage": "hi"}, "response": {"content": "Hello!"}}]}
    for name in ("a/b/chat.json", "c/b/chat.json", "a/other.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(chat))
    assert [script.name for script in scripts.load([tmp_path])] == ["a/b/chat 1", "other 1", "c/b/chat 1"]


def test_thousands_of_fixtures_in_contexts_are_checked_in_seconds() -> None:
    items = [
        {
            "name": f"{context} {number}",
            "when": {"headers": {"x-c": context}, "messages": {"user": {"contains": f"word {number}."}}},
            "reply": {"text": "x"},
        }
        for context in map(str, range(60))
        for number in range(60)
    ]
    book = scripts.parse(items)
    began = process_time()
    assert list(oddities(book.scripts, thorough=True)) == []
    assert process_time() - began < 5
