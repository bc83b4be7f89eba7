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
