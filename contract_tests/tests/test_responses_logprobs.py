"""Log probabilities of the texts of a Response: there where they are asked for, well formed, and of the text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.tests.test_responses import broken as broken_by
from contract_tests.tests.test_responses import events_of, streamed
from contract_tests.tests.test_responses_asked import broken

ASKED = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}


def token(text: str, **members: Any) -> dict[str, Any]:
    scored = {"token": text, "logprob": -0.1, "bytes": list(text.encode())}
    less = {"token": "x", "logprob": -3.0, "bytes": [120]}
    return {**scored, "top_logprobs": [scored, less], **members}


GOOD = [token("A tree"), token(" stands")]


def answered(logprobs: Any, text: str = "A tree stands") -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": text}
    item = {"id": "msg_1", "type": "message", "status": "completed", "content": [part], "role": "assistant"}
    return {"output": [item], "top_logprobs": 2}


def test_what_was_asked_for_and_is_of_the_text_is_right() -> None:
    assert broken(ASKED, answered(GOOD)) == set()
    assert broken({}, {**answered([]), "top_logprobs": 0}) == set()


@pytest.mark.parametrize(
    ("logprobs", "rule"),
    [
        ([], "given"),
        ([token("A tree"), token(" stood")], "tell-the-text"),
        (GOOD[:1], "tell-the-text"),
        ([token("A tree"), token(" stands", logprob=0.4)], "logprob"),
        ([token("A tree", top_logprobs=[*GOOD[0]["top_logprobs"]] * 2), GOOD[1]], "top-count"),
        ([token("A tree", top_logprobs=[]), GOOD[1]], "top-given"),
        ([token("A tree", top_logprobs=GOOD[0]["top_logprobs"][::-1]), GOOD[1]], "top-order"),
        ([token("A tree", bytes=[65]), GOOD[1]], "bytes"),
    ],
)
def test_what_is_wrong_with_them_is_found(logprobs: list[dict[str, Any]], rule: str) -> None:
    assert f"logprobs.{rule}" in broken(ASKED, answered(logprobs))


def test_nobody_gets_what_nobody_asked_for() -> None:
    assert broken({}, {**answered(GOOD), "top_logprobs": 0}) == {"logprobs.unasked"}


def test_the_pieces_of_a_stream_are_judged_too() -> None:
    events = events_of("response-stream")
    at = next(place for place, event in enumerate(events) if event["type"] == "response.output_text.delta")
    for number, found in ((-0.5, set()), (0.5, {"logprobs.logprob"})):
        scored = [{"token": "A", "logprob": number, "top_logprobs": []}]
        changed = [*events[:at], {**events[at], "logprobs": scored}, *events[at + 1 :]]
        exchange = streamed("response-stream", json.loads(json.dumps(changed)))
        assert broken_by(exchange) == found
