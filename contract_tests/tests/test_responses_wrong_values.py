"""Requests for a Response that are to be refused, and odd ones that may be answered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.tests.test_responses import broken, load
from fake_server.wire.exchange import Exchange

FUNCTION = {"type": "function", "name": "get_time", "parameters": {"type": "object"}, "strict": False}
CALL = {"type": "function_call", "call_id": "call_1", "name": "get_time", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "7"}
NOTE = {"type": "custom_tool_call", "call_id": "call_1", "name": "note", "input": "7"}
NOTED = {"type": "custom_tool_call_output", "call_id": "call_1", "output": "7"}
USER = {"role": "user", "content": "Hello"}
ELSEWHERE = {"previous_response_id": "resp_1"}
VALUES, INPUT, CALLS = "refuses-wrong-values", "refuses-no-input", "refuses-unpaired-calls"


def shaped(**members: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", "name": "tree", "schema": {"type": "object"}, **members}}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"temperature": 99}, VALUES),
    ({"temperature": -0.5}, VALUES),
    ({"temperature": "warm"}, VALUES),
    ({"top_p": 7}, VALUES),
    ({"top_logprobs": 99}, VALUES),
    ({"max_output_tokens": "many"}, VALUES),
    ({"truncation": "smart"}, VALUES),
    ({"tool_choice": "required"}, VALUES),
    ({"tool_choice": "required", "tools": []}, VALUES),
    ({"tool_choice": {"type": "web_search"}}, VALUES),
    ({"tool_choice": "sometimes", "tools": [FUNCTION]}, VALUES),
    ({"text": {"format": {"type": "no-such-format"}}}, VALUES),
    ({"text": {"format": "json"}}, VALUES),
    (shaped(schema=None), VALUES),
    (shaped(name=""), VALUES),
    ({"input": [{"role": "wizard", "content": "Hello"}]}, VALUES),
    ({"input": None}, INPUT),
    ({"input": 7}, INPUT),
    ({"input": USER}, INPUT),
    ({"input": True, **ELSEWHERE}, INPUT),
    ({"input": [USER, RESULT]}, CALLS),
    ({"input": [USER, CALL]}, CALLS),
    ({"input": [USER, NOTE, {**NOTED, "call_id": "call_2"}]}, CALLS),
    ({"input": [USER, CALL, RESULT, {**CALL, "call_id": "call_2"}]}, CALLS),
]
LEGAL: list[dict[str, Any]] = [
    {"temperature": 2, "top_p": 0, "top_logprobs": 20},
    {"temperature": None, "top_p": None, "max_output_tokens": None, "tool_choice": None, "text": None},
    {"tool_choice": "any", "tools": [FUNCTION]},  # another server's word
    {"tool_choice": "required", "prompt": {"id": "pmpt_1"}},  # which brings its tools
    {"tool_choice": "auto"},
    {"tool_choice": "none"},
    {"truncation": "auto"},
    {"text": {"format": {"type": "grammar"}}},
    {"input": ""},
    {"input": []},
    {"input": None, **ELSEWHERE},
    {"input": None, "prompt": {"id": "pmpt_1"}},
    {"input": None, "conversation": "conv_1"},
    {"input": [{"role": role, "content": "Hello"} for role in ("user", "assistant", "system", "developer", "tool")]},
    {"input": [USER, CALL, RESULT]},
    {"input": [USER, NOTE, NOTED]},
    {"input": [RESULT], **ELSEWHERE},
    {"input": [RESULT], "conversation": {"id": "conv_1"}},
    {"input": [{"type": "item_reference", "id": "fc_1"}, RESULT]},
    {"input": [{"type": "compaction", "encrypted_content": "gAAAA"}, RESULT]},
    {"input": [USER, {"type": "tool_search_call", "call_id": "call_1", "arguments": {}}, RESULT]},  # a genuine one
    {"input": [USER, {"type": "shell_call", "call_id": "call_1"}, {"type": "shell_call_output", "call_id": "call_1"}]},
    {"input": [USER, {"type": "computer_call", "call_id": "call_1"}]},
    {"input": [USER, {"type": "web_search_call", "id": "ws_1", "status": "completed"}]},
]
ASIDE = {
    *("responses.tools", "responses.echoes", "responses.previous", "responses.tool-choice", "responses.conversation"),
    "responses.prompt",
}
"""What the answers here do not repeat of these requests."""


def asked(name: str, members: dict[str, Any], status: int | None = None) -> Exchange:
    genuine = load(name)
    body = {key: value for key, value in {**(genuine.request.json() or {}), **members}.items() if value is not ...}
    exchange = genuine.but(request=replace(genuine.request, body=json.dumps(body).encode()))
    return exchange if status is None else exchange.but(status=status)


@pytest.mark.parametrize(("members", "rule"), WRONG)
@pytest.mark.parametrize("name", ["response-dict", "response-stream"])
def test_an_answer_to_a_wrong_request_is_one_finding(members: dict[str, Any], rule: str, name: str) -> None:
    found = broken(asked(name, members)) - {"responses.previous", "responses.tools"}
    assert found == {f"responses.{rule}"}


@pytest.mark.parametrize(("members", "rule"), WRONG)
def test_a_refusal_of_a_wrong_request_is_none(members: dict[str, Any], rule: str) -> None:
    assert broken(asked("response-limit-refused", {"max_output_tokens": 50, **members})) == set()
    wrong_status = broken(asked("response-limit-refused", {"max_output_tokens": 50, **members}, status=403))
    assert f"responses.{rule}" in wrong_status
    failed = broken(asked("response-limit-refused", {"max_output_tokens": 50, **members}, status=500))
    assert "errors.callers-mistake" in failed
    assert f"responses.{rule}" not in failed  # one cause, one finding


@pytest.mark.parametrize("members", LEGAL)
def test_what_is_legal_may_be_answered(members: dict[str, Any]) -> None:
    assert broken(asked("response-dict", members)) <= ASIDE


def test_where_there_are_no_responses_nothing_is_said_of_their_values() -> None:
    nowhere = asked("response-limit-refused", {"temperature": 99}, status=404)
    gone = nowhere.with_payload(
        b'{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error"}}'
    )
    assert not {f"responses.{rule}" for rule in (VALUES, INPUT, CALLS)} & broken(gone)


def test_a_failed_response_says_what_it_is_to_clients() -> None:
    assert broken(asked("response-failed-stream", {"temperature": 99})) == {"responses.refuses-wrong-values"}
