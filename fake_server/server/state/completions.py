"""Chat completions that were asked to be stored: listed, read, given other metadata, deleted.

Members are those of the API reference's answers, which repeat part of the request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fake_server.api import chat_request
from fake_server.server.state.memory import STORED, Evicting, Ledger
from fake_server.wire.deep_size import deep_size

MOST, MOST_BYTES = 1000, 64 * 1024 * 1024
"""Completions, and bytes of them, that are held at most."""
_PLACE = 200
"""Bytes that the place of a completion takes, also after it was deleted."""
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

    `place` grows with every completion stored; `size` is in bytes.
    """

    completion: Mapping[str, Any]
    messages: tuple[Mapping[str, Any], ...]
    place: int
    size: int


Placed = tuple[int, Mapping[str, Any]]
"""An item of a list with its place in it."""


class CompletionStore(Evicting):
    """The last MOST stored completions, in the order they were made."""

    kind = STORED

    def __init__(self, ledger: Ledger | None = None) -> None:
        super().__init__(ledger)
        self._stored: OrderedDict[str, Stored] = OrderedDict()
        self._places: OrderedDict[str, int] = OrderedDict()
        self._made = 0

    def save(self, completion: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        """Save a completion with what it repeats of the request, and the messages; the oldest are evicted."""
        name = str(completion["id"])
        whole = {**completion, **_echoed(request), "metadata": dict(request.get("metadata") or {})}
        given = request.get("messages") or ()
        messages = tuple(_message(f"{name}-{index}", message) for index, message in enumerate(given))
        size = deep_size([whole, messages])
        with self._lock:
            self._drop(name)
            self._made += 1
            self._stored[name] = Stored(whole, messages, self._made, size)
            self._count(size)
            self._count(0 if name in self._places else _PLACE)
            self._places[name] = self._made
            self._places.move_to_end(name)
            while len(self._stored) > MOST or (self._held > MOST_BYTES and len(self._stored) > 1):
                self._drop_oldest()
            while len(self._places) > 2 * MOST:
                self._places.popitem(last=False)
                self._count(-_PLACE)

    def get(self, name: str) -> Stored | None:
        with self._lock:
            return self._stored.get(name)

    def place(self, name: str) -> int | None:
        """Where in the list a completion is, or was before it was deleted, so that a page can begin there."""
        with self._lock:
            return self._places.get(name)

    def update(self, name: str, metadata: Mapping[str, Any] | None) -> Stored | None:
        """Give a completion other metadata; None where there is none of this id."""
        with self._lock:
            stored = self._stored.get(name)
            if stored is None:
                return None
            completion = {**stored.completion, "metadata": dict(metadata or {})}
            changed = replace(stored, completion=completion, size=deep_size([completion, stored.messages]))
            self._stored[name] = changed
            self._count(changed.size - stored.size)
            return changed

    def delete(self, name: str) -> bool:
        with self._lock:
            return self._drop(name)

    def select(self, model: str | None, metadata: Mapping[str, str]) -> list[Placed]:
        """The completions of a model and with all of the metadata, oldest first."""
        with self._lock:
            held = [(stored.place, stored.completion) for stored in self._stored.values()]
        return [
            (place, completion)
            for place, completion in held
            if model in (None, completion["model"])
            and all(completion["metadata"].get(name) == value for name, value in metadata.items())
        ]

    def _drop(self, name: str) -> bool:
        removed = self._stored.pop(name, None)
        self._count(-removed.size if removed else 0)
        return removed is not None

    def _drop_oldest(self) -> bool:
        if self._drop(next(iter(self._stored), "")):
            self._note_drop()
        elif self._places:
            self._places.popitem(last=False)
            self._count(-_PLACE)
        else:
            return False
        return True

    def _forget(self) -> None:
        self._stored.clear()
        self._places.clear()


def page(items: Sequence[Placed], after: int | None, limit: int, newest_first: bool) -> dict[str, Any]:
    """The API's list object of the items behind the place `after`, at most `limit`."""
    ordered = reversed(items) if newest_first else iter(items)
    behind = [item for place, item in ordered if after is None or (place < after if newest_first else place > after)]
    shown = behind[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(behind) > limit,
    }


def _echoed(request: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: request.get(name) for name in _ECHOED}
    echoed = {name: _ECHOED[name] if value is None else value for name, value in given.items()}
    return {**echoed, "input_user": request.get("user")}


def _message(name: str, message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    parts = None
    if isinstance(content, list):
        parts = [part for part in content if part["type"] in ("text", "image_url")]
        content = chat_request.content_text(content) or None
    always = {"id": name, "role": message["role"], "content": content, "name": message.get("name")}
    present = {member: message[member] for member in _OPTIONAL if message.get(member) is not None}
    return {**always, **present, "content_parts": parts}
