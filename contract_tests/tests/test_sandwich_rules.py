"""Rules about both sides of a proxy: each is kept by what an honest one does, and broken alone by its own example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contract_tests.rules.engine.view import View
from contract_tests.sandwich.changes import changes
from contract_tests.sandwich.pair import merge
from contract_tests.sandwich.rules.catalogue import RULES, judge_pair
from contract_tests.tests.proportion import assert_in_proportion
from contract_tests.tests.sandwich_pairs import BROKEN, KEPT, Sides, events
from fake_server.wire.exchange import Exchange, Request, Write


@pytest.mark.parametrize("name", KEPT)
def test_what_an_honest_proxy_does_breaks_no_rule(name: str) -> None:
    sides = Sides()
    KEPT[name](sides)
    assert [str(finding) for finding in judge_pair(sides.pair()).findings] == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_is_broken_alone(name: str) -> None:
    sides = Sides()
    BROKEN[name](sides)
    judgement = judge_pair(sides.pair())
    assert judgement.ids() == {f"sandwich.{name}"}
    assert all(finding.actual for finding in judgement.findings)


def test_every_rule_has_an_example() -> None:
    assert {f"sandwich.{name}" for name in BROKEN} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_kept_by_an_example_that_it_applies_to(name: str) -> None:
    applied = []
    for edit in KEPT.values():
        sides = Sides()
        edit(sides)
        applied.append(name in judge_pair(sides.pair()).applied)
    assert any(applied) or name == "sandwich.reply.vectors"


def test_true_is_not_one_and_one_is_one_point_nothing() -> None:
    assert [change.path for change in changes({"a": 1, "b": 1, "c": 0}, {"a": True, "b": 1.0, "c": False})] == [
        ("a",),
        ("c",),
    ]


def test_a_value_of_any_depth_is_compared() -> None:
    deep: object = 1
    other: object = 2
    for _ in range(5000):
        deep, other = [deep], [other]
    (change,) = changes(deep, other)
    assert len(change.path) == 5000


@pytest.mark.slow
def test_a_stream_of_many_calls_is_read_in_proportion() -> None:
    def calls(first: int, count: int) -> dict[str, Any]:
        listed = [{"index": number, "function": {"arguments": "{}"}} for number in range(first, first + count)]
        return {"choices": [{"index": 0, "delta": {"tool_calls": listed}}]}

    def of_size(size: int) -> Callable[[], object]:
        view = View(streamed_exchange([calls(number, 1) for number in range(size // 100)]))
        return lambda: merge(view)

    assert_in_proportion(of_size)


def test_pieces_of_a_call_are_joined_by_their_index() -> None:
    pieces = [(0, "a"), (1, "b"), (0, "c"), (1, "d"), (5, "e"), (5, "f")]
    chunks = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": {"arguments": text}}]}}]}
        for index, text in pieces
    ]
    (choice,) = merge(View(streamed_exchange(chunks)))["choices"]
    assert [call["function"]["arguments"] for call in choice["delta"]["tool_calls"]] == ["ac", "bd", "ef"]


def streamed_exchange(chunks: list[dict[str, Any]]) -> Exchange:
    request = Request("POST", "/v1/chat/completions", (), b"{}")
    return Exchange(request, 200, (("content-type", "text/event-stream"),), (Write(events([*chunks, "[DONE]"])),))
