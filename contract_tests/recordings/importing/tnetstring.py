"""Typed netstrings (https://tnetstrings.info, with mitmproxy's `;` for text), strict and bounded."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 50
_DIGITS = 10


class TnetstringError(ValueError):
    """Bytes that are no typed netstring; the message says at which byte."""


def pop(data: bytes, start: int, stop: int | None = None, depth: int = 0) -> tuple[Any, int]:
    """The value that begins at byte `start`, and the byte after it. Raises TnetstringError."""
    stop = len(data) if stop is None else stop
    colon = data.find(b":", start, min(stop, start + _DIGITS + 1))
    digits = data[start:colon] if colon > start else b""
    if not digits.isdigit():
        raise TnetstringError(f"byte {start}: a length and a colon are expected, not {data[start : start + 12]!r}")
    begin, end = colon + 1, colon + 1 + int(digits)
    if end >= stop:
        there = max(0, stop - begin)
        raise TnetstringError(f"byte {start}: {int(digits):,} bytes and a type must follow, but {there:,} bytes do")
    if depth > MAX_DEPTH:
        raise TnetstringError(f"byte {start}: nested deeper than {MAX_DEPTH} levels")
    return _value(data, begin, end, depth), end + 1


def _value(data: bytes, begin: int, end: int, depth: int) -> Any:
    kind = data[end : end + 1]
    if kind == b"]":
        return _items(data, begin, end, depth)
    if kind == b"}":
        return _members(data, begin, end, depth)
    text = data[begin:end]
    try:
        match kind:
            case b",":
                return text
            case b";":
                return text.decode("utf-8")
            case b"#":
                return int(text)
            case b"^":
                return float(text)
    except ValueError as error:
        raise TnetstringError(f"byte {begin}: {error}") from error
    constants = {(b"!", b"true"): True, (b"!", b"false"): False, (b"~", b""): None}
    if (kind, text) not in constants:
        raise TnetstringError(f"byte {end}: {kind!r} is not a value type")
    return constants[kind, text]


def _items(data: bytes, position: int, end: int, depth: int) -> list[Any]:
    items = []
    while position < end:
        item, position = pop(data, position, end, depth + 1)
        items.append(item)
    return items


def _members(data: bytes, position: int, end: int, depth: int) -> dict[str, Any]:
    members = {}
    while position < end:
        begin = position
        name, position = pop(data, position, end, depth + 1)
        if isinstance(name, bytes):
            name = name.decode("ascii", "surrogateescape")
        if not isinstance(name, str):
            raise TnetstringError(f"byte {begin}: the name of a member must be a string")
        members[name], position = pop(data, position, end, depth + 1)
    return members
