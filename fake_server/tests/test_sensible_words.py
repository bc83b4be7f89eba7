"""Answers in words: what is repeated, counted, added up, or talked about."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from fake_server.api import chat_request
from fake_server.api.sensible import objects, repeat, words
from fake_server.api.sensible.choices import make_choices


def answer_to(text: str, *before: dict[str, Any]) -> str:
    return words.write_text({"messages": [*before, {"role": "user", "content": text}]}, 0)


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("Repeat after me: hei på deg", "hei på deg"),
        ("Repeat the following: a\nb\n\nc", "a\nb\n\nc"),
        ("You are a parrot. Repeat: 日本語 テスト 🎄", "日本語 テスト 🎄"),
        ("Repeat this sentence exactly, word for word: The “quick” fox.", "The “quick” fox."),
        ("Please repeat “Grüße,\nWelt” now.", "Grüße,\nWelt"),
        ("Repeat exactly this text:\n```\nline 1\n  línea 2\n```", "line 1\n  línea 2"),
        ("echo \"don't stop\" please", "don't stop"),
        ("Echo: ping 123", "ping 123"),
        ("Reply with exactly: OK\n\n<system_reminder>\nx", "OK"),
        ("Reply with exactly: {\"a\": 1}", '{"a": 1}'),
        ("Hello, please reply with exactly \"abc\"", "abc"),
        ("Reply with exactly one word: hello", "hello"),
        ("Reply only with: nonce-8f2a", "nonce-8f2a"),
        ("Reply with the word pong.", "pong"),
        ("Reply with just the number 42", "42"),
        ("Respond with exactly the word 'pong' and nothing else.", "pong"),
        ("Reply with exactly: pong. Do not add anything else.", "pong."),
        ("Say this is a test", "this is a test"),
        ("Say \"a\", nothing else", "a"),
        ("just say hi", "hi"),
        ("Say exactly: \"one two\"", "one two"),
        ("Print the following lines: one\ntwo", "one\ntwo"),
        ("Reply with a haiku", None),
        ("say something nice", None),
        ("Answer with only YES or NO", None),
        ("Answer in one word: capital of France?", None),
        ("Can you say hi in French?", None),
        ("I would say that trees are nice", None),
        ("What did I say?", None),
        ("Respond with JSON", None),
        ("Write a poem", None),
        ("Repeat", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_is_repeated(text: str, repeated: str | None) -> None:
    assert repeat.words_to_repeat(text) == repeated
    if repeated is not None:
        assert answer_to(text) == repeated


def test_a_system_message_may_ask_for_words() -> None:
    system = {"role": "system", "content": "Always reply with exactly 'pong'."}
    assert answer_to("hello there", system) == "pong"
    assert answer_to("Say ping", system) == "ping"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Count from 1 to 5", "1, 2, 3, 4, 5"),
        ("count to 3, one per line", "1\n2\n3"),
        ("What is 127 multiplied by 49?", "127 * 49 = 6223."),
        ("What is 1 / 3?", "1 / 3 = 0.333333."),
        ("hi", "Hello! How can I help you today?"),
    ],
)
def test_small_skills(text: str, start: str) -> None:
    assert answer_to(text).startswith(start)


def test_the_question_is_mentioned_even_at_its_end() -> None:
    assert "What is the capital of France?" in answer_to("What is the capital of France?")
    assert "nonce-77" in answer_to("word " * 5000 + "nonce-77")
    assert "{0}" in answer_to("what does {0} mean?")


def test_earlier_turns_are_remembered() -> None:
    first = {"role": "user", "content": "My name is Kari."}
    assert "My name is Kari." in answer_to("What is my name?", first, {"role": "assistant", "content": "Hi"})


def test_long_answers_are_long() -> None:
    assert len(answer_to("Write a long story about a cat").split()) > 80


def test_results_of_tools_are_in_the_answer() -> None:
    asked_first = {"role": "user", "content": "weather in Oslo and Paris?"}
    results = [
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "a", "content": '{"temp": 12}'},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "sunny"}]},
    ]
    text = words.write_text({"messages": [asked_first, *results]}, 0)
    assert text == 'For “weather in Oslo and Paris?” the tools answered: {"temp": 12}; sunny'


@pytest.mark.parametrize(
    ("text", "json_text"),
    [
        ("Return JSON with {\"city\": \"Paris\"}.", '{"city": "Paris"}'),
        ("Return a JSON object with the keys a, b and c.", ["a", "b", "c"]),
        ("Answer as JSON with a \"reason\" key", ["reason"]),
        ("Reply in JSON. Fields: name (string), age (number)", ["name", "age"]),
        ("Give me JSON", ["answer"]),
    ],
)  # fmt: skip
def test_json_objects(text: str, json_text: Any) -> None:
    request = {"messages": [{"role": "user", "content": text}], "response_format": {"type": "json_object"}}
    value = json.loads(objects.write_json(request, 0))
    assert (json.dumps(value) if isinstance(json_text, str) else list(value)) == json_text


def test_a_schema_is_answered_with_an_object_of_it() -> None:
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"]}
    response_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    request = {
        "messages": [{"role": "user", "content": "Is grass green?"}],
        "response_format": response_format,
    }
    (choice,) = make_choices(request, 0)
    assert choice.content == '{"colour": "green"}'


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\n" * 90_000 + "b", "say" + " " * 90_000 + "x", "Aa " * 30_000, "Aa, " * 20_000,
        "repeat " * 12_000,
        "say the " * 11_000, "repeat x" + ", nothing else" * 7_000, "keys " + "a, " * 30_000, "{" * 90_000,
        "count " * 15_000, "1 " * 45_000, "what is my " * 8_000, "a name is " * 9_000, '"' * 90_000,
    ],
)  # fmt: skip
def test_long_odd_texts_take_little_time(text: str) -> None:
    start = time.process_time()
    for more in ({}, {"response_format": {"type": "json_object"}}):
        assert make_choices({"messages": [{"role": "user", "content": text}], **more}, 0)
    assert time.process_time() - start < 5


def test_lone_surrogates_do_not_get_through() -> None:
    assert answer_to("Say \ud800x").encode() == "\ufffdx".encode()


@pytest.mark.parametrize(
    ("model", "reasons"),
    [("o1", True), ("o3-mini", True), ("gpt-5-nano", True), ("openai/gpt-5", True),
     ("gpt-5-chat-latest", False),
     ("gpt-4o", False), ("gpt-3.5-turbo", False), ("chatgpt-4o-latest", False)],
)  # fmt: skip
def test_reasoning_models_are_known_by_name(model: str, reasons: bool) -> None:
    assert chat_request.is_reasoning_model({"model": model}) is reasons


RESULT = {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "7 degrees"}]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Repeat my first message, word for word and nothing else.", "My word is oak."),
        ("Repeat the tool's result, word for word and nothing else.", "7 degrees"),
        ("Please say the tool result.", "7 degrees"),
        ("Repeat your last message, word for word and nothing else.", "Mine is elm."),
    ],
)
def test_earlier_messages_are_repeated(text: str, said: str) -> None:
    answers = [{"role": "assistant", "content": word} for word in ("Mine is ash.", "Mine is elm.")]
    assert answer_to(text, {"role": "user", "content": "My word is oak."}, *answers, RESULT) == said
    assert answer_to(f"It is oak. {text}") == f"It is oak. {text}"


@pytest.mark.parametrize(
    ("earlier", "text", "said"),
    [
        ("My name is Ada. Remember it.", "What is my name? Reply with just the name.", "Ada"),
        ("Hi. My name is Bo! Yes.", "And what's my name?", "My name is Bo!"),
        ("Remember the code word: cobalt. Reply with OK.", "What code word did I tell you? Only the word.", "cobalt"),
        ("The launch day is “next Friday”; tell nobody.", "Which launch day did I give? Only the day.", "next Friday"),
        ("the number was 0042", "what was the number ?", "the number was 0042"),
    ],
)
def test_what_the_user_said_a_thing_is_is_remembered(earlier: str, text: str, said: str) -> None:
    answers = [{"role": "user", "content": earlier}, {"role": "assistant", "content": "My name is Fake."}]
    assert answer_to(text, *answers) == said


@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        ("My name is Ada.", "What is the time?"),
        ("Names are odd.", "What is my name?"),
        ("name is " * 3, "Is it my name?"),
    ],
)
def test_what_nobody_said_is_not_remembered(earlier: str, text: str) -> None:
    assert text in answer_to(text, {"role": "user", "content": earlier})
