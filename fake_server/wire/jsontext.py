"""Parses JSON text and lists every problem that a lenient parser hides (RFC 8259).

`parse` never raises on bad input: it returns a Document whose `problems` say what is wrong and at
which byte. `locate` finds the bytes of a member, for reports.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from json.scanner import make_scanner
from typing import Any, NamedTuple

MAX_DEPTH = 200
MAX_PROBLEMS = 20

Path = tuple[str | int, ...]
"""Member names and array indexes from the root: ("choices", 0, "delta")."""

# An unclosed string matches up to the end, and `++` never backtracks: no text makes this scan quadratic.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_VALUE = re.compile(_TOKEN.pattern + rb"|[^\[\]{},: \t\n\r]++", re.DOTALL)
_STEP = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
"""How much deeper a text is nested after each bracket."""
_SPACE = b" \t\n\r"


@dataclass(frozen=True)
class Problem:
    """A problem of a text. `kind` is encoding, bom, syntax, depth, duplicate or number."""

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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Unusual
    return members


def _refuse(name: str) -> float:
    raise _Unusual


_scan = make_scanner(json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse))  # type: ignore[arg-type]
"""What `raw_decode` calls: the value that begins at an index, and where it ends."""


def parse(text: bytes, max_depth: int = MAX_DEPTH) -> Document:
    """Parse UTF-8 JSON text. Duplicate names keep the last value, as most parsers do."""
    if text.count(b"[") + text.count(b"{") <= max_depth:
        try:
            decoded = text.decode("utf-8")
            value, end = _scan(decoded, 0)
            if end == len(decoded) or not decoded[end:].strip(" \t\n\r"):
                return Document(value, (), ok=True)
        except (ValueError, StopIteration, _Unusual):
            pass
    return _parse_slowly(text, max_depth)


def _parse_slowly(text: bytes, max_depth: int) -> Document:
    problems: list[Problem] = []
    if text.startswith(b"\xef\xbb\xbf"):
        problems.append(Problem("bom", 0, "the text begins with a byte order mark"))
        text = b" " * 3 + text[3:]  # blanks keep the offsets of all other bytes
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(Problem("encoding", error.start, "the text is not UTF-8"))
        decoded = text.decode("utf-8", "replace")
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


def _depth(text: bytes) -> tuple[int, int]:
    """The deepest nesting and the byte where it is first reached; strings do not count."""
    depth = deepest = where = 0
    for match in _TOKEN.finditer(text):
        depth += _STEP.get(match.group(), 0)
        if depth > deepest:
            deepest, where = depth, match.start()
    return deepest, where


def locate(text: bytes, path: Path) -> int | None:
    """The byte offset of the value at `path`; None if the text has no such member."""
    position = _skip(text, 0)
    for step in path:
        start = _member(text, position, step)
        if start is None:
            return None
        position = start
    return position


def _member(text: bytes, position: int, step: str | int) -> int | None:
    """The start of one member of the object or array that starts at `position`."""
    if text[position : position + 1] != (b"{" if isinstance(step, str) else b"["):
        return None
    position, index, last = _skip(text, position + 1), 0, None
    while position < len(text) and text[position] not in b"]}":
        name: str | int = index
        if isinstance(step, str):
            end = _value_end(text, position)
            try:
                name = json.loads(text[position:end])
            except ValueError:
                return last
            position = _skip(text, _skip(text, end) + 1)
        if name == step:
            last = position  # of several members with the same name, parsers keep the last
            if isinstance(step, int):
                return last
        position = _skip(text, _value_end(text, position))
        if text[position : position + 1] == b",":
            position = _skip(text, position + 1)
        index += 1
    return last


def _skip(text: bytes, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _value_end(text: bytes, position: int) -> int:
    """The offset after the value that starts at `position`."""
    depth = 0
    for match in _VALUE.finditer(text, position):
        depth += _STEP.get(match.group(), 0)
        if depth <= 0:
            return match.end()
    return len(text)


def compact(value: Any) -> str:
    """Serialize as OpenAI serializes tool arguments: without spaces, non-ASCII characters unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
