"""Propose strings for a schema: by format, pattern, length, and the member's name."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.api.sensible import chance, hints, regex_example
from fake_server.api.sensible.schemas import get_size
from fake_server.api.sensible.vocabulary import PLAIN_VALUES, VALUES

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
    if form:
        yield from _examples_of_format(str(form), salt, seed)
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


def _examples_of_format(form: str, salt: int, seed: int) -> Iterator[str]:
    """Yield a text of a JSON Schema format, nothing for an unknown format."""
    day, month = 1 + salt % 28, 1 + salt // 28 % 12
    date = f"2026-{month:02d}-{day:02d}"
    clock = f"{9 + salt % 12:02d}:30:00Z"
    who = "ada" + (str(salt) if salt else "")
    known = {
        "date": date, "date-time": f"{date}T{clock}", "time": clock, "duration": f"P{1 + salt}D",
        "email": f"{who}@example.com", "idn-email": f"{who}@example.com",
        "hostname": f"{who}.example.com", "idn-hostname": f"{who}.example.com",
        "ipv4": f"192.0.2.{1 + salt % 254}", "ipv6": f"2001:db8::{1 + salt:x}",
        "uri": f"https://example.com/{who}", "url": f"https://example.com/{who}",
        "iri": f"https://example.com/{who}", "uri-reference": f"/{who}", "iri-reference": f"/{who}",
        "uri-template": f"https://example.com/{who}/{{id}}", "json-pointer": f"/{who}",
        "relative-json-pointer": f"{1 + salt}/{who}", "regex": f"^{who}$", "uuid": _make_uuid(seed, salt),
        "byte": base64.b64encode(who.encode()).decode(), "base64": base64.b64encode(who.encode()).decode(),
    }  # fmt: skip
    if form in known:
        yield known[form]


def _make_uuid(seed: int, salt: int) -> str:
    """A version 4 UUID (RFC 9562 section 5.4) derived from seed and salt."""
    drawn = chance.number(seed, salt, "a") << 64 | chance.number(seed, salt, "b")
    return str(uuid.UUID(int=drawn, version=4))


def _short_text(salt: int) -> str:
    """The shortest distinct texts: a, b, … z, ba, bb, …"""
    letters, left = "", salt
    while True:
        letters = chr(ord("a") + left % 26) + letters
        left //= 26
        if not left:
            return letters
