"""Compares what a client makes of a broken exchange with what it makes of the right one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contract_tests.report.breakage import ANSWERS, FINE, NO_ERROR, NOT_ASKED

_OWN_ERRORS = ("ValueError", "TypeError", "KeyError", "AttributeError")
"""What a client raises that cannot send the request, or cannot read even the right answer."""
HANGS, EMPTY, SHORT = "hangs", "empty", "short"
Answer = Mapping[str, Any]


def judge_client(answer: Answer, right: Answer | None) -> str:
    """`fine`, `hangs`, `raises NAME`, `empty`, `short` or `wrong: MEMBERS`; `answers` without a right answer.

    `empty` and `short` are silent losses: no text and no call is left, or only a part of them. `–` means that
    the client has no such operation, or fails on the right answer as well.
    """
    if right is not None and right.get("error") in _OWN_ERRORS:
        return NOT_ASKED
    if answer.get("hangs"):
        return HANGS
    if "error" in answer:
        if right is None or right.get("error") != answer["error"]:
            return f"raises {answer['error']}"
        said, meant = answer["said"], right["said"]
        return FINE if said == meant else f"wrong: {', '.join(_differing_members(said, meant))}"
    result = answer.get("result")
    if result is None:
        return NOT_ASKED
    if right is None or "result" not in right:
        return ANSWERS if right is None else NO_ERROR
    return _compare(result, right["result"])


def _compare(result: Any, right: Any) -> str:
    result, right = _round(result), _round(right)
    if result == right:
        return FINE
    pieces, expected = list(_pieces(result)), list(_pieces(right))
    if expected and not pieces:
        return EMPTY
    if pieces != expected and _is_subsequence(pieces, expected):
        return SHORT
    return f"wrong: {', '.join(dict.fromkeys(_differing_members(result, right)))}"


def _round(value: Any) -> Any:
    """The value with its numbers rounded to the precision of the 32-bit floats in which vectors are sent."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _round(member) for name, member in value.items()}
    return [_round(item) for item in value] if isinstance(value, list) else value


def _pieces(result: Mapping[str, Any]) -> Iterator[Any]:
    """The answer in pieces: letters, calls and the letters of their arguments, vectors, names.

    A `text` that is not a string, and a call that the client reports as invalid, are one piece each.
    """
    for choice in result.get("choices", []):
        for name in ("text", "refusal"):
            text = choice.get(name) or ""
            yield from text if isinstance(text, str) else [text]
        for call, name, arguments, *_ in choice.get("calls", []):
            yield (call, name)
            yield from json.dumps(arguments)
        yield from choice.get("invalid calls", [])
    for vector in result.get("vectors", []):
        yield from vector if isinstance(vector, list) else [vector]
    yield from result.get("ids", [])


def _is_subsequence(pieces: Iterable[Any], expected: Iterable[Any]) -> bool:
    """Whether the pieces are the expected ones with some missing, and nothing else."""
    rest = iter(expected)
    return all(any(piece == expected_piece for expected_piece in rest) for piece in pieces)


def _differing_members(result: Any, right: Any, name: str = "answer") -> Iterator[str]:
    """The names of the innermost members that differ; those of a parsed object and of metadata are the caller's own."""
    if isinstance(result, dict) and isinstance(right, dict) and name not in ("parsed", "metadata"):
        for key in dict.fromkeys((*right, *result)):
            if result.get(key) != right.get(key):
                yield from _differing_members(result.get(key), right.get(key), key)
    elif name == "choices" and isinstance(result, list) and isinstance(right, list) and len(result) == len(right):
        for choice, right_choice in zip(result, right, strict=True):
            if choice != right_choice:
                yield from _differing_members(choice, right_choice, name)
    else:
        yield name
