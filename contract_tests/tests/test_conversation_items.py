"""Items that are added to a conversation come back as they were sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import SHOULD
from contract_tests.tests.replies import exchange

PATH = "/v1/conversations/conv_1/items"
RULE = "conversations.added"


def message(text: str, kind: str = "input_text") -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": kind, "text": text}]}


CALL = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
SENT = [message("A tree."), CALL, RESULT]


def breaks(sent: list[Any], given: list[Any]) -> bool:
    data = [{"id": f"item_{number}", "status": "completed", **item} for number, item in enumerate(given)]
    ends = {"first_id": "item_0", "last_id": f"item_{len(data) - 1}", "has_more": False}
    body = json.dumps({"object": "list", "data": data, **ends}).encode()
    return RULE in judge(exchange({"items": sent}, body, path=PATH)).ids(SHOULD)


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        (SENT, SENT),
        ([{"role": "user", "content": "A tree."}], [message("A tree.")]),
        ([{**RESULT, "output": [{"type": "input_text", "text": "rain"}]}], [RESULT]),
        ([message("A tree.", "input_text")], [message("A tree.", "text")]),
        ([{**CALL, "status": None}], [CALL]),
    ],
)
def test_items_in_the_same_words_are_as_they_were_sent(sent: list[Any], given: list[Any]) -> None:
    assert not breaks(sent, given)


@pytest.mark.parametrize(
    "given",
    [
        [message("A river."), CALL, RESULT],
        [{**SENT[0], "content": SENT[0]["content"] * 2}, CALL, RESULT],
        [{**SENT[0], "content": []}, CALL, RESULT],
        [SENT[0], {**CALL, "call_id": "call_2"}, RESULT],
        [SENT[0], {name: value for name, value in CALL.items() if name != "call_id"}, RESULT],
        [SENT[0], {**CALL, "arguments": "{}"}, RESULT],
        [SENT[0], {**CALL, "name": "get_time"}, RESULT],
        [SENT[0], CALL, {**RESULT, "output": ""}],
    ],
)
def test_items_that_changed_on_the_way_are_named(given: list[Any]) -> None:
    assert breaks(SENT, given)
