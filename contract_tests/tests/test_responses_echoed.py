"""What a Response repeats of its request is the caller's, however new; what the server changes of it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.tests.test_responses import broken, events_of, load, streamed
from fake_server.wire.exchange import Exchange

SEARCH: dict[str, Any] = {"type": "web_search"}
ECHOED: dict[str, dict[str, Any]] = {
    "a search to be called": {"tools": [SEARCH], "tool_choice": SEARCH},
    "a dated search": {"tools": [SEARCH], "tool_choice": {"type": "web_search_2025_08_26"}},
    "a search of tools": {"tools": [{"type": "tool_search"}], "tool_choice": {"type": "tool_search"}},
    "a choice with parts": {"tool_choice": {"type": "namespace", "name": "files", "tools": [{"name": 1}]}},
    "a word for a choice": {"tool_choice": "validated"},
    "a tool of another server": {"tools": [{"type": "browser", "depth": 3}]},
    "a tool of two": {"tools": [{"type": "browser", "depth": 3}, {"type": "web_search", "filters": None}]},
    "a member of a known tool": {"tools": [{"type": "web_search", "search_context_size": "vast"}]},
    "a format": {"text": {"format": {"type": "yaml_schema", "name": "tree"}}},
    "how much is said": {"text": {"format": {"type": "text"}, "verbosity": "extreme"}},
    "an effort": {"reasoning": {"effort": "extreme", "summary": "verse"}},
    "a truncation": {"truncation": "smart"},
    "a tier": {"service_tier": "ultra"},
    "a retention": {"prompt_cache_retention": "48h"},
    "metadata of numbers": {"metadata": {"run": 7}},
}


def answered(sent: dict[str, Any], back: dict[str, Any], name: str = "response-calls-dict") -> Exchange:
    """A genuine Response, or its stream, with these members sent and these repeated."""
    genuine = load(name)
    request = {**(genuine.request.json() or {}), **sent}
    asked = genuine.but(request=replace(genuine.request, body=json.dumps(request).encode()))
    if not name.endswith("-stream"):
        return asked.with_payload(json.dumps({**json.loads(genuine.payload), **back}).encode())
    events = [
        {**event, "response": {**event["response"], **back}} if "response" in event else event
        for event in events_of(name)
    ]
    return streamed(name, events).but(request=asked.request)


@pytest.mark.parametrize("name", ECHOED)
def test_what_comes_back_as_it_was_sent_has_the_callers_type(name: str) -> None:
    # No answer here calls what it was to call, and what the reference excludes is to be refused.
    aside = {"responses.tool-choice", "responses.built-in-called", "responses.refuses-wrong-values"}
    assert broken(answered(ECHOED[name], ECHOED[name])) <= aside
    assert broken(answered(ECHOED[name], ECHOED[name], "response-stream")) <= aside


@pytest.mark.parametrize(
    ("back", "rules"),
    [
        ({"tools": [{"type": "browser", "depth": 3}]}, set()),
        ({"tool_choice": {"type": "web_search"}}, set()),
        ({"tool_choice": {"type": "namespace", "tools": 7}}, set()),
        ({"text": {"format": {"type": "yaml_schema"}}}, set()),
        ({"tools": [{"type": 7}]}, {"responses.shape"}),
        ({"tools": [{"type": "web_search", "search_context_size": "vast"}]}, {"responses.shape"}),
        (
            {"tools": [{"type": "function", "name": "get_time", "parameters": "none", "strict": True}]},
            {"responses.shape"},
        ),
        ({"tool_choice": {"name": "get_time"}}, {"responses.shape"}),
        ({"tool_choice": "validated"}, {"responses.shape"}),
        ({"truncation": "smart"}, {"responses.shape"}),
    ],
)
def test_of_a_stored_response_new_types_of_objects_are_no_fault(back: dict[str, Any], rules: set[str]) -> None:
    genuine = load("response-read")
    assert broken(genuine.with_payload(json.dumps({**json.loads(genuine.payload), **back}).encode())) == rules


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ({"truncation": "auto"}, {"truncation": "smart"}),
        ({"reasoning": {"effort": "low"}}, {"reasoning": {"effort": 3}}),
        ({"metadata": {"run": 7}}, {"metadata": {"run": 8}}),
        ({"temperature": 1}, {"temperature": True}),
        ({"tools": [{"type": "web_search"}]}, {"tools": [{"type": "web_search", "filters": 7}]}),
        ({"service_tier": "ultra"}, {"service_tier": ["ultra"]}),
        ({"input": "unknown"}, {"status": "completed", "output": "unknown"}),
    ],
)
def test_what_the_server_changed_has_a_type_of_the_reference(sent: dict[str, Any], back: dict[str, Any]) -> None:
    assert broken(answered(sent, back)) & {
        "responses.shape",
        "responses.echoes",
        "responses.object",
        "responses.members",
    }


def test_a_member_that_only_another_tool_was_sent_without_is_missed() -> None:
    named = {"name": "get_time", "parameters": {"type": "object"}, "strict": True}
    space = {"type": "namespace", "name": "clocks", "description": "d"}
    sent = {"tools": [{**space, "tools": [{"type": "custom", "name": "x"}, {"type": "function", **named}]}]}
    lost = {name: value for name, value in named.items() if name != "name"}
    back = {"tools": [{**space, "tools": [{"type": "custom", "name": "x"}, {"type": "function", **lost}]}]}
    assert "responses.shape" not in broken(answered(sent, sent))
    assert "responses.shape" in broken(answered(sent, back))
    without = {"tools": [{**space, "tools": [{"type": "function", **lost}, {"type": "function", **named}]}]}
    again = {
        "tools": [{**space, "tools": [{"type": "function", **lost}, {"type": "function", **lost, "strict": False}]}]
    }
    assert "responses.shape" not in broken(answered(without, without))
    assert "responses.shape" in broken(answered(without, again))


def test_many_values_of_a_wrong_type_are_compared_once_each() -> None:
    wrong = {"tools": [{"type": "web_search", "filters": number} for number in range(3000)]}
    assert "responses.shape" not in broken(answered(wrong, wrong))
