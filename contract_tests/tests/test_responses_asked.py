"""What a Response says of its parameters, beside what was sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture


def broken(sent: dict[str, Any], answered: dict[str, Any]) -> set[str]:
    """The rules that a plain Response breaks whose request and whose members are changed."""
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / "response-dict.yaml").exchange
    request = {**json.loads(exchange.request.body), **sent}
    body = {**json.loads(exchange.payload), **answered}
    changed = exchange.but(request=replace(exchange.request, body=json.dumps(request).encode()))
    return judge(changed.with_payload(json.dumps(body).encode())).ids(Level.MUST, Level.SHOULD)


@pytest.mark.parametrize(
    "answered",
    [
        {"user": "of-another-caller"},
        {"safety_identifier": "8fd1"},
        {"max_tool_calls": 3},
        {"max_output_tokens": 100},
        {"instructions": "You are a pirate."},
        {"previous_response_id": "resp_4f"},
    ],
)
def test_what_was_not_sent_is_null(answered: dict[str, Any]) -> None:
    assert broken({}, answered) == {"responses.echoes"}
    assert broken({"prompt": {"id": "pmpt_1"}}, answered) == set()


@pytest.mark.parametrize(
    "answered",
    [
        {"user": 7},
        {"max_tool_calls": "three"},
        {"frequency_penalty": "0"},
        {"presence_penalty": None},
        {"billing": "developer"},
        {"billing": {"payer": True}},
        {"billing": {}},
        {"tool_usage": None},
        {"prompt_cache_retention": 24},
        {"prompt_cache_key": []},
    ],
)
def test_each_parameter_has_its_type(answered: dict[str, Any]) -> None:
    assert broken({}, answered)


@pytest.mark.parametrize(
    "answered",
    [
        {"frequency_penalty": 0, "presence_penalty": 0.5},
        {"billing": {"payer": "developer", "plan": None}},
        {"prompt_cache_retention": None},
        {"prompt_cache_key": "from-the-server"},
    ],
)
def test_what_genuine_responses_have_is_no_finding(answered: dict[str, Any]) -> None:
    assert broken({}, answered) == set()
