"""Views: texts encoded in another text, with a way to map an edit of the view back to the other text.

A view has its `text`, and `map_back`, which turns edits of this text into edits of the other text.
An edit is (start, stop, new): the characters of the slice become `new`, which has the same length, or a
dummy if `new` is None.
"""

from __future__ import annotations

import html
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fake_server.relay.redact.patterns import dummy

Edit = tuple[int, int, str | None]

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)",
    re.DOTALL,
)
"""A JSON escape (RFC 8259 section 7), two for a character beyond U+FFFF; and `\\x41`, as in logs."""
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
"""An HTML character reference."""
_FOLDED = re.compile(r"[A-Za-z0-9+/]{16}\r?\n[ \t]{0,8}[A-Za-z0-9+/]{2}")
_FOLD = re.compile(r"(?<=[A-Za-z0-9+/])([A-Za-z0-9+/])\r?\n[ \t]{0,8}(?=[A-Za-z0-9+/])")
"""A line ending inside base64 (RFC 2045 section 6.8)."""


@dataclass(frozen=True)
class Reading:
    """A text whose characters may each be several characters (an escape) of the other text."""

    text: str
    indexes: tuple[int, ...] = ()
    """The indexes of the characters of `text` that were escapes, in order."""
    surplus: tuple[int, ...] = (0,)
    """How many more characters the other text has up to each of them: before the first, the second, …"""

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        for start, stop, new in edits:
            first, last = (place + self.surplus[bisect_left(self.indexes, place)] for place in (start, stop))
            yield first, last, new if new is None or len(new) == last - first else None


@dataclass(frozen=True)
class Joined:
    """Pieces of the other text joined: each with its start there, and its reading."""

    pieces: Sequence[tuple[int, Reading]]

    @property
    def text(self) -> str:
        return "".join(reading.text for _, reading in self.pieces)

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        ends, end = [], 0
        for _, reading in self.pieces:
            end += len(reading.text)
            ends.append(end)
        for start, stop, new in edits:
            for number in range(bisect_right(ends, start), len(ends)):
                begins = ends[number - 1] if number else 0
                if begins >= stop:
                    break
                first, last = max(start, begins), min(stop, ends[number])
                part = None if new is None else new[first - start : last - start]
                origin, reading = self.pieces[number]
                for begin, until, text in reading.map_back([(first - begins, last - begins, part)]):
                    yield origin + begin, origin + until, text


@dataclass(frozen=True)
class Recoded:
    """A text in base64, hex or UTF-16: `encode` encodes it again, `size` characters for every `of` of it."""

    text: str
    start: int
    encode: Callable[[bytes], bytes]
    size: int
    of: int = 1

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        changes = merge_edits(edits)
        if not changes:
            return
        edited = apply_edits(self.text, changes).encode("latin-1", "replace")
        after = self.encode(edited).decode("latin-1")
        for start, stop, _ in changes:
            first, last = start * self.size // self.of, -(-stop * self.size // self.of)
            yield self.start + first, self.start + last, after[first:last]


@dataclass(frozen=True)
class Within:
    """A view of a reading of the other text."""

    reading: Reading
    view: View

    @property
    def text(self) -> str:
        return self.view.text

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        return self.reading.map_back(self.view.map_back(edits))


@dataclass(frozen=True)
class Compressed:
    """A compressed text. It cannot be edited in place, so all of it is replaced."""

    text: str
    start: int
    stop: int
    is_whole: bool
    """Whether all of it was read; an unread rest may hold anything."""

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        if not self.is_whole or any(True for _ in edits):
            yield self.start, self.stop, None


View = Reading | Joined | Recoded | Within | Compressed


def unescaped_readings(text: str) -> Iterator[Reading]:
    """The text without JSON escapes, without percent-encoding, without HTML references, if it has any."""
    if "\\" in text:
        yield unescape(text)
    if "%" in text and _PERCENT.search(text):
        yield _read(text, _PERCENT, lambda unit: chr(int(unit[1:], 16)))
    if "&" in text and _ENTITY.search(text):
        yield _read(text, _ENTITY, _resolve_reference)


def unfold(text: str) -> Reading:
    """The text without line endings inside base64."""
    folded = "\n" in text and _FOLDED.search(text)
    return _read(text, _FOLD, lambda unit: unit[0]) if folded else Reading(text)


def unescape(text: str) -> Reading:
    """The value of a JSON string that is given without its quotes."""
    return _read(text, _ESCAPE, _resolve_escape) if "\\" in text else Reading(text)


def _resolve_reference(unit: str) -> str:
    value = html.unescape(unit)
    return value if len(value) == 1 else "\ufffd"


def _resolve_escape(unit: str) -> str:
    if unit[1:2] == "x" and len(unit) == 4:
        return chr(int(unit[2:], 16))
    try:
        value = json.loads(f'"{unit}"')
    except ValueError:
        return "\ufffd"
    return value if isinstance(value, str) and len(value) == 1 else "\ufffd"


def _read(text: str, unit: re.Pattern[str], value: Callable[[str], str]) -> Reading:
    parts: list[str] = []
    indexes, surplus = [], [0]
    position = length = 0
    known: dict[str, str] = {}
    for match in unit.finditer(text):
        escape = match.group()
        if (plain := known.get(escape)) is None:
            plain = known[escape] = value(escape)
        parts += [text[position : match.start()], plain]
        length += match.start() - position
        indexes.append(length)
        surplus.append(surplus[-1] + len(escape) - 1)
        length += 1
        position = match.end()
    return Reading("".join((*parts, text[position:])), tuple(indexes), tuple(surplus))


def merge_edits(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in order; overlapping edits become one dummy."""
    disjoint: list[Edit] = []
    for start, stop, new in sorted(set(edits), key=lambda edit: edit[:2]):
        if start >= stop:
            continue
        if disjoint and start < disjoint[-1][1]:
            disjoint[-1] = (disjoint[-1][0], max(stop, disjoint[-1][1]), None)
        else:
            disjoint.append((start, stop, new))
    return disjoint


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text after these edits, which must not overlap."""
    parts, position = [], 0
    for start, stop, new in edits:
        parts += [text[position:start], dummy(stop - start) if new is None else new]
        position = stop
    return "".join((*parts, text[position:]))
