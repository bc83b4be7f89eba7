"""Bounds on what a space holds, and on the bytes that all spaces hold together."""

from __future__ import annotations

import threading


class MemoryBudget:
    """How many bytes are held, of at most `most` (None: no bound); safe between threads."""

    def __init__(self, most: int | None = None) -> None:
        self.lock = threading.Lock()
        self.most, self.held = most, 0

    def add(self, size: int) -> None:
        """Count bytes that are held from now on; a negative size releases them."""
        with self.lock:
            self.held += size

    @property
    def eased(self) -> bool:
        """Whether so little is held that the next request need not make room again: 15/16 of the bound."""
        return self.most is None or self.held <= self.most - self.most // 16


class Evicting:
    """Holds entries and evicts the oldest; safe to share between threads.

    What is held counts in `budget` too, which several may share; `dropped` counts evicted entries.
    """

    def __init__(self, budget: MemoryBudget | None = None) -> None:
        self._lock = threading.Lock()
        self._budget = budget or MemoryBudget()
        self._held = self.dropped = 0

    def drop(self) -> bool:
        """Evict the oldest entry, and count it in `dropped`; False when there is none."""
        with self._lock:
            return self._drop_oldest()

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            self._forget()
            self._count(-self._held)
            self.dropped = 0

    def release(self) -> None:
        """Forget every entry, and count in no shared budget from now on: the space is evicted."""
        self.clear()
        with self._lock:
            self._budget.add(-self._held)
            self._budget = MemoryBudget()
            self._budget.add(self._held)

    def _count(self, size: int) -> None:
        self._held += size
        self._budget.add(size)

    def _drop_oldest(self) -> bool:
        raise NotImplementedError

    def _forget(self) -> None:
        raise NotImplementedError
