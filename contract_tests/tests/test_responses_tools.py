"""Tools come back as they were sent, apart from what api.openai.com is recorded to change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.tests.test_responses import broken, load

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "day": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "get_weather", "description": "d", "parameters": SCHEMA, "strict": False}
OTHER = {**WEATHER, "name": "get_time"}
CUSTOM = {"type": "custom", "name": "run", "description": "Runs.", "format": {"type": "text"}}
UNSAID = {name: value for name, value in WEATHER.items() if name != "strict"}
SEARCH = {"type": "web_search", "search_context_size": "low"}
MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://example.invalid/mcp", "require_approval": "never"}
LATER = {**OTHER, "defer_loading": True}
STRICT = {**SCHEMA, "required": ["city", "day"], "additionalProperties": False}

SAMPLES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], bool]] = {
    "as they were sent": ([WEATHER, OTHER, CUSTOM], [WEATHER, OTHER, CUSTOM], True),
    "custom tools first": ([WEATHER, CUSTOM], [CUSTOM, WEATHER], True),
    "a search added": ([WEATHER], [WEATHER, {"type": "web_search"}], True),
    "made strict": ([UNSAID], [{**WEATHER, "parameters": STRICT, "strict": True}], True),
    "an empty description": ([{**WEATHER, "description": ""}], [{**WEATHER, "description": None}], True),
    "to be loaded later": (
        [{"type": "tool_search"}, WEATHER, {**OTHER, "defer_loading": True}],
        [WEATHER, {"type": "tool_search"}],
        True,
    ),
    "defaults of a search": ([SEARCH], [{**SEARCH, "filters": None, "search_content_types": ["text"]}], True),
    "a dated search": ([{**SEARCH, "type": "web_search_preview_2025_03_11"}], [{"type": "web_search_preview"}], True),
    "secrets masked": ([{**MCP, "headers": {"x-key": "a"}}], [{**MCP, "headers": {"x-key": "<redacted>"}}], True),
    "one loaded by now": ([{"type": "tool_search"}, WEATHER, LATER], [WEATHER, OTHER, {"type": "tool_search"}], True),
    "one loaded twice": (
        [{"type": "tool_search"}, WEATHER, LATER],
        [WEATHER, OTHER, OTHER, {"type": "tool_search"}],
        False,
    ),
    "one lost beside one to be loaded": ([{"type": "tool_search"}, WEATHER, LATER], [{"type": "tool_search"}], False),
    "no search": ([SEARCH], [], False),
    "a search twice": ([SEARCH], [SEARCH, SEARCH], False),
    "another search": ([SEARCH], [{**SEARCH, "search_context_size": "high"}], False),
    "an approval that was not sent": ([MCP], [{**MCP, "require_approval": "always"}], False),
    "a choice of tools that was not sent": ([MCP], [{**MCP, "allowed_tools": ["read"]}], False),
    "one left out": ([WEATHER, OTHER], [WEATHER], False),
    "one twice": ([WEATHER, OTHER], [WEATHER, WEATHER, OTHER], False),
    "another order": ([WEATHER, OTHER], [OTHER, WEATHER], False),
    "no custom tool": ([WEATHER, CUSTOM], [WEATHER], False),
    "another format": ([WEATHER, CUSTOM], [WEATHER, {**CUSTOM, "format": {"type": "grammar"}}], False),
    "strict after all": ([WEATHER], [{**WEATHER, "strict": True}], False),
    "no strict after all": ([{**WEATHER, "strict": True}], [WEATHER], False),
    "less required": ([WEATHER], [{**WEATHER, "parameters": {**SCHEMA, "required": []}}], False),
    "a property missing": ([UNSAID], [{**WEATHER, "parameters": {**SCHEMA, "properties": {"city": {}}}}], False),
    "no description": ([WEATHER], [{**WEATHER, "description": None}], False),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_sent_comes_back(name: str) -> None:
    sent, back, holds = SAMPLES[name]
    exchange = load("response-calls-dict")
    request = {**(exchange.request.json() or {}), "tools": sent}
    body = {**json.loads(exchange.payload), "tools": back}
    asked = exchange.but(request=replace(exchange.request, body=json.dumps(request).encode()))
    assert ("responses.tools" in broken(asked.with_payload(json.dumps(body).encode()))) is not holds


TELLING: dict[str, tuple[dict[str, Any], bool]] = {
    "function": (WEATHER, True),
    "function, not strict or strict": ({**WEATHER, "strict": None}, False),
    "function without strict": (UNSAID, False),
    "namespace": ({"type": "namespace", "name": "n", "description": "d", "tools": [WEATHER]}, True),
    "function of a namespace": ({"type": "namespace", "name": "n", "description": "d", "tools": [UNSAID]}, False),
    "mcp": (MCP, True),
    "mcp without approval": ({**MCP, "require_approval": None}, False),
    "search for any text": ({**SEARCH, "search_content_types": "text"}, False),
    "search somewhere": ({**SEARCH, "user_location": {"country": "US"}}, False),
    "search by the client": ({"type": "tool_search", "execution": None}, False),
    "picture": ({"type": "image_generation", "n": "1"}, False),
}


@pytest.mark.parametrize("name", TELLING)
def test_a_tool_says_what_holds_of_it(name: str) -> None:
    tool, holds = TELLING[name]
    exchange = load("response-read")  # its request names no tools
    body = {**json.loads(exchange.payload), "tools": [tool]}
    found = broken(exchange.with_payload(json.dumps(body).encode()))
    assert found == (set() if holds else {"responses.tool-members"})


LISTED: dict[str, tuple[Any, bool]] = {
    "any text": ({"properties": {"path": {"type": "string", "default": "/", "enum": ["/", "a"]}}}, True),
    "a number": ({"properties": {"n": {"type": "number", "default": 1, "minimum": 0.5}}}, True),
    "no schema": (True, False),
    "text as a schema": ("{}", False),
    "a default of another type": ({"properties": {"draft": {"type": "boolean", "default": "no"}}}, False),
    "a value of another type": ({"properties": {"side": {"type": "string", "enum": ["LEFT", {}]}}}, False),
    "a bound that is text": ({"properties": {"n": {"type": "integer", "maximum": "50"}}}, False),
    "a bound between whole numbers": ({"properties": {"n": {"type": "integer", "minimum": 0.5}}}, False),
}


@pytest.mark.parametrize("name", LISTED)
def test_what_an_mcp_server_listed_is_a_schema(name: str) -> None:
    schema, holds = LISTED[name]
    exchange = load("response-read")
    body = json.loads(exchange.payload)
    tools = [{"name": "read", "description": "d", "annotations": {}, "input_schema": schema}]
    listed = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "docs", "tools": tools, "error": None}
    body["output"] = [listed, *body["output"]]
    found = broken(exchange.with_payload(json.dumps(body).encode()))
    assert found == (set() if holds else {"responses.schemas"})
