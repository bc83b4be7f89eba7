"""Parses JSON text and lists every problem that a lenient parser hides (RFC 8259).

`parse` never raises on bad input: it returns a Document whose `problems` say what is wrong and at
which byte. `Locator` finds the bytes of a member, for reports.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from json.scanner import make_scanner
from typing import Any, NamedTuple

MAX_DEPTH = 200
MAX_PROBLEMS = 20
MAX_VALUES = 2_500_000
"""Values of a text that is judged: 16 MiB of embeddings, or of log probabilities, have fewer."""
MAX_PLACES = 100_000
"""Members of one object, or items of one array, whose places are remembered; those beyond have none."""

Path = tuple[str | int, ...]
"""Member names and array indexes from the root: ("choices", 0, "delta")."""

# An unclosed string matches up to the end, and `++` never backtracks: no text makes this scan quadratic.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_TOKEN = re.compile(_STRING.pattern + rb"|[\[\]{}]", re.DOTALL)
_VALUE = re.compile(_TOKEN.pattern + rb"|[^\[\]{},: \t\n\r]++", re.DOTALL)
_STEP = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
"""How much deeper a text is nested after each bracket."""
_BLANKS = re.compile(rb"[ \t\n\r]*+")


@dataclass(frozen=True)
class Problem:
    """A problem of a text. `kind` is encoding, bom, syntax, depth, size, duplicate or number."""

    kind: str
    offset: int
    detail: str


class Document(NamedTuple):
    """A parsed text. `ok` is False if there is no value (`value` is then None)."""

    value: Any
    problems: tuple[Problem, ...]
    ok: bool


class _Unusual(Exception):
    """The text is not plain JSON and must be parsed again, slowly, to say what is wrong and where."""


def is_json(text: str | bytes) -> bool:
    """Whether json.loads takes the text, as most clients do; `parse` is stricter."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Unusual
    return members


def _refuse(name: str) -> float:
    raise _Unusual


_scan = make_scanner(json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse))  # type: ignore[arg-type]
"""What `raw_decode` calls: the value that begins at an index, and where it ends."""
_scan_leniently = make_scanner(json.JSONDecoder(strict=False))  # type: ignore[arg-type]


def parse(text: bytes, max_depth: int = MAX_DEPTH, max_values: int = sys.maxsize) -> Document:
    """Parse UTF-8 JSON text. Duplicate names keep the last value, as most parsers do.

    A text that nests deeper, or has more values (counted by brackets and commas), is not read.
    """
    if text.count(b"[") + text.count(b"{") <= max_depth and len(text) <= max_values:
        try:
            decoded = text.decode("utf-8")
            value, end = _scan(decoded, 0)
            if end == len(decoded) or not decoded[end:].strip(" \t\n\r"):
                return Document(value, (), ok=True)
        except (ValueError, StopIteration, _Unusual):
            pass
    return _parse_slowly(text, max_depth, max_values)


def _parse_slowly(text: bytes, max_depth: int, max_values: int) -> Document:
    problems: list[Problem] = []
    if text.startswith(b"\xef\xbb\xbf"):
        problems.append(Problem("bom", 0, "the text begins with a byte order mark"))
        text = b" " * 3 + text[3:]  # blanks keep the offsets of all other bytes
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(Problem("encoding", error.start, "the text is not UTF-8"))
        decoded = text.decode("utf-8", "replace")
    if _has_more_values(text, max_values):
        size = f"the text holds more than {max_values:,} values, which is the bound"
        return Document(None, (*problems, Problem("size", 0, size)), ok=False)
    deepest, where = _depth(text) if text.count(b"[") + text.count(b"{") > max_depth else (0, 0)
    if deepest > max_depth:
        problems.append(Problem("depth", where, f"the text nests {deepest} levels deep; the bound is {max_depth}"))
        return Document(None, tuple(problems), ok=False)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs) and len(problems) < MAX_PROBLEMS:
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            offset = max(text.rfind(json.dumps(twice).encode()), 0)
            problems.append(Problem("duplicate", offset, f"the member {twice!r} stands twice in one object"))
        return members

    def constant(name: str) -> float:
        if len(problems) < MAX_PROBLEMS:
            problems.append(Problem("number", max(text.find(name.encode()), 0), f"{name} is not a JSON number"))
        return float(name.replace("Infinity", "inf"))

    try:
        value = json.loads(decoded, object_pairs_hook=members, parse_constant=constant)
    except json.JSONDecodeError as error:
        offset = len(decoded[: error.pos].encode())
        problems.append(Problem("syntax", offset, error.msg))
        return Document(None, tuple(problems), ok=False)
    except ValueError as error:  # an integer of more digits than Python converts
        problems.append(Problem("number", 0, str(error).partition(":")[0]))
        return Document(None, tuple(problems), ok=False)
    return Document(value, tuple(problems), ok=True)


def _has_more_values(text: bytes, bound: int) -> bool:
    """Whether there are more brackets and commas than that; those in strings do not count."""
    if len(text) <= bound or _count_values(text) <= bound:
        return False
    return _count_values(_STRING.sub(b"", text)) > bound


def _count_values(text: bytes) -> int:
    return sum(map(text.count, (b",", b"[", b"{")))


def _depth(text: bytes) -> tuple[int, int]:
    """The deepest nesting and the byte where it is first reached; strings do not count."""
    depth = deepest = where = 0
    for match in _TOKEN.finditer(text):
        depth += _STEP.get(match.group(), 0)
        if depth > deepest:
            deepest, where = depth, match.start()
    return deepest, where


class Locator:
    """Finds values of one text by their paths. Each object and array is read once, however many values are sought."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._places: dict[int, dict[str | int, int]] = {}

    @cached_property
    def _letters(self) -> str:
        """The text with a character for each byte: what Python's scanner finds in it stands at the same place."""
        return self._text.decode("latin-1")

    def find(self, path: Path) -> int | None:
        """The byte offset of the value at `path`; None if the text has no such member, or it lies beyond MAX_PLACES."""
        position = self._skip(0)
        for step in path:
            if position not in self._places:
                self._places[position] = dict(islice(self._members(position), MAX_PLACES))
            start = self._places[position].get(step)
            if start is None:
                return None
            position = start
        return position

    def _members(self, position: int) -> Iterator[tuple[str | int, int]]:
        """The name or index of each member of the object or array at `position`, and where its value starts.

        Of several members with the same name, parsers keep the last.
        """
        text = self._text
        opening, position = text[position : position + 1], self._skip(position + 1)
        for index in count() if opening in (b"{", b"[") else ():
            if position >= len(text) or text[position] in b"]}":
                return
            name: str | int = index
            if opening == b"{":
                end = self._value_end(position)
                try:
                    name = str(json.loads(text[position:end]))
                except (ValueError, RecursionError):
                    return
                position = self._skip(self._skip(end) + 1)
            yield name, position
            position = self._skip(self._value_end(position))
            if text[position : position + 1] == b",":
                position = self._skip(position + 1)

    def _skip(self, position: int) -> int:
        """The offset of the next byte that is no white space."""
        match = _BLANKS.match(self._text, position)
        return match.end() if match else position

    def _value_end(self, position: int) -> int:
        """The offset after the value that starts at `position`."""
        if self._text[position : position + 1] in (b"{", b"["):
            try:
                return int(_scan_leniently(self._letters, position)[1])
            except (ValueError, StopIteration, RecursionError):
                pass
        depth = 0
        for match in _VALUE.finditer(self._text, position):
            depth += _STEP.get(match.group(), 0)
            if depth <= 0:
                return match.end()
        return len(self._text)


def compact(value: Any) -> str:
    """Serialize as OpenAI serializes tool arguments: without spaces, non-ASCII characters unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
