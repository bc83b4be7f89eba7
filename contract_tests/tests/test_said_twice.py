"""What a stream says again: ids, names and roles that clients add up are MUST, what is empty or null is not."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.test_genuine_forms import load
from contract_tests.tests.test_new_findings import OPENING, call, noted, streamed
from fake_server.wire.exchange import Aspect, Exchange

ONCE, LEFT_OUT = "tools.stream-id-once", "tools.stream-id-left-out"
OLD = {"function_call": {"name": "get_weather", "arguments": ""}}


def musts(exchange: Exchange) -> set[str]:
    return judge(exchange).ids(Level.MUST)


def shoulds(exchange: Exchange) -> set[str]:
    return judge(exchange).ids(Level.SHOULD)


@pytest.mark.parametrize(
    ("again", "must", "should"),
    [
        (call(id="call_1"), {ONCE}, set()),
        (call(id="call_2"), {ONCE}, set()),
        (call(function={"name": "get_weather", "arguments": ""}), {ONCE}, set()),
        (call(function={"name": "other", "arguments": ""}), {ONCE}, set()),
        (call(id=""), set(), {LEFT_OUT}),
        (call(function={"name": "", "arguments": ""}), set(), {LEFT_OUT}),
        (call(id=None), set(), {"tools.no-nulls"}),
        (call(type="function"), set(), set()),
        (call(), set(), set()),
    ],
)
def test_an_id_or_a_name_again(again: dict[str, Any], must: set[str], should: set[str]) -> None:
    exchange = streamed(OPENING, again, {}, finish="tool_calls")
    assert (musts(exchange), shoulds(exchange)) == (must, should)


@pytest.mark.parametrize(
    ("role", "must", "should"),
    [
        ("assistant", {"chat.stream.role-once"}, set()),
        (None, set(), {"chat.stream.role-left-out"}),
        ("", {"chat.stream.role"}, {"chat.stream.role-left-out"}),
    ],
)
def test_a_role_again(role: str | None, must: set[str], should: set[str]) -> None:
    exchange = streamed({"content": "Hi", "role": role}, {})
    assert (musts(exchange), shoulds(exchange)) == (must, should)


def test_the_name_of_an_older_call_again() -> None:
    assert noted(streamed(OLD, {"function_call": {"arguments": "{}"}}, {}, finish="function_call")) == set()
    again = streamed(OLD, {"function_call": {"name": "get_weather", "arguments": "{}"}}, {}, finish="function_call")
    assert musts(again) == {"tools.stream-function-call"}
    nameless = streamed({"function_call": {"arguments": "{}"}}, {}, finish="function_call")
    assert musts(nameless) == {"tools.stream-function-call"}


def test_the_arguments_of_an_older_call_add_up_to_json() -> None:
    pieces = [{"function_call": {"arguments": piece}} for piece in ('{"city"', ": 1}")]
    assert noted(streamed(OLD, *pieces, {}, finish="function_call")) == set()
    assert musts(streamed(OLD, *reversed(pieces), {}, finish="function_call")) == {"tools.stream-function-call"}
    assert "tools.stream-function-call" not in musts(streamed(OLD, pieces[0], {}, finish="length"))


def test_usage_that_was_asked_for_is_due_where_the_request_is_known_for_sure() -> None:
    asked = load("usage-stream")
    chunks = [block for block in asked.payload.split(b"\n\n") if b'"choices":[]' not in block]
    without = asked.with_payload(b"\n\n".join(chunks).replace(b',"usage":null', b""))
    null = asked.with_payload(b"\n\n".join(chunks))
    assert musts(without) == {"usage.stream-asked"}
    assert musts(null) == {"usage.stream-promised"}
    recorded = without.but(unknown=frozenset({Aspect.ENDING}))
    assert (musts(recorded), shoulds(recorded)) == (set(), {"usage.stream-recorded"})
