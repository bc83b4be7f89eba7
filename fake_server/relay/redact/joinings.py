"""Puts together what several items of a JSON value spell, for the final check. Unlike `items`, it reads parsed values.

This repeats, by other means, what `items`, `codes` and `spelled` do. The repetition is intended: see `scan`.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fake_server.relay.redact.clock import in_time

MAX_DEPTH = 64
_INDEXES = 3
"""Indexes of a path that may stay the same while the others grow."""
_NUMERAL = re.compile(r"(?i:0x)?[0-9a-fA-F]{2,3}")
_WORD = re.compile("[a-z0-9\0]+")
_DECIMAL = re.compile(r"(?<![0-9.])([0-9]{2,3})(?:\.0+)?(?![0-9])")
_HEXADECIMAL = re.compile(r"(?<![0-9a-zA-Z])(?:0x|x|u\+00)?([2-7][0-9a-f])(?![0-9a-z])")
_OCTAL = re.compile(r"\\([01][0-7]{2})")
_BINARY = re.compile(r"\b[01]{7,8}\b")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Joinings:
    """The joinings of some items, one after another: their pieces, each followed by NUL, and the name of each."""

    pieces: list[str]
    names: list[tuple[int, str]]
    """The number of the first piece of each joining, and where it stands."""

    def name_of(self, piece: int) -> str:
        return self.names[bisect_right(self.names, piece, key=lambda name: name[0]) - 1][1]


def join_items(values: Iterable[Any]) -> Iterator[Joinings]:
    """The joinings of the strings of some values, of what the strings say in base64, and of the codes."""
    strings: dict[Path, list[str]] = {}
    codes: dict[Path, list[str]] = {}
    for value in values:
        for path, leaf in in_time(_walk(value, ())):
            if isinstance(leaf, str):
                for key in _keys(path):
                    strings.setdefault(key, []).append(leaf)
            for char, base in _chars(leaf):
                for key in _keys(path):
                    codes.setdefault((*key, base), []).append(char)
    several = {key: pieces for key, pieces in strings.items() if len(pieces) > 1}
    decoded = {key: [text for piece in pieces if (text := _decoded(piece))] for key, pieces in several.items()}
    yield _join(several, "")
    yield _join({key: pieces for key, pieces in decoded.items() if len(pieces) > 1}, ", each in base64")
    yield _join({key: chars for key, chars in codes.items() if len(chars) > 4}, ", as codes")


def _join(groups: dict[Path, list[str]], how: str) -> Joinings:
    pieces: list[str] = []
    names: list[tuple[int, str]] = []
    seen: set[int] = set()
    for key, group in groups.items():
        if (mark := hash(tuple(group))) not in seen:
            seen.add(mark)
            names.append((len(pieces), _name(key) + how))
            pieces += [*group, "\0"]
    return Joinings(pieces, names)


def bare(text: str) -> str:
    """The letters and digits of a text in lower case, and NUL, which parts what does not belong together."""
    return "".join(_WORD.findall(text))


def read_codes(text: str) -> Iterator[str]:
    """What the numbers of a text spell, read as decimal, hexadecimal, octal and binary codes."""
    yield "".join(chr(int(code)) for code in _DECIMAL.findall(text) if 32 <= int(code) < 256)
    yield "".join(chr(int(code, 16)) for code in _HEXADECIMAL.findall(text))
    yield "".join(chr(int(code, 8)) for code in _OCTAL.findall(text))
    yield "".join(chr(int(code, 2)) for code in _BINARY.findall(text))


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if len(path) > MAX_DEPTH:
        return
    match value:
        case dict():
            for name, member in value.items():
                yield (*path, "the names"), name
                yield from _walk(member, (*path, name))
        case list():
            for number, item in enumerate(value):
                yield from _walk(item, (*path, number))
        case str() | int() | float():
            yield path, value


def _keys(path: Path) -> Iterator[Path]:
    """The path without indexes, with one of the last indexes, and the path of everything."""
    without: Path = tuple("" if isinstance(step, int) else step for step in path)
    yield without
    indexes = [place for place, step in enumerate(path) if isinstance(step, int)]
    for place in indexes[-_INDEXES:]:
        yield (*without[:place], path[place], *without[place + 1 :])
    if path[-1:] != ("the names",):
        yield ()


def _chars(leaf: str | float) -> Iterator[tuple[str, int]]:
    """The character of which a leaf may be the code, with the base."""
    if isinstance(leaf, str):
        if len(leaf) <= 4 and _NUMERAL.fullmatch(leaf):
            digits = leaf.lower().removeprefix("0x")
            if digits.isdecimal() and digits == leaf:
                yield chr(int(digits)), 10
            yield chr(int(digits, 16)), 16
    elif not isinstance(leaf, bool) and 9 <= leaf < 0x110000 and leaf == int(leaf):
        yield chr(int(leaf)), 10


def _decoded(piece: str) -> str:
    """What a string in base64 says for itself, nothing if it is none."""
    if len(piece) % 4 or not 4 <= len(piece) <= 1024:
        return ""
    try:
        text = base64.b64decode(piece.translate(str.maketrans("-_", "+/")), validate=True).decode("ascii")
    except ValueError:
        return ""
    return text if text.isprintable() else ""


def _name(key: Path) -> str:
    return "over the items of " + ("everything" if not key else ".".join(str(step) or "*" for step in key))
