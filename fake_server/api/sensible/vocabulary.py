"""The words by which requests are understood and answers made up, as vocabulary.yaml lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fake_server.wire.datafile import read_yaml

_LISTED = read_yaml(Path(__file__).with_name("vocabulary.yaml"))
UNDERSTOOD: Mapping[str, frozenset[str]] = {
    name: frozenset(text.split()) for name, text in _LISTED["understood"].items()
}
"""Sets of words that requests are searched for, by name."""
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
