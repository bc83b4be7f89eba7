"""Chat completions that were asked to be stored: listed, read, given other metadata, deleted.

Members are those of the API reference's answers, which repeat part of the request.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fake_server.api import chat_request
from fake_server.server.state.memory import MemoryBudget

MOST, MOST_BYTES = 1000, 64 * 1024 * 1024
"""Completions, and bytes of JSON, that are held at most."""
LIMIT, MOST_LISTED = 20, 100
_ECHOED: Mapping[str, Any] = {
    "tool_choice": None,
    "seed": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "tools": None,
    "response_format": None,
}
"""What a stored completion repeats of its request, with what stands where the request has none."""
_OPTIONAL = ("tool_calls", "tool_call_id", "function_call", "refusal")
"""What a stored message has where the request's has it."""


@dataclass(frozen=True)
class Stored:
    """One completion as the API gives it back, and the messages it answered.

    `place` grows with every completion stored; `size` is in bytes of JSON.
    """

    completion: Mapping[str, Any]
    messages: tuple[Mapping[str, Any], ...]
    place: int
    size: int

    @property
    def id(self) -> str:
        return str(self.completion["id"])


Placed = tuple[int, Mapping[str, Any]]
"""An item of a list with its place in it."""


@dataclass(frozen=True)
class Page:
    """A part of a list, and whether more follows."""

    items: tuple[Mapping[str, Any], ...]
    has_more: bool

    def to_dict(self) -> dict[str, Any]:
        """The API's list object."""
        ids = [item["id"] for item in self.items]
        return {
            "object": "list",
            "data": list(self.items),
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": self.has_more,
        }


@dataclass
class CompletionStore:
    """The last MOST stored completions, in the order they were made; safe to share between threads.

    What is held counts in `budget` too, which stores may share; `dropped` counts evicted completions.
    """

    budget: MemoryBudget = field(default_factory=MemoryBudget)
    dropped: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: OrderedDict[str, Stored] = field(default_factory=OrderedDict)
    _places: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _made: int = 0

    def save(self, completion: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        """Save a completion with what it repeats of the request, and the messages; the oldest are evicted."""
        name = str(completion["id"])
        whole = {**completion, **_echoed(request), "metadata": dict(request.get("metadata") or {})}
        messages = _messages(name, request)
        size = len(json.dumps([whole, messages]))
        with self._lock:
            self._drop(name)
            self._made += 1
            self._held[name] = Stored(whole, messages, self._made, size)
            self._count(size)
            self._places[name] = self._made
            self._places.move_to_end(name)
            while len(self._held) > MOST or (self._bytes > MOST_BYTES and len(self._held) > 1):
                self._drop_oldest()
            while len(self._places) > 10 * MOST:
                self._places.popitem(last=False)

    def get(self, name: str) -> Stored | None:
        with self._lock:
            return self._held.get(name)

    def place(self, name: str) -> int | None:
        """Where in the list a completion is, or was before it was deleted, so that a page can begin there."""
        with self._lock:
            return self._places.get(name)

    def update(self, name: str, metadata: Mapping[str, Any] | None) -> Stored | None:
        """Give a completion other metadata; None where there is none of this id."""
        with self._lock:
            held = self._held.get(name)
            if held is None:
                return None
            changed = replace(held, completion={**held.completion, "metadata": dict(metadata or {})})
            self._held[name] = changed
            return changed

    def delete(self, name: str) -> bool:
        with self._lock:
            return self._drop(name)

    def drop(self) -> bool:
        """Evict the oldest completion, and count it in `dropped`; False when there is none."""
        with self._lock:
            return self._drop_oldest()

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._places.clear()
            self._count(-self._bytes)
            self.dropped = 0

    def release(self) -> None:
        """Forget everything, and count in no shared budget from now on: the space is evicted."""
        self.clear()
        with self._lock:
            self.budget.add(-self._bytes)
            self.budget = MemoryBudget()
            self.budget.add(self._bytes)

    def select(self, model: str | None, metadata: Mapping[str, str]) -> list[Placed]:
        """The completions of a model and with all of the metadata, oldest first."""
        with self._lock:
            held = [(stored.place, stored.completion) for stored in self._held.values()]
        return [
            (place, completion)
            for place, completion in held
            if model in (None, completion["model"])
            and all(completion["metadata"].get(name) == value for name, value in metadata.items())
        ]

    def _drop(self, name: str) -> bool:
        removed = self._held.pop(name, None)
        self._count(-removed.size if removed else 0)
        return removed is not None

    def _drop_oldest(self) -> bool:
        dropped = self._drop(next(iter(self._held), ""))
        self.dropped += dropped
        return dropped

    def _count(self, size: int) -> None:
        self._bytes += size
        self.budget.add(size)


def page(items: Sequence[Placed], after: int | None, limit: int, newest_first: bool) -> Page:
    """The items behind the place `after`, at most `limit`."""
    ordered = reversed(items) if newest_first else iter(items)
    behind = [item for place, item in ordered if after is None or (place < after if newest_first else place > after)]
    return Page(tuple(behind[:limit]), len(behind) > limit)


def _echoed(request: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: request.get(name) for name in _ECHOED}
    echoed = {name: _ECHOED[name] if value is None else value for name, value in given.items()}
    return {**echoed, "input_user": request.get("user")}


def _messages(name: str, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(_message(f"{name}-{index}", message) for index, message in enumerate(request.get("messages") or ()))


def _message(name: str, message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    parts = None
    if isinstance(content, list):
        parts = [part for part in content if part["type"] in ("text", "image_url")]
        content = chat_request.content_text(content) or None
    always = {"id": name, "role": message["role"], "content": content, "name": message.get("name")}
    present = {member: message[member] for member in _OPTIONAL if message.get(member) is not None}
    return {**always, **present, "content_parts": parts}
