"""What a client made of a broken exchange, beside what it makes of the right one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FINE, HANGS, EMPTY, SHORT, ANSWERS, NOT_ASKED = "fine", "hangs", "empty", "short", "answers", "–"
NO_ERROR = "wrong: no error"
Answer = Mapping[str, Any]


def judge_client(answer: Answer, right: Answer | None) -> str:
    """`fine`, `hangs`, `raises NAME`, `empty`, `short`, `wrong: MEMBERS`; `answers` where nothing is known.

    `empty` and `short` are silent: no text and no call is left, or a part of what there was and nothing else.
    `–` stands where the client has no such operation.
    """
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
    said, meant = list(_pieces(result)), list(_pieces(right))
    if meant and not said:
        return EMPTY
    if said != meant and _is_subsequence(said, meant):
        return SHORT
    return f"wrong: {', '.join(dict.fromkeys(_differing_members(result, right)))}"


def _round(value: Any) -> Any:
    """The value with its numbers as a 32-bit float holds them: vectors come as text, or as such floats."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _round(one) for name, one in value.items()}
    return [_round(one) for one in value] if isinstance(value, list) else value


def _pieces(result: Mapping[str, Any]) -> Iterator[Any]:
    """What was said, piece by piece: letters, calls and the letters of their arguments, vectors, names.

    A text that is none, and a call that the client itself tells as invalid, are pieces of their own.
    """
    for choice in result.get("choices", []):
        for name in ("text", "refusal"):
            text = choice.get(name) or ""
            yield from text if isinstance(text, str) else [text]
        for call, name, arguments in choice.get("calls", []):
            yield (call, name)
            yield from json.dumps(arguments)
        yield from choice.get("invalid calls", [])
    for vector in result.get("vectors", []):
        yield from vector if isinstance(vector, list) else [vector]
    yield from result.get("ids", [])


def _is_subsequence(said: Iterable[Any], meant: Iterable[Any]) -> bool:
    """Whether what was said is what was meant with pieces missing, and nothing else."""
    rest = iter(meant)
    return all(any(one == other for other in rest) for one in said)


def _differing_members(result: Any, right: Any, name: str = "answer") -> Iterator[str]:
    """The names of the members that differ, the innermost."""
    if isinstance(result, dict) and isinstance(right, dict):
        for key in dict.fromkeys((*right, *result)):
            if result.get(key) != right.get(key):
                yield from _differing_members(result.get(key), right.get(key), key)
    elif (
        name == "choices"
        and isinstance(result, list)
        and isinstance(right, list)
        and len(result) == len(right)
    ):
        for one, other in zip(result, right, strict=True):
            if one != other:
                yield from _differing_members(one, other, name)
    else:
        yield name
