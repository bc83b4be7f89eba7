"""A turn over a WebSocket that is refused: by an event, which is the form for it, and on the same WebSocket."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge, judge_trace
from contract_tests.rules.engine.judge import MUST, SHOULD
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.tests.replies import exchange
from fake_server.wire.exchange import Exchange

ASKED = {"model": "m", "stream": True, "store": False, "input": "Say hello."}


def _turn(event: dict[str, Any], **asked: Any) -> Exchange:
    body = f"event: error\ndata: {json.dumps(event)}\n\n".encode()
    turn = exchange({**ASKED, **asked}, body, media="text/event-stream", path="/v1/responses")
    return turn.but(request=replace(turn.request, headers=(("Upgrade", "websocket"),)))


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"type": "error", **more, "error": {"message": message, "type": "x", "param": None, "code": "y"}}


def test_an_error_event_without_its_status_is_one_finding() -> None:
    """aimock 1.43.0 said "status 200 for temperature 99" and "a stream without a token": there is no other form."""
    judged = judge(_turn(_error("No fixture matched"), temperature=99))
    assert judged.ids(MUST, SHOULD) == {"responses.refused-turn"}


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("No fixture matched", "No fixture matched", set()),
        ("temperature is too high", "the session has ended", {"relations.websocket-stays-open"}),
    ],
)
def test_who_refuses_every_turn_does_not_close_the_web_socket(first: str, second: str, wanted: set[str]) -> None:
    roles = {"refused over WebSocket": View(_turn(_error(first))), "behind the refused": View(_turn(_error(second)))}
    assert judge_trace(Trace("responses.websocket.error", roles)).ids(MUST, SHOULD) == wanted
