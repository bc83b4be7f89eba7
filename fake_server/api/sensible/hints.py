"""Find values in a user's text: places, numbers, dates, quoted words, JSON."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from fake_server.api.sensible.vocabulary import PATTERNS, SHAPES_BY_FORMAT, SHAPES_BY_WORD, UNDERSTOOD
from fake_server.wire.budget import spend

MAX_TEXT = 20_000
MAX_NOTES = 2_000
MAX_SUBJECTS = 50
LONG_NAME = 200
"""Characters from which on a text costs something to be split into words."""

_FIRST_WORDS = UNDERSTOOD["first_words"]


def has_format(text: str, form: str) -> bool:
    """Whether a text has the JSON Schema format; False for formats that are not looked for in texts."""
    if form == "date":
        try:
            datetime.date.fromisoformat(text)
        except ValueError:
            return False
    return not form or (form in SHAPES_BY_FORMAT and bool(PATTERNS[SHAPES_BY_FORMAT[form]].fullmatch(text)))


def split_words(name: str) -> list[str]:
    """Split a name into words in lower case: `getCurrentCity_name` gives get, current, city, name."""
    if len(name) > LONG_NAME:
        spend(len(name) // 20, "the words of its text")
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", spaced) if word]


def texts_for(name: str, text: str, form: str = "") -> Iterator[str]:
    """Find values in the text for a string member of this name and format, best first."""
    text = text[:MAX_TEXT]
    spend(20 + len(text) // 40, "values for its schemas in the text")
    if form:
        if form in SHAPES_BY_FORMAT:
            matches = (match.group() for match in PATTERNS[SHAPES_BY_FORMAT[form]].finditer(text))
            yield from (match for match in matches if has_format(match, form))
        return
    words = split_words(name)
    person = not UNDERSTOOD["persons"].isdisjoint(words)
    if person:
        yield from (match.group(1) for match in PATTERNS["named"].finditer(text))
    yield from stated_values(name, text)
    for shape, telling in SHAPES_BY_WORD.items():
        if any(word in telling for word in words):
            yield from (match.group().strip() for match in PATTERNS[shape].finditer(text))
    if not UNDERSTOOD["places"].isdisjoint(words):
        yield from find_places(text)
        return
    if person:
        yield from find_proper_names(text, first=False)
    if not UNDERSTOOD["whole_texts"].isdisjoint(words):
        yield from find_quoted(text)
        yield PATTERNS["search"].sub("", text).strip()


def stated_values(name: str, text: str) -> Iterator[str]:
    """Find what follows `name:`, `name =` or `name is` in the text."""
    words = split_words(name)
    if not words or words[0] not in text.lower():
        return
    spend(100 + len(text) // 20, "values for its schemas in the text")
    spelling = r"[\s_-]?".join(map(re.escape, words))
    value = r"(?:[\"“']([^\"”'\n]{1,400})[\"”']|([^\s,;.!?]{1,400}))"
    pattern = rf"\b{spelling}\s{{0,3}}(?:[:=]|\bis\b|\bset to\b)\s{{0,3}}{value}"
    for match in re.finditer(pattern, text, re.IGNORECASE):
        yield match.group(1) or match.group(2)


def find_places(text: str) -> Iterator[str]:
    """Find capitalized names, those after `in`, `for`, `to` and the like first."""
    yield from (match.group(1) for match in PATTERNS["after_preposition"].finditer(text))
    yield from find_proper_names(text)
    yield from (match.group(1) for match in PATTERNS["lower_place"].finditer(text))


def find_proper_names(text: str, first: bool = True) -> Iterator[str]:
    """Find runs of capitalized words, without usual first words of sentences; lone words last or never."""
    lone = []
    for match in PATTERNS["capitals"].finditer(text):
        words = match.group().rstrip(".").split(" ")
        before = text[max(match.start() - 4, 0) : match.start()].rstrip()
        starts = not before or before[-1] in ".!?:"
        while words and words[0].strip("',").lower() in _FIRST_WORDS:
            words.pop(0)
            starts = False
        if not words:
            continue
        if starts and len(words) == 1:
            lone.append(words[0].rstrip(","))
        else:
            yield " ".join(words).rstrip(",")
    yield from lone if first else ()


def find_quoted(text: str) -> Iterator[str]:
    """Find texts in quotes."""
    for match in PATTERNS["quoted"].finditer(text):
        yield next(group for group in match.groups() if group is not None)


def find_numbers(text: str) -> list[int | float]:
    """Find the numbers in the text in order, at most 1,000."""
    found = (match.group() for match in islice(PATTERNS["number"].finditer(text[:MAX_TEXT]), 1000))
    return [float(number) if "." in number else int(number) for number in found]


def find_number_list(text: str) -> list[int | float]:
    """Find the numbers of the first `[1, 2, 3]` in the text."""
    spend(len(text) // 100, "values for its schemas in the text")
    match = PATTERNS["number_list"].search(text[:MAX_TEXT])
    return find_numbers(match.group()) if match else []


def find_json_object(text: str) -> dict[str, Any]:
    """Find the first non-empty JSON object in the text, {} if there is none."""
    decoder, text = json.JSONDecoder(), text[:MAX_TEXT]
    for brace in islice(re.finditer("{", text), 10):
        with suppress(ValueError, RecursionError):
            value: dict[str, Any] = decoder.raw_decode(text, brace.start())[0]
            if value:
                return value
    return {}


def split_by_subject(text: str) -> list[str]:
    """Repeat the text for each item of a list in it: `weather in Oslo and Paris` becomes two texts.

    A list is two or more capitalized names joined by commas, `and`, `&` or `or`; without one, the text alone.
    """
    match = PATTERNS["subjects"].search(text[:MAX_TEXT])
    if not match:
        return [text]
    named = [*match.group(1).split(", ")[:MAX_SUBJECTS], match.group(2)]
    first = named[0].split(" ")
    while len(first) > 1 and first[0].lower() in _FIRST_WORDS:
        first.pop(0)
    if first[0].lower() in _FIRST_WORDS:
        return [text]
    start = match.start() + len(named[0]) - len(" ".join(first))
    named[0] = " ".join(first)
    return [text[:start] + subject + text[match.end() :] for subject in named]
