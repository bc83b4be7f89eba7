"""Views: texts encoded in another text, with a way to map an edit of the view back to the other text.

A view has its `text`, and `map_back`, which turns edits of this text into edits of the other text.
An edit is (start, stop, new): the characters of the slice become `new`, which has the same length, or a
dummy if `new` is None.
"""

from __future__ import annotations

import html
import json
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from fake_server.relay.redact.dummies import dummy
from fake_server.relay.redact.lookalikes import LOOKALIKE, LOOKALIKES, plain_letter

Edit = tuple[int, int, str | None]

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}"
    r"|U000[01][0-9A-Fa-f]{4}|o\{[0-7]{1,7}\}|.)",
    re.DOTALL,
)
"""A JSON escape (RFC 8259 section 7), two for a character beyond U+FFFF; and `\\x41`, `\\U00000041`, `\\o{101}`,
as in logs."""
_PERCENT = re.compile(r"%(?:u[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})")
"""A byte in a URL; and a character as old JavaScript escapes it (`%u0041`)."""
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
    escape: Callable[[str, int], str] | None = None
    """Writes a character as an escape of so many characters, or as something else if there is none of that length."""

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        for start, stop, new in edits:
            first, last = (place + self.surplus[bisect_left(self.indexes, place)] for place in (start, stop))
            if new is not None and len(new) != last - first:
                new = self._escaped(start, new)
            yield first, last, new if new is None or len(new) == last - first else None

    def _escaped(self, start: int, new: str) -> str | None:
        """A new text from `start` on, with escapes where the old text had them."""
        if self.escape is None:
            return None
        parts, number = [], bisect_left(self.indexes, start)
        for place, char in enumerate(new, start):
            if number < len(self.indexes) and self.indexes[number] == place:
                char = self.escape(char, self.surplus[number + 1] - self.surplus[number] + 1)
                number += 1
            parts.append(char)
        return "".join(parts)


class Pieces:
    """Pieces of the other text, joined."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._begins, self._origins, self._places = array("i"), array("i"), array("i")
        self._views: dict[int, View] = {}
        self._length = 0

    @cached_property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, start: int, stop: int, place: int = -1, view: View | None = None) -> None:
        """Add the characters of a slice, without their escapes, or a view of them; `place` is the piece's number."""
        part = self._source[start:stop]
        if view is None and "\\" in part:
            view = unescape(part)
        if view is not None:
            self._views[len(self._parts)] = view
            part = view.text
        self._parts.append(part)
        self._begins.append(self._length)
        self._origins.append(start)
        self._places.append(place)
        self._length += len(part)

    def end(self) -> None:
        """What follows does not belong to what was added before."""
        self.add(0, 0, -1, Reading("\0"))

    def places(self, start: int, stop: int) -> dict[int, None]:
        """The numbers of the pieces that these characters of the text stand in, in order."""
        return dict.fromkeys(self._places[number] for number, _, _ in self._parts_of(start, stop))

    def _parts_of(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        for number in range(max(bisect_right(self._begins, start) - 1, 0), len(self._parts)):
            begins = self._begins[number]
            if begins >= stop:
                break
            first, last = max(start, begins), min(stop, begins + len(self._parts[number]))
            if first < last:
                yield number, first, last

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        for start, stop, new in edits:
            for number, first, last in self._parts_of(start, stop):
                part = None if new is None else new[first - start : last - start]
                begins, origin = self._begins[number], self._origins[number]
                inner = (first - begins, last - begins, part)
                view = self._views.get(number)
                for begin, until, text in [inner] if view is None else view.map_back([inner]):
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


View = Reading | Pieces | Recoded | Within | Compressed


def unescaped_readings(text: str) -> Iterator[Reading]:
    """The text without JSON escapes, without percent-encoding, without HTML references, if it has any."""
    if "\\" in text:
        yield unescape(text)
    if "%" in text and _PERCENT.search(text):
        yield _read(text, _PERCENT, lambda unit: chr(int(unit.lstrip("%u"), 16)), _escape_percent)
    if LOOKALIKES.search(text):
        yield _read(text, LOOKALIKE, plain_letter)
    if "&" in text and _ENTITY.search(text):
        yield _read(text, _ENTITY, _resolve_reference, lambda char, size: f"&#{ord(char):0{max(size - 3, 0)}};")


def unfold(text: str) -> Reading:
    """The text without line endings inside base64."""
    folded = "\n" in text and _FOLDED.search(text)
    return _read(text, _FOLD, lambda unit: unit[0]) if folded else Reading(text)


def unescape(text: str) -> Reading:
    """The value of a JSON string that is given without its quotes."""
    return _read(text, _ESCAPE, _resolve_escape, _escape) if "\\" in text else Reading(text)


def _escape(char: str, size: int) -> str:
    short = json.dumps(char)[1:-1]
    written = {
        10: f"\\U{ord(char):08x}",
        7: f"\\o{{{ord(char):03o}}}",
        6: f"\\u{ord(char):04x}",
        4: f"\\x{ord(char):02x}",
    }
    return written.get(size, short if len(short) == 2 else "\\/")


def _escape_percent(char: str, size: int) -> str:
    return f"%{ord(char):02X}" if size == 3 else f"%u{ord(char):04X}"


def _resolve_reference(unit: str) -> str:
    value = html.unescape(unit)
    return value if len(value) == 1 else "\ufffd"


def _resolve_escape(unit: str) -> str:
    if (unit[1:2], len(unit)) in (("x", 4), ("U", 10)):
        return chr(int(unit[2:], 16))
    if len(unit) > 3 and unit[1] == "o":
        return chr(min(int(unit[1:].strip("o{}"), 8), 0xFFFD))
    try:
        value = "'" if unit == "\\'" else json.loads(f'"{unit}"')
    except ValueError:
        return "\ufffd"
    return value if isinstance(value, str) and len(value) == 1 else "\ufffd"


def _read(
    text: str,
    unit: re.Pattern[str],
    value: Callable[[str], str],
    escape: Callable[[str, int], str] | None = None,
) -> Reading:
    parts: list[str] = []
    indexes, surplus = [], [0]
    position = length = 0
    known: dict[str, str] = {}
    for match in unit.finditer(text):
        written = match.group()
        if (plain := known.get(written)) is None:
            plain = known[written] = value(written)
        parts += [text[position : match.start()], plain]
        length += match.start() - position
        indexes.append(length)
        surplus.append(surplus[-1] + len(written) - 1)
        length += 1
        position = match.end()
    return Reading("".join((*parts, text[position:])), tuple(indexes), tuple(surplus), escape)


def merge_edits(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in order; overlapping edits become one, a dummy unless they agree."""
    disjoint: list[Edit] = []
    for start, stop, new in sorted(set(edits), key=lambda edit: (*edit[:2], edit[2] or "")):
        if start >= stop:
            continue
        if disjoint and start < disjoint[-1][1]:
            first, last, text = disjoint[-1]
            if text is None or new is None or text[start - first :][: stop - start] != new[: last - start]:
                disjoint[-1] = (first, max(stop, last), None)
            else:
                disjoint[-1] = (first, max(stop, last), text + new[last - start :])
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


def changes(old: str, new: str, start: int = 0) -> Iterator[Edit]:
    """The edits that make one text of another one of the same length, which begins at `start`."""
    for differs, run in groupby(range(min(len(old), len(new))), key=lambda place: old[place] != new[place]):
        if differs:
            places = list(run)
            yield start + places[0], start + places[-1] + 1, new[places[0] : places[-1] + 1]


def is_within(edit: Edit, others: list[Edit]) -> bool:
    """Whether one of the others, which are in order, holds all of an edit."""
    place = bisect_right(others, edit[0], key=lambda other: other[0]) - 1
    return place >= 0 and edit[1] <= others[place][1]
