"""What a client made of a broken exchange, beside what it makes of the right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FINE, HANGS, EMPTY, SHORT, ANSWERS, NOT_ASKED = "fine", "hangs", "empty", "short", "answers", "–"
NO_ERROR = "wrong: no error"
Answer = Mapping[str, Any]


def verdict(answer: Answer, right: Answer | None) -> str:
    """`fine`, `hangs`, `raises NAME`, `empty`, `short`, `wrong: MEMBERS`; `answers` where nothing is known.

    `empty` and `short` are silent: no text and no call is left, or less than there was. `–` stands where the
    client has no such operation.
    """
    if answer.get("hangs"):
        return HANGS
    if "error" in answer:
        if right is None or right.get("error") != answer["error"]:
            return f"raises {answer['error']}"
        said, meant = answer["said"], right["said"]
        return FINE if said == meant else f"wrong: {', '.join(_differing(said, meant))}"
    result = answer.get("result")
    if result is None:
        return NOT_ASKED
    if right is None or "result" not in right:
        return ANSWERS if right is None else NO_ERROR
    return _compared(result, right["result"])


def _compared(result: Any, right: Any) -> str:
    if result == right:
        return FINE
    said, meant = _size(result), _size(right)
    if not said and meant:
        return EMPTY
    if said < meant:
        return SHORT
    return f"wrong: {', '.join(dict.fromkeys(_differing(result, right)))}"


def _size(result: Mapping[str, Any]) -> int:
    """How much was said: letters, calls, vectors, names."""
    choices = result.get("choices", [])
    letters = sum(len(one.get("text") or "") + len(one.get("refusal") or "") for one in choices)
    calls = sum(1 + len(str(call)) for one in choices for call in one.get("calls", []))
    numbers = sum(len(one) if isinstance(one, list) else 0 for one in result.get("vectors", []))
    return letters + calls + numbers + len(result.get("ids", []))


def _differing(result: Any, right: Any, name: str = "answer") -> Iterator[str]:
    """The names of the members that differ, the innermost."""
    if isinstance(result, dict) and isinstance(right, dict):
        for key in dict.fromkeys((*right, *result)):
            if result.get(key) != right.get(key):
                yield from _differing(result.get(key), right.get(key), key)
    elif (
        name == "choices"
        and isinstance(result, list)
        and isinstance(right, list)
        and len(result) == len(right)
    ):
        for one, other in zip(result, right, strict=True):
            if one != other:
                yield from _differing(one, other, name)
    else:
        yield name
