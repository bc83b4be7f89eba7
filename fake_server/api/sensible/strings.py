"""Propose strings for a schema: by format, pattern, length, and the member's name."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.api.sensible import chance, hints, regex_example
from fake_server.api.sensible.schemas import get_size
from fake_server.api.sensible.vocabulary import FORMATS, PLAIN_VALUES, VALUES

MAX_LENGTH = 100_000


def candidates(schema: Mapping[str, Any], name: str, text: str, salt: int, seed: int) -> Iterator[str]:
    """Propose texts for the schema, best first; the caller checks them."""
    form = schema.get("format") if isinstance(schema.get("format"), str) else ""
    pattern = schema.get("pattern") if isinstance(schema.get("pattern"), str) else None
    lowest = min(get_size(schema, "minLength") or 0, MAX_LENGTH)
    highest = get_size(schema, "maxLength")
    if not salt:
        for candidate in hints.texts_for(name, text, str(form)):
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
