"""A bound on the bytes that several holders keep together."""

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
