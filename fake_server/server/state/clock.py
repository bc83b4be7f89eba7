"""The time of a space, by which responses are worked for in the background: tests stop and advance it."""

from __future__ import annotations

import threading
import time


class Clock:
    """Seconds that pass as everywhere, or only when they are told to; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = 0.0
        self._stopped_at: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether time stands still until it is advanced."""
        return self._stopped_at is not None

    def now(self) -> float:
        """Seconds since some moment in the past."""
        with self._lock:
            return self._now()

    def stop(self) -> None:
        """Let no time pass but what `advance` adds."""
        with self._lock:
            self._stopped_at = self._now()

    def run(self) -> None:
        """Let time pass again, from where it stands."""
        with self._lock:
            self._ahead, self._stopped_at = self._now() - time.monotonic(), None

    def advance(self, seconds: float) -> None:
        """Add seconds. Raises ValueError for less than 0: time does not go back."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"a clock is advanced by 0 seconds or more, not by {seconds}")
        with self._lock:
            if self._stopped_at is None:
                self._ahead += seconds
            else:
                self._stopped_at += seconds

    def _now(self) -> float:
        return time.monotonic() + self._ahead if self._stopped_at is None else self._stopped_at
