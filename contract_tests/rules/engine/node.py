"""A value inside a JSON document that knows its place, so that a rule can point at it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from fake_server.relay.redact import shorten_masked
from fake_server.wire.jsontext import Locator, Path
from fake_server.wire.sse import Event


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()
"""The value of a member that is not there (null is None)."""


@dataclass(frozen=True)
class Place:
    """A place in a reply: the event of a stream (None in a dict), the path in the JSON, the byte."""

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


class TooManyValues(Exception):
    """The arrays of a reply have more items than rules may look at."""


class Budget:
    """Counts the items of a reply's arrays that rules look at, where `left` is set."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left: int | None = None

    def spend(self, items: int) -> None:
        """Raises TooManyValues where fewer items are left."""
        if self.left is not None:
            if items > self.left:
                raise TooManyValues
            self.left -= items


class Document:
    """The text a node stands in: its bytes, and the event of a stream that holds it."""

    __slots__ = ("_locator", "budget", "event", "text")

    def __init__(self, text: bytes, event: Event | None, budget: Budget) -> None:
        self.text, self.event, self.budget = text, event, budget
        self._locator: Locator | None = None

    @property
    def start(self) -> int:
        """Where the text starts in the body."""
        return self.event.data_start if self.event else 0

    def locate(self, path: Path) -> int | None:
        """The byte of the text at which the value with this path starts."""
        if self._locator is None:
            self._locator = Locator(self.text)
        return self._locator.find(path)

    def place(self, offset: int | None, path: Path = ()) -> Place:
        """The place of a byte of the text."""
        return Place(self.event.index if self.event else None, path, None if offset is None else self.start + offset)


_NONE: Mapping[str, Node] = {}


class Node:
    """One value with its path. Missing members are nodes too, with the value MISSING.

    Rules read the same objects and arrays again and again, so a node caches its members that hold some. A
    rule over every chunk reads plain values (`get`, `says`, `text_of`) and makes a node only to point at it.
    """

    __slots__ = ("_items", "_members", "document", "path", "value")

    def __init__(self, value: Any, document: Document, path: Path = ()) -> None:
        self.value, self.document, self.path = value, document, path
        self._members = _NONE
        self._items: list[Node] | None = None

    @property
    def kind(self) -> str:
        """The JSON type in words: object, array, string, integer, number, boolean, null or missing."""
        return kind_of(self.value)

    def __getitem__(self, name: str) -> Node:
        member = self._members.get(name)
        if member is None:
            value = self.value.get(name, MISSING) if type(self.value) is dict else MISSING  # as `get`, without the call
            member = Node(value, self.document, (*self.path, name))
            if isinstance(value, (dict, list)):
                self._members = {**self._members, name: member}
        return member

    def get(self, name: str) -> Any:
        """The plain value of a member, MISSING where there is none."""
        value = self.value
        return value.get(name, MISSING) if type(value) is dict else MISSING

    def text_of(self, name: str) -> str:
        """The value of a member where it is a string, else ''."""
        value = self.value.get(name) if type(self.value) is dict else None
        return value if type(value) is str else ""

    def says(self, name: str) -> bool:
        """Whether a member is there and not null."""
        value = self.value
        return type(value) is dict and value.get(name) is not None

    def __iter__(self) -> Iterator[Node]:
        """The items of an array; nothing for any other value."""
        if self._items is None:
            values = self.value if type(self.value) is list else ()
            self.document.budget.spend(len(values))
            self._items = [Node(item, self.document, (*self.path, index)) for index, item in enumerate(values)]
        return iter(self._items)

    def __bool__(self) -> bool:
        """Whether the member is there and not null."""
        return self.value is not MISSING and self.value is not None

    @property
    def there(self) -> bool:
        """Whether the member is there, null or not."""
        return self.value is not MISSING

    @property
    def text(self) -> str:
        """The value where it is a string, else ''."""
        return self.value if type(self.value) is str else ""

    @property
    def number(self) -> float | None:
        """The value where it is a JSON number, else None."""
        return self.value if self.kind in ("integer", "number") else None

    @property
    def place(self) -> Place:
        """Where the value stands; for a missing member the byte of the nearest value around it."""
        nearest = (self.document.locate(self.path[:length]) for length in range(len(self.path), -1, -1))
        return self.document.place(next((offset for offset in nearest if offset is not None), None), self.path)

    def __str__(self) -> str:
        """The value as a report shows it: its JSON, shortened."""
        return show(self.value)


def kind_of(value: Any) -> str:
    """The JSON type of a parsed value in words."""
    return _KINDS.get(type(value), "number")


_KINDS: dict[type, str] = {
    _Missing: "missing",
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}


def repeats(nodes: Iterable[Node], name: str, kind: type) -> Iterator[Node]:
    """The members of this name and type that hold what an earlier node's member holds; '' does not count."""
    seen = set()
    for node in nodes:
        value = node.get(name)
        if isinstance(value, kind) and value != "":
            if value in seen:
                yield node[name]
            seen.add(value)


def members_beyond(node: Node, known: Set[str]) -> list[Node]:
    """The members of an object that are not among the known ones."""
    if type(node.value) is not dict or node.value.keys() <= known:
        return []
    return [node[name] for name in node.value if name not in known]


def show(value: Any, limit: int = 70) -> str:
    """A value as JSON, shortened to `limit` characters, masked before the cut; 'missing' for MISSING."""
    if value is MISSING:
        return "missing"
    if isinstance(value, str):
        return shorten_masked(json.dumps(value, ensure_ascii=False) if len(value) < _MANY else value, limit)
    text = ""
    for piece in _ENCODER.iterencode(value):  # no further than it is shown and masked: a value may have megabytes
        text += piece
        if len(text) > limit + _MANY:
            break
    return shorten_masked(text, limit)


_ENCODER = json.JSONEncoder(ensure_ascii=False)
_MANY = 4096
"""Characters beyond those shown in which the rest of a credential may stand."""


def show_path(path: Path) -> str:
    """('choices', 0, 'delta') as choices[0].delta."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
