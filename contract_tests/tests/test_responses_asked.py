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
    back = {"id": "pmpt_1", "variables": {}, "version": "1"}
    assert broken({"prompt": {"id": "pmpt_1"}}, {**answered, "prompt": back}) == set()


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


FORM = {"type": "json_schema", "name": "tree", "strict": True, "schema": {"type": "object"}}


@pytest.mark.parametrize("change", [{"strict": None}, {"strict": False}, {"name": "river"}, {"schema": {}}])
def test_the_whole_format_comes_back(change: dict[str, Any]) -> None:
    text = {"format": FORM, "verbosity": "medium"}
    assert "responses.echoes" not in broken({"text": {"format": FORM}}, {"text": text})
    assert "responses.echoes" in broken({"text": {"format": FORM}}, {"text": {**text, "format": {**FORM, **change}}})


def test_usage_is_there_before_the_end_be_it_null() -> None:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / "response-read.yaml").exchange
    body = {**json.loads(exchange.payload), "status": "queued", "output": [], "usage": None, "completed_at": None}
    assert judge(exchange.with_payload(json.dumps(body).encode())).ids(Level.MUST, Level.SHOULD) == set()
    del body["usage"]
    found = judge(exchange.with_payload(json.dumps(body).encode())).ids(Level.MUST, Level.SHOULD)
    assert found == {"responses.members"}


@pytest.mark.parametrize("lost", ["role", "type"])
def test_what_a_compaction_keeps_says_who_spoke(lost: str) -> None:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / "response-compacted.yaml").exchange
    body = json.loads(exchange.payload)
    message = body["output"][0]
    (message if lost == "role" else message["content"][0])[lost] = 7
    assert judge(exchange.with_payload(json.dumps(body).encode())).ids(Level.MUST, Level.SHOULD) == {
        "responses.compact"
    }


def test_a_mistake_is_refused_with_400_not_422() -> None:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / "response-wrong-value.yaml").exchange
    assert judge(exchange.but(status=422)).ids() == {"errors.not-422"}
