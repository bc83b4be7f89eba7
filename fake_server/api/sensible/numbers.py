"""Propose numbers within a schema's bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.api.sensible.schemas import get_number


def candidates(schema: Mapping[str, Any], kind: str, salt: int) -> Iterator[int | float]:
    """Propose numbers for the schema, small integers first; another salt gives other numbers."""
    low = _tighter_bound(schema, "minimum", "exclusiveMinimum", max)
    high = _tighter_bound(schema, "maximum", "exclusiveMaximum", min)
    step = get_number(schema, "multipleOf")
    try:
        if step is not None and step > 0:
            for index in _whole_numbers(_scale(low, step), _scale(high, step), salt):
                value = index * step
                yield int(value) if float(value).is_integer() else value
            return
        yield from _whole_numbers(low, high, salt)
    except (OverflowError, ValueError):
        yield 0
    if kind == "number":
        bottom = low[0] if low else (high[0] if high else 1) - 1
        top = high[0] if high else bottom + 1
        yield bottom + (top - bottom) * (1 / (2 + salt))
        yield bottom + (top - bottom) / 2


Bound = tuple[float | int, bool]
"""A bound, and whether it is exclusive."""


def _tighter_bound(schema: Mapping[str, Any], name: str, exclusive: str, tighter: Any) -> Bound | None:
    """The tighter of two bounds; in older drafts of JSON Schema the exclusive keyword is a boolean."""
    bounds: list[Bound] = []
    if (value := get_number(schema, name)) is not None:
        bounds.append((value, schema.get(exclusive) is True))
    if (value := get_number(schema, exclusive)) is not None:
        bounds.append((value, True))
    return None if not bounds else tighter(bounds, key=lambda bound: bound[0])


def _scale(bound: Bound | None, step: float) -> Bound | None:
    return None if bound is None else (bound[0] / step, bound[1])


def _whole_numbers(low: Bound | None, high: Bound | None, salt: int) -> Iterator[int]:
    """Integers between the bounds, starting with 1 if it lies between them."""
    least = most = None
    if low:
        least = math.ceil(low[0]) + (low[1] and float(low[0]).is_integer())
    if high:
        most = math.floor(high[0]) - (high[1] and float(high[0]).is_integer())
    if least is not None and most is not None:
        if least <= most:
            start = 1 if least <= 1 <= most else least
            span = most - least + 1
            yield from (least + (start - least + salt + more) % span for more in (0, 1, 2))
    elif least is not None:
        yield max(least, 1) + salt
        yield least
    elif most is not None:
        yield min(most, 1) - salt
    else:
        yield from (1 + salt, 2 + salt, salt, -1 - salt)
