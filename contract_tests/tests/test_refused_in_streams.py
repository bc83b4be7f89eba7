"""A refusal that begins a stream, what follows an error in one, and the words of a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge, judge_trace
from contract_tests.rules.engine.judge import MUST, SHOULD
from contract_tests.rules.engine.refused import describe_refusal
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.tests.replies import CHAT, MESSAGES, chunks, exchange, streamed
from fake_server.wire.exchange import Exchange


def refused(reply: dict[str, Any], status: int = 400) -> Exchange:
    return exchange({"model": "m", "messages": MESSAGES}, json.dumps(reply).encode(), status)


REFUSED_IN_STREAM = [
    {"error": {"message": "Invalid 'messages'", "type": "invalid_request_error", "param": None, "code": None}},
    {"id": "c", "choices": [], "error": {"message": "no such model", "type": "x", "param": None, "code": "y"}},
]


@pytest.mark.parametrize("asked", [{"messages": []}, {}, {"messages": MESSAGES, "model": "no-such-model-x"}], ids=str)
@pytest.mark.parametrize("event", REFUSED_IN_STREAM, ids=["error", "chunk with an error"])
@pytest.mark.parametrize("role", [False, True])
def test_a_refusal_that_begins_a_stream_is_a_refusal(asked: dict[str, Any], event: dict[str, Any], role: bool) -> None:
    """lm-proxy 3.3.2 and LitServe 0.2.19: "a model that does not exist is answered: typos go unnoticed"."""
    events = [*chunks(CHAT)[: int(role)], event, "[DONE]"]
    body = streamed(events).payload
    judged = judge(exchange({"model": "m", "stream": True, **asked}, body, media="text/event-stream"))
    assert judged.ids(MUST, SHOULD) == {"errors.before-the-stream"}


def test_a_mistake_that_is_answered_before_the_error_is_notrefused() -> None:
    events = [*chunks(CHAT)[:2], REFUSED_IN_STREAM[0], "[DONE]"]
    judged = judge(exchange({"model": "m", "stream": True}, streamed(events).payload, media="text/event-stream"))
    assert judged.ids(MUST, SHOULD) == {"errors.refuses-no-messages"}


def test_what_follows_an_error_is_named_once_and_asked_nothing_else() -> None:
    last = chunks(CHAT)[2]
    last["choices"][0]["finish_reason"] = "error"
    events = [*chunks(CHAT)[:2], REFUSED_IN_STREAM[0], last, {"type": "ping"}, "[DONE]"]
    assert judge(streamed(events)).ids(MUST, SHOULD) == {"errors.ends-the-stream"}


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        ({"error": "SyntaxError", "message": "Expected ',' at 5"}, "SyntaxError: Expected ',' at 5"),
        ({"error": "Not Found", "detail": "no model x"}, "Not Found: no model x"),
        ({"error": "no model x", "message": "no model x"}, "no model x"),
        ({"error": "boom", "message": None}, "boom"),
        ({"error": {"message": "boom"}, "message": "other"}, "boom"),
    ],
)
def test_a_failure_is_told_with_all_its_words(error: dict[str, Any], wanted: str) -> None:
    assert describe_refusal(View(refused(error, 500))) == wanted


def test_a_long_refusal_is_cut_at_a_word() -> None:
    view = View(refused({"error": {"message": "Input should be 'system', 'user', 'assistant' or 'tool', " * 4}}))
    (finding,) = judge_trace(Trace("chat.poem", {"dict": view}, valid=frozenset({"dict"}))).findings
    assert finding.actual.endswith(" …") or finding.actual.endswith("…")


def test_a_page_is_told_by_its_words() -> None:
    page = b"<html><head><title>502</title><style>a{}</style></head><body><h1>Bad gateway</h1></body></html>"
    view = View(exchange({"messages": MESSAGES}, page, 500, "text/html"))
    assert describe_refusal(view) == "Bad gateway"
    bare = View(exchange({"messages": MESSAGES}, b"<oops>", 500, "text/html"))
    assert describe_refusal(bare) == "<oops>"
