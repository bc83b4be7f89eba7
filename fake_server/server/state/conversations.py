"""Conversations: their metadata, and their items in the order they were added."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_server.server.state.completions import Placed
from fake_server.server.state.memory import STORED, Evicting, Ledger
from fake_server.wire.deep_size import deep_size

MOST, MOST_BYTES = 1000, 64 * 1024 * 1024
"""Conversations, and bytes of them, that are held at most."""
_PLACE = 300
"""Bytes that an item takes beside itself; its place is held also after it was deleted."""


@dataclass
class _Conversation:
    """`items` has None for an item that was deleted, whose place still says where a page begins."""

    whole: Mapping[str, Any]
    size: int
    items: OrderedDict[str, tuple[int, Mapping[str, Any] | None, int]] = field(default_factory=OrderedDict)


class ConversationStore(Evicting):
    """The last MOST conversations that were made or added to; the others are evicted with their items."""

    kind = STORED

    def __init__(self, ledger: Ledger | None = None) -> None:
        super().__init__(ledger)
        self._held_by_id: OrderedDict[str, _Conversation] = OrderedDict()
        self._added = 0

    def save(self, conversation: Mapping[str, Any], items: Iterable[Mapping[str, Any]] = ()) -> None:
        """Save a new conversation, the object as the API gives it, with its first items, which have ids."""
        size = deep_size(conversation)
        with self._lock:
            name = str(conversation["id"])
            self._held_by_id[name] = _Conversation(conversation, size)
            self._count(size)
            self._extend(name, items)

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The conversation as the API gives it; None for an unknown one."""
        with self._lock:
            held = self._held_by_id.get(name)
            return None if held is None else held.whole

    def update(self, name: str, metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Give a conversation other metadata; None for an unknown one."""
        with self._lock:
            held = self._held_by_id.get(name)
            if held is None:
                return None
            held.whole = {**held.whole, "metadata": dict(metadata)}
            size = deep_size(held.whole)
            self._count(size - held.size)
            held.size = size
            return held.whole

    def delete(self, name: str) -> bool:
        """Forget a conversation and its items; False for an unknown one."""
        with self._lock:
            return self._drop(name)

    def add(self, name: str, items: Iterable[Mapping[str, Any]]) -> bool:
        """Add items, which have ids, behind the others; one that is there stays as it is. False: no conversation."""
        with self._lock:
            return name in self._held_by_id and self._extend(name, items)

    def items(self, name: str, *, until: int | None = None) -> list[Placed] | None:
        """The items with their places, the oldest first, those with a place up to `until`; None: no conversation."""
        with self._lock:
            held = self._held_by_id.get(name)
            if held is None:
                return None
            return [
                (place, item)
                for place, item, _ in held.items.values()
                if item is not None and (until is None or place <= until)
            ]

    def item(self, name: str, item: str) -> Mapping[str, Any] | None:
        """One item; None where there is none, or no conversation."""
        with self._lock:
            held = self._held_by_id.get(name)
            return None if held is None else held.items.get(item, (0, None, 0))[1]

    def place(self, name: str, item: str) -> int | None:
        """Where in the list an item is, or was before it was deleted; None for one that was never there."""
        with self._lock:
            held = self._held_by_id.get(name)
            return held.items[item][0] if held is not None and item in held.items else None

    def last_place(self, name: str) -> int:
        """The place of the item that was added last, 0 where there is none."""
        with self._lock:
            held = self._held_by_id.get(name)
            return held.items[next(reversed(held.items))][0] if held is not None and held.items else 0

    def delete_item(self, name: str, item: str) -> bool:
        """Forget an item; False where there is none."""
        with self._lock:
            held = self._held_by_id.get(name)
            place, whole, size = (0, None, 0) if held is None else held.items.get(item, (0, None, 0))
            if held is None or whole is None:
                return False
            held.items[item] = (place, None, _PLACE)
            self._count(_PLACE - size)
            return True

    def _extend(self, name: str, items: Iterable[Mapping[str, Any]]) -> bool:
        held = self._held_by_id[name]
        for item in items:
            known = held.items.get(item["id"])
            if known is not None and known[1] is not None:
                continue
            self._added += 1
            size = deep_size(item) + _PLACE
            self._count(size - (known[2] if known else 0))
            held.items[item["id"]] = (self._added, item, size)
            held.items.move_to_end(item["id"])
        self._held_by_id.move_to_end(name)
        self._trim(held)
        return True

    def _trim(self, newest: _Conversation) -> None:
        while len(self._held_by_id) > MOST or (self._held > MOST_BYTES and len(self._held_by_id) > 1):
            self._drop_oldest()
        while self._held > MOST_BYTES and len(newest.items) > 1:
            self._count(-newest.items.popitem(last=False)[1][2])

    def _drop(self, name: str) -> bool:
        removed = self._held_by_id.pop(name, None)
        if removed is None:
            return False
        self._count(-removed.size - sum(size for _, _, size in removed.items.values()))
        return True

    def _drop_oldest(self) -> bool:
        dropped = self._drop(next(iter(self._held_by_id), ""))
        if dropped:
            self._note_drop()
        return dropped

    def _forget(self) -> None:
        self._held_by_id.clear()
