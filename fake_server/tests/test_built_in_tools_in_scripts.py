"""Scripts match the built-in tools that a request for a Response offers, by their types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fake_server import FakeServer

SEARCH, CODE = {"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    scripts = [
        {"name": "both", "when": {"tools": {"include": ["web_search", "get_weather"]}}, "reply": {"text": "both"}},
        {"name": "searched", "when": {"tools": {"include": "web_search"}}, "reply": {"text": "searched"}},
        {"name": "other", "reply": {"text": "other"}},
    ]
    with FakeServer(scripts, plain=True) as server:
        yield server


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"tools": [SEARCH]}, "searched"),
        ({"tools": [CODE, {"type": "web_search", "search_context_size": "low"}]}, "searched"),
        ({"tools": [SEARCH], "tool_choice": SEARCH}, "searched"),
        ({"tools": [SEARCH, WEATHER]}, "both"),
        ({"tools": [WEATHER, SEARCH, CODE], "tool_choice": "required"}, "both"),
        ({"tools": [SEARCH], "tool_choice": "none"}, "other"),
        ({"tools": [CODE]}, "other"),
        ({"tools": [WEATHER]}, "other"),
        ({"tools": [SEARCH, CODE], "tool_choice": {"type": "code_interpreter"}}, "other"),
        ({"tools": [SEARCH, WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}}, "other"),
        (
            {
                "tools": [SEARCH, CODE],
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]},
            },
            "searched",
        ),
        ({}, "other"),
    ],
)
def test_a_built_in_tool_goes_by_its_type(fake: FakeServer, members: dict[str, Any], text: str) -> None:
    body = {"model": "gpt-4o", "input": "News?", **members}
    reply = httpx.post(f"{fake.base_url}/responses", json=body, headers={"Authorization": "Bearer any"})
    assert reply.status_code == 200, reply.text
    messages = [item for item in reply.json()["output"] if item["type"] == "message"]
    assert messages[-1]["content"][0]["text"] == text


def test_an_assertion_names_it_too(fake: FakeServer) -> None:
    body = {"model": "gpt-4o", "input": "News of today?", "tools": [SEARCH]}
    httpx.post(f"{fake.base_url}/responses", json=body, headers={"Authorization": "Bearer any"})
    fake.assert_asked({"tools": {"include": "web_search"}, "endpoint": "responses"})
    with pytest.raises(AssertionError, match="file_search"):
        fake.assert_asked({"tools": {"include": "file_search"}})
