"""What scripts can say: conditions beyond the messages, sequences, scopes, chance, JSON, callables."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from fake_server.api.reply import ErrorReply, Reply
from fake_server.api.request import ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts import match
from fake_server.scripts.book import ScriptBook, ScriptError
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer

HEADERS = {"x-team": "blue", "authorization": "Bearer sk-one", "user-agent": "OpenAI/Python 3.54.0"}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
TALK: dict[str, Any] = {
    "model": "gpt-4o",
    "temperature": 0,
    "metadata": {"user": "ann", "tags": ["a", "b"]},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.invalid/cat"}}]},
        {"role": "user", "content": "weather in Oslo"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"temp": 12, "wind": {"ms": 3}}'},
    ],
}


def asking(body: dict[str, Any] | None = None, **headers: str) -> ApiRequest:
    return ApiRequest(TALK if body is None else body, headers={**HEADERS, **headers})


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def why_not(when: dict[str, Any], asked: ApiRequest) -> str | None:
    book = scripts.parse([{"name": "s", "when": when, "reply": {"raw": {"body": ""}}}])
    found = match.miss(book.scripts[0], asked)
    return None if found is None else found.reason


@pytest.mark.parametrize(
    "when",
    [
        {"endpoint": "chat/completions"},
        {"headers": {"X-Team": "blue", "User-Agent": {"contains": "python"}}},
        {"headers": {"x-none": {"exists": False}, "x-team": {"exists": True}}},
        {"key": "sk-one"},
        {"key": {"regex": "^sk-"}},
        {"body": {"temperature": 0, "$.metadata.user": "ann", "metadata.tags[*]": "b"}},
        {"body": {"metadata": {"contains": "ann"}, "stop": {"exists": False}}},
        {"body": {"messages[-1].content": {"regex": "temp"}}},
        {"tool_result": {"name": "get_weather"}},
        {"tool_result": {"id": "c1"}, "messages": {"last": {"json": {"wind.ms": 3}}}},
        {"messages": {"any": {"role": "user", "json": {"[0].image_url.url": {"contains": "cat"}}}}},
        {"tool_result": {"contains": "WIND", "json": {"temp": 12, "$.wind.ms": 3}}},
    ],
)
def test_conditions_that_hold(when: dict[str, Any]) -> None:
    assert why_not(when, asking()) is None


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"endpoint": "embeddings"}, "endpoint: expected embeddings, got chat/completions"),
        ({"headers": {"X-Team": "red"}}, "headers.x-team: expected 'red', got 'blue'"),
        ({"headers": {"x-none": {"exists": True}}}, "headers.x-none: expected exists True, got nothing"),
        ({"key": "sk-two"}, "key: a different key was sent"),
        ({"body": {"temperature": 1}}, "body.temperature: expected 1, got '0'"),
        ({"body": {"temperature": False}}, "body.temperature: expected False, got '0'"),
        ({"body": {"top_p": 1}}, "body.top_p: expected 1, got nothing"),
        (
            {"tool_result": {"name": "f"}},
            "tool_result: expected the result of 'f', got that of 'get_weather'",
        ),
        (
            {"tool_result": {"id": "c2"}},
            "tool_result: expected the result of the call 'c2', got that of 'c1'",
        ),
        ({"messages": {"last": {"json": {"temp": 1}}}}, "messages.last: temp: expected 1, got '12'"),
        ({"messages": {"first": {"json": {"a": 1}}}}, "messages.first: a: expected 1, got nothing"),
        ({"tool_result": {"json": {"temp": 13}}}, "tool_result: temp: expected 13, got '12'"),
        ({"tool_result": {"contains": "rain"}}, "tool_result: expected a text that contains 'rain', got "),
    ],
)
def test_conditions_that_fail_say_why(when: dict[str, Any], reason: str) -> None:
    assert (why_not(when, asking()) or "").startswith(reason)


def said(book: ScriptBook, state: ScriptState, asked: ApiRequest, **options: Any) -> str | None:
    reply = answer(asked, book, state, **options)
    assert isinstance(reply, Reply), reply
    return reply.choices[0].content


def test_replies_follow_each_other_and_the_last_stays() -> None:
    book = scripts.parse([{"name": "s", "replies": [{"text": "a"}, {"text": "b"}]}])
    state = ScriptState()
    assert [said(book, state, asking()) for _ in range(4)] == ["a", "b", "b", "b"]
    ended = scripts.parse(
        [{"name": "s", "replies": [{"text": "a"}], "times": 1}, {"name": "t", "reply": {"text": "z"}}]
    )
    assert [said(ended, ScriptState(), asking()) for _ in range(1)] == ["a"]


def test_the_nth_call_alone() -> None:
    third = {"name": "third", "when": {"model": "gpt-4o", "call": 3}, "reply": {"text": "third"}}
    book = scripts.parse([third, {"name": "rest", "reply": {"text": "rest"}}])
    state = ScriptState()
    other = asking(ask("x", **{"model": "gpt-4"}))
    assert said(book, state, other) == "rest"
    assert [said(book, state, asking()) for _ in range(4)] == ["rest", "rest", "third", "rest"]


def test_a_fallback_comes_after_all_others() -> None:
    book = scripts.parse(
        [
            {"name": "f", "fallback": True, "reply": {"text": "fallback"}},
            {"name": "once", "times": 1, "reply": {"text": "once"}},
        ]
    )
    state = ScriptState()
    assert [said(book, state, asking()) for _ in range(2)] == ["once", "fallback"]


def test_counts_are_kept_per_key_or_conversation() -> None:
    replies = [{"text": "first"}, {"text": "again"}]
    by_key = scripts.parse([{"name": "s", "per": "key", "replies": replies}])
    state = ScriptState()
    keys = ("Bearer a", "Bearer a", "Bearer b")
    told = [said(by_key, state, asking(authorization=key)) for key in keys]
    assert told == ["first", "again", "first"]
    by_talk = scripts.parse([{"name": "s", "per": "conversation", "replies": replies}])
    one, other = ask("hello"), ask("good morning")
    longer = {**one, "messages": [*one["messages"], {"role": "user", "content": "more"}]}
    state = ScriptState()
    told = [said(by_talk, state, asking(body)) for body in (one, longer, other)]
    assert told == ["first", "again", "first"]
    assert state.used(by_talk.scripts[0]) == 3


def test_chance_follows_the_weights_and_the_seed() -> None:
    chosen = [{"weight": 3, "reply": {"text": "often"}}, {"reply": {"text": "seldom"}}]
    book = scripts.parse([{"name": "s", "choose": chosen}])

    def run(seed: int) -> list[str | None]:
        state = ScriptState()
        return [said(book, state, asking(), seed=seed) for _ in range(200)]

    first = run(1)
    assert first == run(1) != run(2)
    assert 120 < Counter(first)["often"] < 180


def test_a_deep_body_is_not_looked_through_without_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"a": deep}
    assert why_not({"body": {"$..z": 1}}, asking({**TALK, "metadata": deep})) == "body.$..z: expected 1, got nothing"


def test_json_and_schemas() -> None:
    book = scripts.parse([{"name": "s", "reply": {"json": {"a": [1, "é"]}}}])
    assert said(book, ScriptState(), asking()) == '{"a":[1,"é"]}'
    schema: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = scripts.parse([{"name": "s", "reply": {"schema": schema}}])
    assert isinstance(json.loads(said(made, ScriptState(), asking()) or "")["n"], int)
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    asked = scripts.parse([{"name": "s", "reply": {"schema": "request"}}])
    body = {**ask("x"), "response_format": wanted}
    assert list(json.loads(said(asked, ScriptState(), asking(body)) or "")) == ["n"]
    schema["properties"]["o"] = {
        "type": "object",
        "properties": {"p": {"type": "integer"}},
        "required": ["p"],
    }
    schema["required"] = ["n", "o"]
    reply = {"schema": "request", "with": {"n": 7, "o": {"q": [1]}}}
    fixed = scripts.parse([{"name": "s", "reply": reply}])
    whole = json.loads(said(fixed, ScriptState(), asking(body)) or "")
    assert (whole["n"], list(whole["o"]), whole["o"]["q"]) == (7, ["p", "q"], [1])


def test_annotations_are_sent() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://example.com", "title": "t"}}
    book = scripts.parse([{"name": "s", "reply": {"text": "x", "annotations": [cited]}}])
    told = answer(asking(), book, ScriptState())
    assert isinstance(told, Reply)
    assert told.choices[0].annotations == (cited,)


def test_callables_answer_in_process() -> None:
    def reply(asked: ApiRequest) -> Any:
        return f"you said {asked.body['messages'][0]['content']}" if asked.model == "gpt-4o" else {"texxt": 1}

    book = scripts.parse([{"name": "s", "reply": reply}])
    assert said(book, ScriptState(), asking(ask("hi"))) == "you said hi"
    error = answer(asking(ask("hi", model="other")), book, ScriptState())
    assert isinstance(error, ErrorReply)
    wanted = "the script 's' (scripts[0]) gave no reply: unknown key 'texxt' in reply: did you mean 'text'?"
    assert (error.message, error.script) == (wanted, "s")
    wrong = scripts.parse([{"name": "s", "reply": lambda asked: 5}])
    error = answer(asking(ask("hi")), wrong, ScriptState())
    assert isinstance(error, ErrorReply)
    assert error.message.endswith(" gave no reply: reply: a mapping is expected, this is the number 5")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            {"reply": {"text": "a"}, "replies": [{"text": "b"}]},
            "reply and replies exclude each other",
        ),
        (
            {"reply": {"text": "a", "embedding": [1.0]}},
            "an answer of its own and embedding exclude each other",
        ),
        ({"reply": {"text": "a", "with": {"b": 1}}}, "with stands beside a schema: add schema, or use json"),
        ({"reply": {"flagged": ["violense"]}}, "'violense' is not known here: did you mean 'violence'?"),
        (
            {"replies": [{"text": "a"}, {"flagged": []}]},
            "the replies are those of different endpoints: divide them",
        ),
        (
            {"when": {"endpoint": "embeddings"}, "reply": {"text": "a"}},
            "the reply is none of embeddings, which 'when' asks for: it is one of chat/completions and",
        ),
        ({"reply": {"raw": {"base64": "a"}}}, "reply.raw: base64: not Base64: "),
        ({"reply": {"raw": {"base64": "", "body": 1}}}, "body and base64 exclude each other: keep one"),
        ({"reply": {"raw": {"file": "x"}}}, "file: only a script in a file has one: give base64 instead"),
        ({"reply": {"text": "a", "json": 1}}, "text and json exclude each other: keep one"),
        ({"when": {"body": {"a[": 1}}, "reply": {"text": "a"}}, "when.body: 'a[' is no JSONPath"),
        (
            {"when": {"boddy": {}}, "reply": {"text": "a"}},
            "unknown key 'boddy' in when: did you mean 'body'?",
        ),
        ({"when": {"key": {"regex": "("}}, "reply": {"text": "a"}}, "not a usable regular expression"),
        ({"reply": {"text": "{% if %}", "template": True}}, "reply.text: '{% if %}' is no valid template: "),
        ({"choose": [{"weight": 0, "reply": {"text": "a"}}]}, "must be greater than 0"),
        ({"reply": {"txt": "a"}}, "unknown key 'txt' in reply: did you mean 'text'?"),
        ({"per": "user", "reply": {"text": "a"}}, "per: 'user' is not known here"),
        ({}, "the key 'reply' is missing: add it"),
    ],
)
def test_what_is_wrong_is_said(script: dict[str, Any], message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        scripts.parse([{"name": "s", **script}], "s.yaml")
    assert message in str(raised.value)
    assert str(raised.value).startswith("s.yaml[0]: ")
