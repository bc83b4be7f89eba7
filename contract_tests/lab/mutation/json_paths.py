"""JSON values, the paths to them, and how both are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fake_server.wire.text import shorten

Step = str | int
Path = tuple[Step, ...]

KINDS = ("null", "boolean", "integer", "fraction", "string", "array", "object")
"""The JSON types; a number with a fraction is kept apart from a whole one."""

_WIDTH = 60


def kind_of(value: Any) -> str:
    """The JSON type of a value, one of KINDS."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "fraction"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def encode(value: Any) -> bytes:
    """The value as compact JSON in UTF-8; lone surrogates pass."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value below and including this one, outer values first."""
    yield path, value
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in below:
        yield from walk(inner, (*path, step))


def array_at(value: Any, name: str) -> list[Any]:
    """The array that is this member of an object; empty where there is no such array."""
    array = value.get(name) if isinstance(value, dict) else None
    return array if isinstance(array, list) else []


def fold(path: Path) -> str:
    """('choices', 0, 'delta') as 'choices[].delta'."""
    text = "".join("[]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def format_path(path: Path) -> str:
    """('choices', 0, 'delta') as 'choices[0].delta'; the whole document as '(document)'."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "(document)"


def abbreviate(value: Any) -> str:
    """The value as JSON of at most 60 characters."""
    return shorten(encode(value).decode("utf-8", "replace"), _WIDTH)
