"""What is compared of two answers to one request, however each is worded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine.answers import Answer, answer_texts, answers
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import View


def apart(lefts: Iterable[Any], rights: Iterable[Any]) -> bool:
    """Whether no value on the left is ever met on the right: what the two have in common once is no difference."""
    values = list(rights)
    return not any(left in values for left in lefts)


def model_of(view: View) -> Node | None:
    """The model that a reply in either form names."""
    roots = [view.root] if view.is_dict else view.chunks
    return next((root["model"] for root in roots if root["model"].text), None)


def usage_of(view: View) -> Node | None:
    """The usage of a reply in either form: of a stream that counts as it goes the last."""
    roots = [view.root] if view.is_dict else reversed(view.chunks)
    return next((root["usage"] for root in roots if root["usage"].kind == "object"), None)


def tokens_of(answer: Answer) -> list[str]:
    return [token["token"].text for node in answer.logprobs for token in node["content"]]


def prompt_count(view: View) -> int | None:
    """The prompt tokens that a reply in either form counts."""
    usage = usage_of(view)
    return usage["prompt_tokens"].value if usage and usage["prompt_tokens"].kind == "integer" else None


def facts(view: View) -> dict[Any, Any]:
    """What rules compare of an answer however it is worded, by name."""
    model, prompt = model_of(view), prompt_count(view)
    choices = {
        (name, answer.index): value
        for answer in answers(view)
        for name, value in (("calls", len(answer.calls)), ("finish", answer.finish))
    }
    named = {"model": model.text} if model else {}
    return {**choices, **named, **({} if prompt is None else {"prompt_tokens": prompt})}


def facts_apart(lefts: Iterable[View], rights: Iterable[View]) -> bool:
    """Whether some fact of the answers on the left is never one of those on the right."""
    left, right = [[facts(view) for view in views] for views in (lefts, rights)]
    names = {name for side in left for name in side} & {name for side in right for name in side}
    return any(apart(*([side[name] for side in sides if name in side] for sides in (left, right))) for name in names)


def differ(left: View, right: View) -> bool:
    """Whether two answers to one request differ in anything that rules compare."""
    if answer_texts(left) != answer_texts(right) or facts_apart([left], [right]):
        return True
    counts = [
        (usage["prompt_tokens"].value, usage["completion_tokens"].value)
        for usage in map(usage_of, (left, right))
        if usage
    ]
    tokens = [[tokens_of(answer) for answer in answers(view)] for view in (left, right)]
    return len(set(counts)) > 1 or (any(tokens[0]) and tokens[0] != tokens[1])
