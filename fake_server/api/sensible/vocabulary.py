"""The words and patterns by which requests are understood and answers made up, as vocabulary.yaml lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from fake_server.wire.datafile import read_yaml

_LISTED = read_yaml(Path(__file__).with_name("vocabulary.yaml"))
UNDERSTOOD: Mapping[str, frozenset[str]] = {
    name: frozenset(text.split()) for name, text in _LISTED["understood"].items()
}
"""Sets of words that requests are searched for, by name."""
_PARTS: dict[str, str] = {}


def _fill_in(pattern: str | Sequence[str]) -> str:
    """The pattern, or the choice between several, with the parts that it names."""
    return Template(pattern if isinstance(pattern, str) else f"(?:{'|'.join(pattern)})").substitute(_PARTS)


for _name, _part in _LISTED["parts"].items():
    _PARTS[_name] = _fill_in(_part)
PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(_fill_in(pattern), flags)
    for section, flags in (("phrases", re.IGNORECASE), ("shapes", re.NOFLAG))
    for name, pattern in _LISTED[section].items()
}
"""What requests are searched for: phrases, without regard to case, and shapes of values."""
SHAPES_BY_WORD: Mapping[str, Sequence[str]] = {
    shape: words.split() for shape, words in _LISTED["shapes_by_word"].items()
}
SHAPES_BY_FORMAT: Mapping[str, str] = _LISTED["shapes_by_format"]
OPERATIONS: Mapping[str, str] = _LISTED["operations"]
"""Patterns by the words, in one text, that mean the same operation."""
VALUES: Mapping[str, Sequence[str]] = _LISTED["values"]
"""Values of string members by a word of the member's name."""
FORMATS: Mapping[str, str] = _LISTED["formats"]
"""Templates of texts by JSON Schema format."""
PLAIN_VALUES: Sequence[str] = _LISTED["plain_values"].split()
OPENINGS: Sequence[str] = _LISTED["openings"]
SENTENCES: Sequence[str] = _LISTED["sentences"]
ADJECTIVES: Sequence[str] = _LISTED["adjectives"].split()
NOUNS: Sequence[str] = _LISTED["nouns"].split()
