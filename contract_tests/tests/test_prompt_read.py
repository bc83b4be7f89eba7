"""Prompt tokens beside the words of a prompt: far too few are named, what a template leaves out is not missed."""

from __future__ import annotations

import json

import pytest

from contract_tests.rules import judge
from contract_tests.tests.small_traces import said, view_of

WORDS = "the tree stands in the field " * 30


def found(count: int, *messages: tuple[str, str]) -> set[str]:
    asked = {"model": "m", "messages": [{"role": role, "content": text} for role, text in messages]}
    root = said("Hello.").root.value | {
        "usage": {"prompt_tokens": count, "completion_tokens": 2, "total_tokens": count + 2}
    }
    view = view_of(json.dumps(root).encode(), asked=asked)
    return {rule for rule in judge(view.exchange).ids() if rule.startswith("usage.prompt")}


@pytest.mark.parametrize(
    ("count", "rules"),
    [
        (181, set()),
        (140, set()),
        (100, {"usage.prompt-size"}),
        (40, {"usage.prompt-read"}),
        (0, {"usage.prompt-counted"}),
    ],
)
def test_a_count_far_below_the_words(count: int, rules: set[str]) -> None:
    assert found(count, ("user", WORDS)) == rules


def test_a_short_prompt_is_not_weighed_that_strictly() -> None:
    assert found(3, ("user", "the tree " * 20)) == {"usage.prompt-size"}


@pytest.mark.parametrize("text", [f"<think>{WORDS}</think>Four.", f"<think>{WORDS}"])
def test_thoughts_of_earlier_turns_are_no_part_of_the_prompt(text: str) -> None:
    """Genuine: zai-glm-4.7 at Cerebras counts 35 tokens where an earlier turn has 200 words of thought."""
    assert found(20, ("user", "2 + 2?"), ("assistant", text), ("user", "And 3 + 3?")) == set()
    assert found(20, ("user", "2 + 2?"), ("user", text), ("user", "And 3 + 3?")) == {"usage.prompt-read"}
