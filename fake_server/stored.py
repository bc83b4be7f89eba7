"""Chat completions that were asked to be stored: listed, read, given other metadata, deleted."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fake_server import asked

MOST = 1000
LIMIT, MOST_LISTED = 20, 100


@dataclass(frozen=True)
class Stored:
    """One completion as the API gives it back, and the messages it answered."""

    completion: Mapping[str, Any]
    messages: tuple[Mapping[str, Any], ...]

    @property
    def id(self) -> str:
        return str(self.completion["id"])


@dataclass(frozen=True)
class Page:
    """A part of a list, and whether more follows."""

    items: tuple[Mapping[str, Any], ...]
    has_more: bool

    def told(self) -> dict[str, Any]:
        """The API's list object."""
        ids = [one["id"] for one in self.items]
        return {
            "object": "list",
            "data": list(self.items),
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": self.has_more,
        }


@dataclass
class Shelf:
    """The last MOST stored completions, in the order they were made; safe to share between threads."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: OrderedDict[str, Stored] = field(default_factory=OrderedDict)

    def keep(self, completion: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        """Store a completion with the request's metadata and messages; the oldest leaves."""
        metadata = request.get("metadata") or {}
        stored = Stored({**completion, "metadata": dict(metadata)}, _messages(completion["id"], request))
        with self._lock:
            self._held[stored.id] = stored
            while len(self._held) > MOST:
                self._held.popitem(last=False)

    def get(self, name: str) -> Stored | None:
        with self._lock:
            return self._held.get(name)

    def update(self, name: str, metadata: Mapping[str, Any] | None) -> Stored | None:
        """Give a completion other metadata; None where there is none of this id."""
        with self._lock:
            held = self._held.get(name)
            if held is None:
                return None
            changed = Stored({**held.completion, "metadata": dict(metadata or {})}, held.messages)
            self._held[name] = changed
            return changed

    def delete(self, name: str) -> bool:
        with self._lock:
            return self._held.pop(name, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._held.clear()

    def select(self, model: str | None, metadata: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """The completions of a model and with all of the metadata, oldest first."""
        with self._lock:
            held = [one.completion for one in self._held.values()]
        return [
            one
            for one in held
            if model in (None, one["model"])
            and all(one["metadata"].get(name) == value for name, value in metadata.items())
        ]


def page(items: Sequence[Mapping[str, Any]], after: str | None, limit: int, newest_first: bool) -> Page:
    """The items behind the one whose id is `after`, at most `limit`."""
    ordered = list(reversed(items)) if newest_first else list(items)
    ids = [one["id"] for one in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    return Page(tuple(ordered[start : start + limit]), len(ordered) > start + limit)


def _messages(name: str, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    found = []
    for index, message in enumerate(request.get("messages") or ()):
        content = message.get("content")
        parts = content if isinstance(content, list) else None
        text = content if parts is None else asked.text_of(parts) or None
        told = {"id": f"{name}-{index}", "role": message.get("role"), "content": text}
        found.append({**told, "name": message.get("name"), "content_parts": parts})
    return tuple(found)
