"""Requests and answers of the Responses API beside genuine recordings of api.openai.com."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from fake_server.api import responses_request
from fake_server.api.render.responses import build_response, render_dict
from fake_server.api.render.responses_stream import render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob, ToolCall, Usage
from fake_server.api.validate.response_input import find_item_refusal
from fake_server.api.validate.responses import find_model_refusal, validate_response
from fake_server.tests.folding import Folded
from fake_server.tests.genuine import RECORDINGS, shapes

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
genuine_only = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI"
)


@cache
def genuine() -> list[dict[str, Any]]:
    with RECORDINGS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if '"endpoint": "responses"' in line]


def recorded(status: int) -> Iterator[tuple[dict[str, Any], Any]]:
    for recording in genuine():
        if recording["response"]["status"] == status:
            yield recording["request"]["body"] or {}, recording["response"]["body"]


def refusal_of(body: dict[str, Any]) -> Any:
    refusal = validate_response(body)
    items = responses_request.input_items(body)
    alone = not (body.get("previous_response_id") or body.get("conversation"))
    if refusal is None and alone and not any(item["type"] == "item_reference" for item in items):
        refusal = find_item_refusal(responses_request.resolve(items, ()))
    return refusal or find_model_refusal(body, responses_request.as_chat(body))


@genuine_only
def test_every_genuine_request_that_succeeded_is_accepted() -> None:
    refusals = [refusal_of(body) for body, _ in recorded(200)]
    assert len(refusals) > 800
    assert [refusal.message for refusal in refusals if refusal is not None] == []


@genuine_only
def test_a_genuine_refusal_of_items_is_repeated_to_the_letter() -> None:
    seen = 0
    for body, error in recorded(400):
        if "required following item" in error["error"]["message"]:
            assert refusal_of(body).body() == error
            seen += 1
    assert seen


CALL = ToolCall("get_weather", '{"city": "Oslo"}')
SCORES = (TokenLogprob("A", -0.5), TokenLogprob(" tree", -0.25))
CHOICES = {
    "text": Choice(content="A tree stands."),
    "a call": Choice(tool_calls=(CALL,), finish_reason="tool_calls"),
    "two calls": Choice(tool_calls=(CALL, CALL), finish_reason="tool_calls"),
    "cut": Choice(content="A tree", finish_reason="length"),
}


@genuine_only
@pytest.mark.parametrize("model", ["gpt-4o-mini-2024-07-18", "gpt-5.4-2026-03-05"])
@pytest.mark.parametrize("name", CHOICES)
def test_the_members_are_those_of_genuine_answers(name: str, model: str) -> None:
    choice = CHOICES[name]
    if name == "cut" and model.startswith("gpt-5"):
        pytest.skip("no recorded answer of a newer model is incomplete")
    request = {"tools": [WEATHER]} if choice.tool_calls else {}
    response = build_response(Reply((choice,), Usage(9, 4), model), request, Style.PLAIN)
    seen = genuine_shapes()
    body = json.loads(render_dict(response, Style.PLAIN))
    for place, names in ((place, tuple(name for name, _ in shape)) for place, shape in shapes(body, "dict")):
        if ".parameters" not in place and place != "dict.incomplete_details":  # no recorded dict is incomplete
            assert names in seen[place], place
    for event in Folded(b"".join(render_stream(response, {}, Style()))).events:
        for place, shape in shapes(event, event["type"]):
            if ".parameters" not in place:
                assert tuple(name for name, _ in shape) in seen[place], place


@cache
def genuine_shapes() -> dict[str, set[tuple[str, ...]]]:
    """The members of every object of genuine answers, in order, by place and type of event."""
    seen: dict[str, set[tuple[str, ...]]] = {}
    for _, body in recorded(200):
        documents = [("dict", body)] if isinstance(body, dict) else _events(body)
        for kind, document in documents:
            for place, shape in shapes(document, kind):
                seen.setdefault(place, set()).add(tuple(name for name, _ in shape))
    return seen


def _events(stream: str) -> Iterator[tuple[str, Any]]:
    for block in stream.replace("\r\n", "\n").split("\n\n"):
        for line in block.split("\n"):
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                yield event["type"], event
