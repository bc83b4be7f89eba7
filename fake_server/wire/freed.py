"""Memory that is free, but that the C library keeps: it goes back to the system now and then.

Without it a server holds the most that it ever held in every arena: of patterns that had been dropped, 180 of 190 MiB.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache

_EVERY = 1.0
"""Seconds between two times."""
_last = 0.0


def give_back(*, at_once: bool = False) -> None:
    """Give it back, at most once a second or `at_once`; only glibc keeps it. Other threads go on meanwhile."""
    global _last
    now = time.monotonic()
    if at_once or now - _last >= _EVERY:
        _last = now
        _find_trim()(0)


@cache
def _find_trim() -> Callable[[int], object]:
    if sys.platform == "linux":
        import ctypes  # the first request that costs much takes its milliseconds

        trim: Callable[[int], object] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            return trim
    return lambda _: None
