"""A value inside a JSON document that knows its place, so that a rule can point at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fake_server.wire.jsontext import Path, locate
from fake_server.wire.sse import Event


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()
"""The value of a member that is not there (null is None)."""


@dataclass(frozen=True)
class Place:
    """Where in a reply: event of a stream (None in a dict), the path in its JSON, the byte of the body."""

    event: int | None = None
    path: Path = ()
    offset: int | None = None

    def __str__(self) -> str:
        parts = [] if self.event is None else [f"event {self.event}"]
        if self.path:
            parts.append(show_path(self.path))
        if self.offset is not None:
            parts.append(f"byte {self.offset}")
        return ", ".join(parts) or "the reply"


@dataclass(frozen=True)
class Document:
    """The text a node stands in: its bytes, where they start in the body, and the event that holds it."""

    text: bytes
    start: int = 0
    event: Event | None = None


@dataclass(frozen=True)
class Node:
    """One value with its path; members that are missing are nodes too, with the value MISSING."""

    value: Any
    document: Document
    path: Path = ()

    def __getitem__(self, name: str) -> Node:
        value = self.value.get(name, MISSING) if isinstance(self.value, dict) else MISSING
        return Node(value, self.document, (*self.path, name))

    def __iter__(self) -> Iterator[Node]:
        """The items of an array; nothing for any other value."""
        if isinstance(self.value, list):
            for index, item in enumerate(self.value):
                yield Node(item, self.document, (*self.path, index))

    def __bool__(self) -> bool:
        """Whether the member is there and not null."""
        return self.value is not MISSING and self.value is not None

    @property
    def there(self) -> bool:
        """Whether the member is there, null or not."""
        return self.value is not MISSING

    @property
    def kind(self) -> str:
        """The JSON type in words: object, array, string, integer, number, boolean, null or missing."""
        return kind_of(self.value)

    @property
    def text(self) -> str:
        """The value where it is a string, else ''."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def number(self) -> float | None:
        """The value where it is a JSON number, else None."""
        return self.value if isinstance(self.value, (int, float)) and self.kind != "boolean" else None

    @property
    def place(self) -> Place:
        document = self.document
        offset = None
        for length in range(len(self.path), -1, -1):
            offset = locate(document.text, self.path[:length])
            if offset is not None:
                break
        event = document.event.index if document.event else None
        return Place(event, self.path, None if offset is None else document.start + offset)

    def __str__(self) -> str:
        """The value as a report shows it: its JSON, shortened."""
        return show(self.value)


def kind_of(value: Any) -> str:
    if value is MISSING:
        return "missing"
    if value is None:
        return "null"
    for kind, types in _KINDS:
        if isinstance(value, types):
            return kind
    return "number"


_KINDS: tuple[tuple[str, type], ...] = (
    ("boolean", bool),
    ("integer", int),
    ("string", str),
    ("array", list),
    ("object", dict),
)


def show(value: Any, limit: int = 70) -> str:
    """A value as JSON, shortened to `limit` characters; 'missing' for MISSING."""
    if value is MISSING:
        return "missing"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) or len(value) < 4096 else value
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def show_path(path: Path) -> str:
    """('choices', 0, 'delta') as choices[0].delta."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
