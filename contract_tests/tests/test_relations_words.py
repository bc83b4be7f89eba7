"""What the rules on several Responses say, where it has to name what was done and not only what came."""

from __future__ import annotations

import pytest

from contract_tests.rules import judge_trace
from contract_tests.rules.engine.trace import Trace
from contract_tests.tests.test_relations_of_responses import GONE, RESPONSE, body, streamed, view_of


@pytest.mark.parametrize("status", [405, 501])
def test_who_cannot_delete_says_nothing_of_what_was_never_made(status: int) -> None:
    """vllm-router 0.1.17: "Responses delete endpoint not implemented"."""
    view = view_of(GONE, RESPONSE, "DELETE", status)
    assert not judge_trace(Trace("t", {"never made: a Response to delete": view})).findings


def test_an_order_that_is_ignored_is_called_that() -> None:
    """vllm-router 0.1.17 drops the query: the list was shown as raw JSON, with no word of the order."""
    sent = [{"role": "user", "content": text} for text in ("first", "second")]
    made = view_of(body(), input=sent)
    items = view_of({"object": "list", "data": sent[::-1]}, f"{RESPONSE}/input_items?order=asc", "GET")
    (finding,) = judge_trace(Trace("t", {"made": made, "items": items})).findings
    assert finding.actual == "[['second'], ['first']], in the reverse of the order that was asked for"
    assert finding.expected == "[['first'], ['second']]"


def test_a_stream_that_comes_as_json_ignores_the_query() -> None:
    again = view_of(body(), f"{RESPONSE}?stream=true&starting_after=1", "GET")
    (finding,) = judge_trace(Trace("t", {"whole stream": streamed(), "taken up again": again})).findings
    assert finding.actual == "a Response as JSON: `stream=true` is ignored"
