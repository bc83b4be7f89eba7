"""Responses that are stored: the object, the items that were its input, and how far one in the background is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fake_server.api.render.style import Style
from fake_server.server.state.memory import STORED, Evicting, Ledger
from fake_server.wire.deep_size import deep_size

MOST, MOST_BYTES = 1000, 64 * 1024 * 1024
"""Responses, and bytes of them with their input, that are held at most."""
QUEUED, WORKED = 0.5, 1.0
"""Seconds that a response in the background waits and is worked for, if its script says nothing else."""
_PLACE = 200
"""Bytes that the place of an item takes among all that can be referred to."""


@dataclass(frozen=True)
class Saved:
    """A response as it is in the end, and the items of its own input, which have ids.

    `style` is how it was or would have been streamed, so that events have the same numbers again. `conversation`
    is the id of the one it belongs to, `place` that of the last item there before it. `began` is the time of the
    space's clock at which it was queued in the background, None where it was not; it is worked for from `QUEUED`
    seconds later on, for `seconds`.
    """

    response: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]
    style: Style = Style.PLAIN
    conversation: str | None = None
    place: int = 0
    began: float | None = None
    seconds: float = WORKED
    size: int = field(init=False)

    def __post_init__(self) -> None:
        size = deep_size([self.response, self.items]) + _PLACE * (1 + len(self.all_items))
        object.__setattr__(self, "size", size)

    @property
    def all_items(self) -> tuple[Mapping[str, Any], ...]:
        """Its input and then its output."""
        return (*self.items, *self.response["output"])

    def left(self, now: float) -> float:
        """Seconds until it is as it is in the end."""
        if self.began is None or self.response["status"] == "cancelled":
            return 0.0
        return max(_to_micros(self.began + QUEUED + self.seconds - now), 0.0)

    def waits(self, now: float) -> bool:
        """Whether it is still queued in the background."""
        return self.began is not None and _to_micros(self.began + QUEUED - now) > 0


def _to_micros(seconds: float) -> float:
    """Seconds to the microsecond: 0.6, 0.8 and 0.1 that a test adds to a clock are not always 1.5 in all."""
    return round(seconds, 6)


class ResponseStore(Evicting):
    """The last MOST stored responses, in the order they were made."""

    kind = STORED

    def __init__(self, ledger: Ledger | None = None) -> None:
        super().__init__(ledger)
        self._saved: OrderedDict[str, Saved] = OrderedDict()
        self._items: dict[str, Mapping[str, Any]] = {}
        self._unfinished: OrderedDict[str, Saved] = OrderedDict()

    def save(self, saved: Saved) -> None:
        """Save a response; the oldest are evicted."""
        with self._lock:
            name = str(saved.response["id"])
            self._drop(name)
            self._put(name, saved)
            if saved.began is not None and saved.conversation is not None:
                self._unfinished[name] = saved
            while len(self._saved) > MOST or (self._held > MOST_BYTES and len(self._saved) > 1):
                self._drop_oldest()

    def get(self, name: str) -> Saved | None:
        """The response of this id; None where none is stored."""
        with self._lock:
            return self._saved.get(name)

    def delete(self, name: str) -> bool:
        """Forget a response; False where none is stored."""
        with self._lock:
            return self._drop(name)

    def cancel(self, name: str, now: float, cancelled: Mapping[str, Any]) -> Saved | None:
        """Put `cancelled` for a response in the background; one that has ended stays. None where none is stored."""
        with self._lock:
            saved = self._saved.get(name)
            if saved is None or not saved.left(now):
                return saved
            self._drop(name)
            saved = replace(saved, response=cancelled)
            self._put(name, saved)
            return saved

    def find_item(self, name: str) -> Mapping[str, Any] | None:
        """An item of the input or output of a stored response."""
        with self._lock:
            return self._items.get(name)

    def take_finished(self, now: float) -> list[Saved]:
        """The responses in the background that have ended since, and whose conversation is to have their items."""
        with self._lock:
            finished = [saved for saved in self._unfinished.values() if not saved.left(now)]
            for saved in finished:
                del self._unfinished[saved.response["id"]]
            return finished

    def _put(self, name: str, saved: Saved) -> None:
        self._saved[name] = saved
        self._count(saved.size)
        self._items |= {item["id"]: item for item in saved.all_items if isinstance(item.get("id"), str)}

    def _drop(self, name: str) -> bool:
        removed = self._saved.pop(name, None)
        if removed is None:
            return False
        self._unfinished.pop(name, None)
        self._count(-removed.size)
        for item in removed.all_items:
            known = item.get("id")
            if isinstance(known, str) and self._items.get(known) is item:
                del self._items[known]
        return True

    def _drop_oldest(self) -> bool:
        dropped = self._drop(next(iter(self._saved), ""))
        if dropped:
            self._note_drop()
        return dropped

    def _forget(self) -> None:
        self._saved.clear()
        self._items.clear()
        self._unfinished.clear()
