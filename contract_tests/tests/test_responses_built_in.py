"""Built-in tools and streams that are taken up again: asked for, judged, and *unsupported* where a target has none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome
from contract_tests.tests.small_target import Answer, Asked, refusal, reply, report_of
from contract_tests.tests.test_responses_wrong_values import asked
from fake_server.testing.server import FakeServer
from fake_server.wire.exchange import Exchange

CASE = "responses.web-search"
REFUSALS: dict[str, Answer] = {
    "openai": refusal(400, "Hosted tool 'web_search' is not supported with gpt-3.5-turbo.", param="tools"),
    "by its place": refusal(
        400, "Invalid value: 'web_search'. Supported values are: 'function'.", param="tools[0].type"
    ),
    "vllm": refusal(400, "Unsupported tool type: 'web_search'"),
    "go": refusal(400, "unknown tool type: web_search"),
    "501": refusal(501, "web_search is not supported"),
    "pydantic": reply(
        422,
        {
            "detail": [
                {"loc": ["body", "tools", 0, "type"], "msg": "Input should be 'function'", "type": "literal_error"}
            ]
        },
    ),
}


@pytest.mark.parametrize("form", REFUSALS)
def test_a_target_without_a_built_in_tool_is_no_drift(form: str) -> None:
    def answer(given: Asked) -> Answer | None:
        return REFUSALS[form] if given.path == "/v1/responses" else None

    report, _ = report_of(answer, "chat.short", CASE)
    result = report.results[-1]
    assert result.lacks
    assert {finding.rule.id for finding in result.findings} <= {"errors.object", "errors.not-422"}  # as FastAPI refuses
    assert result.outcome is Outcome.UNSUPPORTED or result.findings


def answered(choice: str, *items: dict[str, Any]) -> Exchange:
    members = {"tools": [{"type": choice}], "tool_choice": {"type": choice}}
    exchange = asked("response-dict", members)
    body = json.loads(exchange.payload)
    body = {**body, **members, "output": [*items, *body["output"]]}
    return exchange.with_payload(json.dumps(body).encode())


CALLS: dict[str, dict[str, Any]] = {
    "web_search": {"type": "web_search_call", "action": {"type": "search", "query": "trees"}},
    "web_search_preview_2025_03_11": {"type": "web_search_call", "action": {"type": "search", "query": "trees"}},
    "file_search": {"type": "file_search_call", "queries": ["trees"], "results": None},
    "code_interpreter": {"type": "code_interpreter_call", "code": "1", "container_id": "cntr_1", "outputs": None},
    "image_generation": {"type": "image_generation_call", "result": None},
    "shell": {"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls"]}, "environment": None},
}


@pytest.mark.parametrize("choice", CALLS)
def test_a_built_in_tool_that_is_to_be_called_is_called(choice: str) -> None:
    called = answered(choice, {**CALLS[choice], "id": "ws_1", "status": "completed"})
    assert "responses.built-in-called" not in judge(called).ids()
    left_out = judge(answered(choice))
    assert "responses.built-in-called" in left_out.ids(Level.SHOULD)
    assert not left_out.ids(Level.MUST)


@pytest.mark.parametrize("choice", ["function", "custom", "namespace", "allowed_tools"])
def test_of_other_choices_nothing_is_said(choice: str) -> None:
    assert "responses.built-in-called" not in judge(answered(choice)).ids()


RESUMED = "responses.stored.resumed"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_fake_takes_its_streams_up_again(seed: int) -> None:
    with FakeServer(seed=seed) as fake:
        report, _ = report_of(lambda given: None, RESUMED, url=fake.base_url)
    assert [(result.outcome, result.findings) for result in report.results] == [(Outcome.PASS, ())]
