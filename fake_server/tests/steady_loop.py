"""An event loop whose clock stands still while the machine is busy with other programs.

A test that keeps a whole exchange on one loop (client, relay and target) can then use bounds of a fraction
of a second: however late the process gets its turn, no timer runs out before the bytes that were under way
have been read.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Selector(selectors.DefaultSelector):
    """Adds up the seconds it waited: never more than it was asked to, however late it was woken."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        events = super().select(timeout)
        late = time.monotonic() - began
        self.waited += late if timeout is None else min(late, max(timeout, 0.0))
        return events


class SteadyLoop(asyncio.SelectorEventLoop):
    """Counts the seconds it waits for something and those its own thread works."""

    def __init__(self) -> None:
        self._steady = _Selector()
        super().__init__(self._steady)

    def time(self) -> float:
        return self._steady.waited + time.thread_time()


def run_steadily(main: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` on a SteadyLoop."""
    with asyncio.Runner(loop_factory=SteadyLoop) as runner:
        return runner.run(main)
