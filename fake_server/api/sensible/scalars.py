"""Propose strings and numbers for a schema: by format, pattern, bounds, and the member's name."""

from __future__ import annotations

import base64
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fake_server.api.sensible import chance, hints, regex_example
from fake_server.api.sensible.schemas import get_number, get_size
from fake_server.api.sensible.vocabulary import FORMATS, PLAIN_VALUES, VALUES

MAX_LENGTH = 100_000


def text_candidates(
    schema: Mapping[str, Any], name: str, found_texts: Iterable[str], salt: int, seed: int
) -> Iterator[str]:
    """Propose texts for the schema, those that were found for it first; the caller checks them."""
    form = schema.get("format") if isinstance(schema.get("format"), str) else ""
    pattern = schema.get("pattern") if isinstance(schema.get("pattern"), str) else None
    lowest = min(get_size(schema, "minLength") or 0, MAX_LENGTH)
    highest = get_size(schema, "maxLength")
    if not salt:
        for candidate in found_texts:
            yield candidate
            if highest is not None and not form and not pattern and len(candidate) > highest:
                yield candidate[:highest]
    if form in FORMATS:
        yield _example_of_format(str(form), salt, seed)
    if pattern is not None:
        example = regex_example.make_example(pattern, lowest, salt)
        if example is not None:
            yield example
            yield example[:highest]
    for candidate in (_plain_text(name, salt, seed), _plain_text("", salt, seed), _short_text(salt)):
        yield _fit_length(candidate, lowest, highest)


def _plain_text(name: str, salt: int, seed: int) -> str:
    """A short text that suits a member of this name; another salt gives another text."""
    for word in reversed(hints.split_words(name)):
        if word in VALUES:
            options = VALUES[word]
            return options[salt % len(options)] + (f" {salt + 1}" if salt >= len(options) else "")
    word = chance.pick(PLAIN_VALUES, seed, name)
    return f"{word} {salt + 1}" if salt else word


def _fit_length(text: str, lowest: int, highest: int | None) -> str:
    """Pad the text with words to `lowest` characters, or cut it to `highest`."""
    if len(text) < lowest:
        text += (" " + " ".join(PLAIN_VALUES)) * ((lowest - len(text)) // 60 + 1)
        text = text[:lowest]
        text = text[:-1] + "." if text.endswith(" ") else text
    return text if highest is None else text[:highest]


def _example_of_format(form: str, salt: int, seed: int) -> str:
    """A text of a JSON Schema format in FORMATS."""
    who = f"ada{salt or ''}"
    drawn = chance.number(seed, salt, "a") << 64 | chance.number(seed, salt, "b")
    return FORMATS[form].format(
        number=1 + salt,
        byte=1 + salt % 254,
        date=f"2026-{1 + salt // 28 % 12:02d}-{1 + salt % 28:02d}",
        clock=f"{9 + salt % 12:02d}:30:00Z",
        who=who,
        base64=base64.b64encode(who.encode()).decode(),
        uuid=uuid.UUID(int=drawn, version=4),
    )


def _short_text(salt: int) -> str:
    """The shortest distinct texts: a, b, … z, ba, bb, …"""
    letters, left = "", salt
    while True:
        letters = chr(ord("a") + left % 26) + letters
        left //= 26
        if not left:
            return letters


def number_candidates(schema: Mapping[str, Any], kind: str, salt: int) -> Iterator[int | float]:
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
