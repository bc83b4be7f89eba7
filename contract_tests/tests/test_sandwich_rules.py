"""Rules about both sides of a proxy: each is kept by what an honest one does, and broken alone by its own example."""

from __future__ import annotations

import pytest

from contract_tests.sandwich.changes import changes
from contract_tests.sandwich.rules.catalogue import RULES, judge_pair
from contract_tests.tests.sandwich_pairs import BROKEN, KEPT, Sides


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
