"""Which script answers, and what a miss says about itself."""

from __future__ import annotations

from typing import Any

import pytest

from fake_server.api.request import ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts import match
from fake_server.scripts.match import ScriptState


def request(text: str = "What is the weather in Oslo?", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def first_miss(when: dict[str, Any], asked: dict[str, Any]) -> str | None:
    """Why a script with these conditions does not answer the request, None where it does."""
    book = scripts.parse([{"name": "s", "when": when, "reply": {"text": "x"}}])
    misses = match.explain(ApiRequest(asked), book)
    assert bool(misses) is (match.find(ApiRequest(asked), book, ScriptState()) is None)
    return misses[0].reason if misses else None


TOOL = {"type": "function", "function": {"name": "get_weather"}}
TALK = {
    "messages": [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": [{"type": "text", "text": "Hei på"}, {"type": "text", "text": "deg"}]},
        {"role": "assistant", "content": "Arr!"},
        {"role": "tool", "content": "12°C", "tool_call_id": "c"},
    ]
}


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        ({}, {}),
        ({"model": "gpt-4o"}, request()),
        ({"model": {"prefix": "gpt-", "regex": "o$"}}, request()),
        ({"messages": {"last": {"contains": "WEATHER", "role": "user"}}}, request()),
        ({"messages": {"last": {"equals": "What is the weather in Oslo?"}}}, request()),
        ({"messages": {"any": {"contains": ["hei", "deg"], "role": "user"}}}, TALK),
        ({"messages": {"system": {"regex": "pirate"}}}, TALK),
        ({"messages": {"first": {"role": "system"}, "last": {"role": "tool"}}}, TALK),
        ({"turn": 2}, TALK),
        ({"stream": False}, request()),
        ({"stream": True}, request(stream=True)),
        ({"tools": {"include": "get_weather"}}, request(tools=[TOOL])),
        ({"tools": {"include": "get_weather"}}, request(functions=[{"name": "get_weather"}])),
        ({"response_format": "json_object"}, request(response_format={"type": "json_object"})),
        ({"response_format": "text"}, request()),
    ],
)
def test_matches(when: dict[str, Any], asked: dict[str, Any]) -> None:
    assert first_miss(when, asked) is None


@pytest.mark.parametrize(
    ("when", "asked", "reason"),
    [
        ({"model": "gpt-4"}, request(), "model: expected 'gpt-4', got 'gpt-4o'"),
        ({"model": {"prefix": "o1"}}, request(), "model: expected the prefix 'o1', got 'gpt-4o'"),
        ({"model": {"regex": "^o"}}, request(), "model: expected a match for '^o', got 'gpt-4o'"),
        ({"stream": True}, request(), "stream: expected true, got false"),
        ({"turn": 1}, TALK, "turn: expected 1, this is turn 2"),
        ({"response_format": "json_object"}, request(), "response_format: expected json_object, got text"),
        ({"tools": {"include": "a"}}, request(), "tools: expected 'a', offered: none"),
        ({"tools": {"include": "a"}}, request(tools=[TOOL]), "tools: expected 'a', offered: get_weather"),
        (
            {"tools": {"include": "get_weather"}},
            request(tools=[TOOL], tool_choice="none"),
            "tools: expected 'get_weather', tool_choice allows: none",
        ),
        (
            {"messages": {"last": {"contains": ["weather", "rain"]}}},
            request(),
            "messages.last: expected a text that contains 'rain', got 'What is the weather in Oslo?'",
        ),
        (
            {"messages": {"last": {"role": "user"}}},
            TALK,
            "messages.last: expected the role 'user', got 'tool'",
        ),
        (
            {"messages": {"last": {"equals": "a"}}},
            request("b " * 99),
            f"messages.last: expected exactly 'a', got '{'b ' * 39}b…'",
        ),
        ({"messages": {"system": {"contains": "a"}}}, request(), "messages.system: there is no such message"),
        (
            {"messages": {"any": {"regex": "^x"}}},
            request("y"),
            "messages.any: expected a match for '^x', got 'y'",
        ),
    ],
)
def test_misses(when: dict[str, Any], asked: dict[str, Any], reason: str) -> None:
    assert first_miss(when, asked) == reason


def test_the_first_match_wins_and_times_run_out() -> None:
    book = scripts.parse(
        [
            {"name": "once", "times": 1, "reply": {"text": "a"}},
            {"name": "twice", "times": 2, "reply": {"text": "b"}},
        ]
    )
    state = ScriptState()
    asking = ApiRequest(request())
    found = [one.script.name if (one := match.find(asking, book, state)) else None for _ in range(4)]
    assert found == ["once", "twice", "twice", None]
    reasons = [miss.reason for miss in match.explain(asking, book, state)]
    assert reasons == ["times: it has answered 1 of 1 times", "times: it has answered 2 of 2 times"]


def test_the_nearest_miss_comes_first() -> None:
    book = scripts.parse(
        [
            {"name": "far", "when": {"model": "x", "turn": 1}, "reply": {"text": "a"}},
            {"name": "near", "when": {"model": "gpt-4o", "turn": 7}, "reply": {"text": "a"}},
        ]
    )
    assert [miss.script.name for miss in match.explain(ApiRequest(request()), book)] == ["near", "far"]


def test_a_hostile_pattern_takes_no_time() -> None:
    assert first_miss({"messages": {"any": {"regex": "^(a+)+$"}}}, request("a" * 50_000 + "!"))
