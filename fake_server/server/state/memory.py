"""Bytes that several holders keep together, so that one bound can stand over all of them."""

from __future__ import annotations

import threading


class MemoryBudget:
    """How many bytes are held, of at most `most` (None: as many as there are); safe between threads."""

    def __init__(self, most: int | None = None) -> None:
        self._lock = threading.Lock()
        self._most, self.held = most, 0

    def add(self, size: int) -> None:
        """Count bytes that are held from now on; below 0 those that no longer are."""
        with self._lock:
            self.held += size

    @property
    def over(self) -> bool:
        """Whether more is held than may be."""
        return self._most is not None and self.held > self._most

    @property
    def eased(self) -> bool:
        """Whether so little is held that the next request need not make room again: 15 parts of 16."""
        return self._most is None or self.held <= self._most - self._most // 16
