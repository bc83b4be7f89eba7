"""JSON text as a tree of byte spans, so that members and items can be removed and the rest stays unchanged.

The parser is lenient: it never fails on wrong JSON (trailing or missing commas, single quotes, NaN, a
truncated text), because that may be the fault that has to stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from math import inf

MAX_DEPTH = 150
MAX_TOKENS = 400_000
"""Tokens of a text whose members can be removed one by one; a tree of more takes a gigabyte."""
MAX_SHALLOW = 100_000
"""Members and items of the tree of a text with more tokens: what lies deeper is removed with what holds it."""

Slice = tuple[int, int]
"""(start, stop) of bytes in a text."""
Edit = tuple[int, int, bytes]
"""(start, stop, new): the bytes of this slice become `new`; edits do not overlap."""

_TOKEN = re.compile(
    rb"""(?P<string>"(?:[^"\\]|\\.)*+"? | '(?:[^'\\]|\\.)*+'?) | (?P<mark>[\[\]{},:])
       | (?P<space>[\ \t\r\n]+) | (?P<bare>[^\[\]{},:"'\ \t\r\n]+)""",
    re.DOTALL | re.VERBOSE,
)
_MARK = re.compile(rb""""(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|[\[\]{},]""", re.DOTALL)
"""A string, or what parts values."""
_CLOSING = {b"{": b"}", b"[": b"]"}


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A value: its start and stop, its kind (object, array, string or bare), its members or items."""

    start: int
    stop: int
    kind: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A member of an object or an item of an array, from its name to the end of its value."""

    start: int
    name: str | int
    value: Span

    @property
    def stop(self) -> int:
        return self.value.stop


Pattern = tuple[str, ...]
"""A path in which every index is `*`."""


def parse(text: bytes) -> Span | None:
    """The tree of a text, shallow if it has more than MAX_TOKENS; None without a value, or deeper than MAX_DEPTH."""
    tokens = list(islice(_tokens(text), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS:
        tokens = list(islice(_tokens(text, _readable_depth(text)), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS:
        return None
    try:
        span, _ = _value(tokens, 0, 0)
    except (IndexError, RecursionError):
        return None
    return span


@dataclass(frozen=True, slots=True)
class _Token:
    """A string, a mark, or bare characters; `kind` is `string` or `bare`, `text` what is written."""

    start: int
    stop: int
    kind: str
    text: bytes


def _tokens(text: bytes, deepest: float = inf) -> Iterator[_Token]:
    """The tokens, without space; an object or array within `deepest` others is one of them."""
    depth = begin = end = 0
    for match in _TOKEN.finditer(text):
        kind, written = match.lastgroup, match.group()
        if kind == "space":
            continue
        opens, closes = written in _CLOSING, written in _CLOSING.values()
        begin = match.start() if opens and depth == deepest else begin
        if depth + opens <= deepest:
            yield _Token(match.start(), match.end(), "string" if kind == "string" else "bare", written)
        elif closes and depth == deepest + 1:
            yield _Token(begin, match.end(), "bare", b"")
        depth = max(depth + opens - closes, 0)
        end = end if written in (b",", b":") else match.end()
    if depth > deepest:
        yield _Token(begin, end, "bare", b"")


def _readable_depth(text: bytes) -> int:
    """The most objects and arrays within each other whose members and items are no more than MAX_SHALLOW."""
    values, depth = [0] * (MAX_DEPTH + 2), 0
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark in _CLOSING:
            depth += 1
        elif mark in _CLOSING.values():
            depth = max(depth - 1, 0)
        if mark == b"," or mark in _CLOSING:
            values[min(depth, MAX_DEPTH + 1)] += 1
    return next((depth - 1 for depth, total in enumerate(accumulate(values)) if total > MAX_SHALLOW), MAX_DEPTH)


def _value(tokens: list[_Token], place: int, depth: int) -> tuple[Span, int]:
    """The value that starts at token `place`, and the number of the token after it."""
    token = tokens[place]
    mark = token.text
    if mark not in _CLOSING:
        return Span(token.start, token.stop, token.kind), place + 1
    if depth == MAX_DEPTH:
        raise RecursionError
    items: list[Item] = []
    stop, place = token.stop, place + 1
    while place < len(tokens):
        inner = tokens[place].text
        if inner in (b"}", b"]"):
            return Span(token.start, tokens[place].stop, _KIND[mark], tuple(items)), place + 1
        if inner in (b",", b":"):
            place += 1
            continue
        name: str | int = len(items)
        start = tokens[place].start
        if mark == b"{" and place + 2 < len(tokens) and tokens[place + 1].text == b":":
            name = _name(inner)
            if tokens[place + 2].text not in (b",", b"}", b"]"):
                place += 2
        value, place = _value(tokens, place, depth + 1)
        items.append(Item(start, name, value))
        stop = value.stop
    return Span(token.start, stop, _KIND[mark], tuple(items)), place


_KIND = {b"{": "object", b"[": "array"}


def _name(token: bytes) -> str:
    try:
        name = json.loads(token)
    except ValueError:
        name = None
    return name if isinstance(name, str) else token.decode("utf-8", "replace").strip("\"'")


def patterns(span: Span, before: Pattern = ()) -> Iterator[tuple[Pattern, Item]]:
    """Every member and item with its pattern, outer ones first."""
    for item in span.items:
        pattern = (*before, item.name if isinstance(item.name, str) else "*")
        yield pattern, item
        yield from patterns(item.value, pattern)


def cut_items(span: Span, gone: Collection[Item]) -> Iterator[Edit]:
    """The edits that remove items from a tree, each with one comma; items inside them need no edit."""
    last_kept: Item | None = None
    open_cut: int | None = None
    last = span.items[-1] if span.items else None
    for item in span.items:
        if item not in gone:
            if open_cut is not None:
                yield open_cut, item.start, b""
                open_cut = None
            last_kept = item
            yield from cut_items(item.value, gone)
        elif open_cut is None:
            open_cut = item.start
    if open_cut is not None and last is not None:
        # The last items go together with the comma before them.
        yield (last_kept.stop if last_kept else open_cut), last.stop, b""


def line_spans(text: bytes) -> list[Slice]:
    """Each line of a text, with its line end."""
    stops = accumulate(map(len, text.splitlines(keepends=True)), initial=0)
    return list(pairwise(stops))


def apply_edits(text: bytes, edits: Collection[Edit]) -> bytes:
    """The text after these edits."""
    parts, position = [], 0
    for start, stop, new in sorted(edits):
        parts += [text[position:start], new]
        position = stop
    return b"".join([*parts, text[position:]])
