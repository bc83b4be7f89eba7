"""Whether work takes time in proportion."""

from __future__ import annotations

import time
from collections.abc import Callable

SIZE = 60_000


Work = Callable[[], object]


def seconds(work: Work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def assert_in_proportion(of_size: Callable[[int], Work], size: int = SIZE) -> None:
    """Four times as much takes about four times as long; what is squared takes sixteen times."""
    assert seconds(of_size(4 * size)) < 9 * seconds(of_size(size)) + 0.1
