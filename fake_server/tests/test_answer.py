"""From a request to a reply: scripts, misses, limits, log probabilities, usage."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from fake_server.api import tokens
from fake_server.api.reply import Choice, ErrorReply, RawReply, Reply, ToolCall, Usage
from fake_server.api.request import ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts.book import ScriptBook
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer
from fake_server.server.routes import chat
from fake_server.server.settings import Settings

SHIPPED = Path(__file__).parents[2] / "fixtures" / "scripts"
EMPTY = ScriptBook()


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def reply_to(request: dict[str, Any], book: ScriptBook = EMPTY, **options: Any) -> Reply:
    reply = answer(ApiRequest(request), book, ScriptState(), **options)
    assert isinstance(reply, Reply)
    return reply


def only(request: dict[str, Any], book: ScriptBook = EMPTY) -> Choice:
    (choice,) = reply_to(request, book).choices
    return choice


def one_script(reply: dict[str, Any]) -> ScriptBook:
    return scripts.parse([{"name": "s", "reply": reply}])


def test_the_seed_programs_poem() -> None:
    book = scripts.load([SHIPPED])
    choice = only(ask("Write a poem about a tree"), book)
    assert choice.finish_reason == "stop"
    assert choice.content is not None
    assert choice.content.count("\n\n") == 2
    usage = reply_to(ask("write a poem about a tree"), book).usage
    assert usage.completion_tokens == tokens.count(choice.content)


def test_the_weather_tool_script() -> None:
    tool = {"type": "function", "function": {"name": "get_weather"}}
    choice = only(ask("weather?", tools=[tool]), scripts.load([SHIPPED]))
    assert choice == Choice(tool_calls=(ToolCall("get_weather", '{"city":"Oslo"}'),), finish_reason="tool_calls")


def test_a_script_may_state_everything() -> None:
    book = one_script(
        {
            "choices": [
                {"text": "a", "reasoning": "r", "finish_reason": "content_filter"},
                {"refusal": "no"},
            ],
            "usage": {"prompt_tokens": 7, "cached_tokens": 3},
            "id": "chatcmpl-x",
            "model": "m2",
            "created": 9,
            "system_fingerprint": "fp",
            "timing": {"first": 1, "rate": 5},
        }
    )
    reply = reply_to(ask("hi"), book)
    assert (reply.id, reply.model, reply.created, reply.system_fingerprint) == ("chatcmpl-x", "m2", 9, "fp")
    assert (reply.timing.first, reply.timing.rate) == (1, 5)
    assert [choice.finish_reason for choice in reply.choices] == ["content_filter", "stop"]
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens) == (7, 3)
    assert reply.choices[1].refusal == "no"


def test_one_scripted_answer_serves_every_n() -> None:
    assert len(reply_to(ask("hi", n=3), one_script({"text": "a"})).choices) == 3


def test_scripted_text_is_cut_unless_the_script_says_how_it_ends() -> None:
    cut = only(ask("hi", max_tokens=2), one_script({"text": "one two three"}))
    assert (cut.content, cut.finish_reason) == ("one two", "length")
    whole = only(ask("hi", max_tokens=2), one_script({"text": "one two three", "finish_reason": "stop"}))
    assert (whole.content, whole.finish_reason) == ("one two three", "stop")


def test_scripted_logprobs_are_cut_with_the_text() -> None:
    given = [{"token": "one", "logprob": -1, "top": {"one": -1}}, {"token": " two", "logprob": 0}]
    choice = only(ask("hi", stop="wo"), one_script({"text": "one two", "logprobs": given}))
    assert choice.content == "one t"
    assert choice.logprobs is not None
    assert [one.token for one in choice.logprobs] == ["one", " t"]


def test_scripted_errors_have_openais_words() -> None:
    error = answer(ApiRequest(ask("x")), one_script({"error": {"status": 429, "message": "slow"}}), ScriptState())
    assert isinstance(error, ErrorReply)
    assert (error.status, error.type, error.code) == (429, "requests", "rate_limit_exceeded")
    told: dict[str, Any] = {
        "status": 500,
        "message": "m",
        "type": "t",
        "param": "p",
        "code": "c",
        "headers": {"a": "b"},
    }
    assert answer(ApiRequest(ask("x")), one_script({"error": told}), ScriptState()) == ErrorReply(**told)


def test_raw_replies_follow_the_stream_switch() -> None:
    both = one_script({"raw": {"status": 202, "body": {"a": "é"}, "stream": [{"b": 1}, "[DONE]"]}})
    assert answer(ApiRequest(ask("x")), both, ScriptState()) == RawReply(202, body='{"a":"é"}')
    streamed = answer(ApiRequest(ask("x", stream=True)), both, ScriptState())
    assert streamed == RawReply(202, events=('{"b":1}', "[DONE]"))
    text = one_script({"raw": {"headers": {"content-type": "text/html"}, "body": "<p>"}})
    expected = RawReply(200, {"content-type": "text/html"}, body="<p>")
    assert answer(ApiRequest(ask("x", stream=True)), text, ScriptState()) == expected


def test_legacy_functions_get_a_function_call() -> None:
    legacy = ask("x", functions=[{"name": "f", "parameters": {}}])
    book = one_script({"tool_calls": [{"name": "f"}]})
    assert only(legacy, book) == Choice(function_call=ToolCall("f", "{}"), finish_reason="function_call")


def test_an_unknown_model_is_404_when_models_are_told() -> None:
    settings = Settings(book=EMPTY, models=("gpt-4o",))
    error = chat.reply_to(ApiRequest(ask("x")), settings, settings.spaces())
    assert error == ErrorReply(
        404,
        "The model `gpt-4o-mini` does not exist or you do not have access to it.",
        "invalid_request_error",
        None,
        "model_not_found",
    )


def test_a_strict_miss_names_the_nearest_scripts() -> None:
    book = scripts.parse(
        [
            {"name": "poem", "when": {"messages": {"last": {"contains": "tree"}}}, "reply": {"text": "x"}},
            {"name": "tool", "when": {"model": "gpt-4o-mini", "turn": 4}, "reply": {"text": "x"}},
        ]
    )
    error = answer(ApiRequest(ask("write about a cat")), book, ScriptState(), strict=True)
    assert isinstance(error, ErrorReply)
    assert (error.status, error.code, error.headers) == (404, "no_fixture_match", {"x-should-retry": "false"})
    assert error.message == (
        "No script matches this request (model gpt-4o-mini, last message user: 'write about a cat').\n"
        "The nearest:\n"
        "  'tool' (scripts[1]): turn: expected 4, this is turn 1\n"
        "  'poem' (scripts[0]): messages.last: "
        "expected a text that contains 'tree', got 'write about a cat'\n"
        "Add a script that matches, or leave out strict for an answer without one."
    )
    empty = answer(ApiRequest(ask("x")), EMPTY, ScriptState(), strict=True)
    assert isinstance(empty, ErrorReply)
    assert "There are no scripts." in empty.message


@pytest.mark.parametrize("limit", [1, 3, 7])
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_token_limits(name: str, limit: int) -> None:
    whole = only(ask("Tell me a long story"))
    reply = reply_to(ask("Tell me a long story", **{name: limit}))
    (cut,) = reply.choices
    assert cut.finish_reason == "length"
    assert (whole.content or "").startswith(cut.content or "-")
    assert reply.usage.completion_tokens == limit


@pytest.mark.parametrize(
    ("stop", "content"),
    [("5", "1, 2, 3, 4, "), (["9", "4"], "1, 2, 3, "), ("never", "1, 2, 3, 4, 5, 6, 7, 8, 9")],
)
def test_stop_sequences(stop: Any, content: str) -> None:
    choice = only(ask("Count from 1 to 9", stop=stop))
    assert (choice.content, choice.finish_reason) == (content, "stop")


def test_a_tool_call_is_cut_like_text() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"text": {}}}}}
    long = ask("use f for a long long text with many words in it", tools=[tool], max_tokens=14)
    reply = reply_to(long)
    (choice,) = reply.choices
    assert choice.finish_reason == "length"
    assert reply.usage.completion_tokens == 14
    with pytest.raises(ValueError, match=r".*"):
        json.loads(choice.tool_calls[0].arguments)
    nothing = only({**long, "max_tokens": 1})
    assert (nothing.tool_calls, nothing.content, nothing.finish_reason) == ((), "", "length")


@pytest.mark.parametrize("top", [None, 0, 1, 5, 20])
def test_logprobs(top: int | None) -> None:
    choice = only(ask("hei på deg", logprobs=True, top_logprobs=top))
    assert choice.logprobs
    assert "".join(one.token for one in choice.logprobs) == choice.content
    for one in choice.logprobs:
        assert one.logprob <= 0
        assert len(one.top) == (top or 0)
        if one.top:
            assert one.top[0] == (one.token, one.logprob)
            assert one.logprob == max(value for _, value in one.top)
            assert len({token for token, _ in one.top}) == len(one.top)
            assert sum(math.exp(value) for _, value in one.top) <= 1
    assert only(ask("hei på deg")).logprobs is None


def test_reasoning_models_think_first() -> None:
    usage = reply_to({**ask("hi"), "model": "o3-mini"}).usage
    assert usage.reasoning_tokens > 0
    assert usage.reasoning_tokens % 64 == 0
    assert usage.completion_tokens > usage.reasoning_tokens
    assert reply_to({**ask("hi"), "model": "gpt-5", "reasoning_effort": "minimal"}).usage.reasoning_tokens == 0
    cut = reply_to({**ask("hi"), "model": "gpt-5", "max_completion_tokens": 10})
    assert cut.choices == (Choice(content="", finish_reason="length"),)
    assert cut.usage == Usage(tokens.count_messages(ask("hi")), 10, 0, 10)


def test_equal_requests_get_equal_answers_and_different_ones_do_not() -> None:
    assert reply_to(ask("What is rain?")) == reply_to(ask("What is rain?", temperature=2, stream=False))
    contents = [only(ask(f"What is rain {number}?")).content for number in range(50)]
    assert len(set(contents)) == 50
    assert reply_to(ask("What is rain?")) != reply_to(ask("What is rain?"), seed=1)
    assert reply_to(ask("What is rain?")) != reply_to(ask("What is rain?", seed=4))
    several = reply_to(ask("What is rain?", n=4)).choices
    assert len({choice.content for choice in several}) == 4
    assert several[0] == only(ask("What is rain?"))


def test_what_is_asked_does_not_depend_on_how_it_is_written() -> None:
    parts = [{"type": "text", "text": "What is rain?"}]
    assert only(ask("What is rain?")) == only({"messages": [{"role": "user", "content": parts}]})
