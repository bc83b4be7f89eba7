"""Find values in a user's text: places, numbers, dates, quoted words, JSON.

All patterns match in linear time: no repeat is nested in another over the same characters.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from fake_server.api.sensible.vocabulary import UNDERSTOOD

MAX_TEXT = 20_000


_FIRST_WORDS = UNDERSTOOD["first_words"]
_CAPITALS = re.compile(
    r"\b[^\W\d_a-z][\w'’.-]*(?: [^\W\d_a-z][\w'’-]*)*(?:, [^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*)*)?"
)
_AFTER_PREPOSITION = re.compile(
    r"\b(?:in|for|at|of|near|from|to|about|visit)\s+(?:the\s+(?:city|town|country)\s+of\s+)?"
    r"([^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*)*(?:, [^\W\d_a-z][\w'’-]*)?)"
)
_LOWER_PLACE = re.compile(r"\b(?:weather|temperature|forecast|time)\b[^.?!,\n]{0,40}?\b(?:in|for|at|of)\s+([^\W\d_]+)")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,15})?(?![\w]|\.\d)")
_NUMBER_LIST = re.compile(r"\[\s*-?\d[\d\s.,-]*\]")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,400})\"|“([^”\n]{1,400})”|«([^»\n]{1,400})»|`([^`\n]{1,400})`|(?<!\w)'([^'\n]{1,400})'(?!\w)"
)
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b")
_URL = re.compile(r"\bhttps?://[^\s<>\"')\]]{1,2000}")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_DATE_TIME = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b")
_CODE = re.compile(r"\b[A-Za-z]{1,20}[_-]?\d{2,20}\b|#\d{1,20}\b")
_EXPRESSION = re.compile(r"[\d(][\d\s+*/().^%-]{0,200}[\d)]")
_PATH = re.compile(r"(?<![\w/])[\w./~-]{0,200}/[\w.-]{1,100}|\b[\w-]{1,100}\.[a-z]{1,5}\b|(?<!\w)\.[a-z]{2,10}\b")
_UPPER = re.compile(r"\b[A-Z]{2,6}\b")
_NAMED = re.compile(
    r"\b(?i:name is|named|called|i am|i'm)\s+([^\W\d_][\w'’-]*(?: [^\W\d_a-z][\w'’-]*)*)",
)

BY_FORMAT: Mapping[str, re.Pattern[str]] = {
    "date": _DATE, "date-time": _DATE_TIME, "email": _EMAIL, "idn-email": _EMAIL, "uri": _URL, "iri": _URL,
    "url": _URL, "uuid": _UUID, "time": _TIME,
}  # fmt: skip


def has_format(text: str, form: str) -> bool:
    """Whether a text has the JSON Schema format; False for formats that are not looked for in texts."""
    if form == "date":
        try:
            datetime.date.fromisoformat(text)
        except ValueError:
            return False
    return not form or (form in BY_FORMAT and BY_FORMAT[form].fullmatch(text) is not None)


def split_words(name: str) -> list[str]:
    """Split a name into words in lower case: `getCurrentCity_name` gives get, current, city, name."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", spaced) if word]


def texts_for(name: str, text: str, form: str = "") -> Iterator[str]:
    """Find values in the text for a string member of this name and format, best first."""
    text = text[:MAX_TEXT]
    if form:
        pattern = BY_FORMAT.get(form)
        matches = (match.group() for match in pattern.finditer(text)) if pattern else iter(())
        yield from (match for match in matches if has_format(match, form))
        return
    words = split_words(name)
    person = not UNDERSTOOD["persons"].isdisjoint(words)
    if person:
        yield from (match.group(1) for match in _NAMED.finditer(text))
    yield from stated_values(name, text)
    for hints, pattern in (
        (("email", "mail"), _EMAIL),
        (("url", "uri", "link", "website"), _URL),
        (("date", "day"), _DATE),
        (("id", "number", "code", "order", "key"), _CODE),
        (("expression", "formula", "calculation", "equation"), _EXPRESSION),
        (("path", "file", "filename"), _PATH),
        (("symbol", "symbols", "ticker", "currency"), _UPPER),
    ):
        if any(word in hints for word in words):
            yield from (match.group().strip() for match in pattern.finditer(text))
    if not UNDERSTOOD["places"].isdisjoint(words):
        yield from find_places(text)
        return
    if person:
        yield from find_proper_names(text, first=False)
    if not UNDERSTOOD["whole_texts"].isdisjoint(words):
        yield from find_quoted(text)
        yield search_terms(text)


def stated_values(name: str, text: str) -> Iterator[str]:
    """Find what follows `name:`, `name =` or `name is` in the text."""
    words = split_words(name)
    if not words or words[0] not in text.lower():
        return
    spelling = r"[\s_-]?".join(map(re.escape, words))
    value = r"(?:[\"“']([^\"”'\n]{1,400})[\"”']|([^\s,;.!?]{1,400}))"
    pattern = rf"\b{spelling}\s{{0,3}}(?:[:=]|\bis\b|\bset to\b)\s{{0,3}}{value}"
    for match in re.finditer(pattern, text, re.IGNORECASE):
        yield match.group(1) or match.group(2)


def find_places(text: str) -> Iterator[str]:
    """Find capitalized names, those after `in`, `for`, `to` and the like first."""
    yield from (match.group(1) for match in _AFTER_PREPOSITION.finditer(text))
    yield from find_proper_names(text)
    yield from (match.group(1) for match in _LOWER_PLACE.finditer(text))


def find_proper_names(text: str, first: bool = True) -> Iterator[str]:
    """Find runs of capitalized words, without usual first words of sentences; lone words last or never."""
    lone = []
    for match in _CAPITALS.finditer(text):
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
    for match in _QUOTED.finditer(text):
        yield next(group for group in match.groups() if group is not None)


def search_terms(text: str) -> str:
    """Strip the words that ask for a search: `Search for Python tutorials` gives `Python tutorials`."""
    return re.sub(
        r"^\s*(?:please\s+)?(?:search|look|google)\s+(?:the web\s+)?(?:for|up)\s+",
        "",
        text,
        flags=re.IGNORECASE,
    ).strip()


def find_numbers(text: str) -> list[int | float]:
    """Find the numbers in the text in order, at most 1,000."""
    found = (match.group() for match in islice(_NUMBER.finditer(text[:MAX_TEXT]), 1000))
    return [float(number) if "." in number else int(number) for number in found]


def find_number_list(text: str) -> list[int | float]:
    """Find the numbers of the first `[1, 2, 3]` in the text."""
    match = _NUMBER_LIST.search(text[:MAX_TEXT])
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
    name = r"[^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*){0,4}"
    joined = r",? (?:and|&|or|und|et|y) (?:(?:in|for|at|of|to|from) )?"
    match = re.search(rf"\b({name}(?:, {name}){{0,8}}){joined}({name})", text[:MAX_TEXT])
    if not match:
        return [text]
    named = [*match.group(1).split(", "), match.group(2)]
    first = named[0].split(" ")
    while len(first) > 1 and first[0].lower() in _FIRST_WORDS:
        first.pop(0)
    if first[0].lower() in _FIRST_WORDS:
        return [text]
    start = match.start() + len(named[0]) - len(" ".join(first))
    named[0] = " ".join(first)
    return [text[:start] + subject + text[match.end() :] for subject in named]
