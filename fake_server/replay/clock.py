"""How recorded pauses pass: on the real clock or one that only notes them, as slowly as recorded or faster."""

from __future__ import annotations

import time


class Clock:
    """The real clock, for threads and for asyncio and trio."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        import anyio  # imported here because most replays never pause

        await anyio.sleep(seconds)


class VirtualClock(Clock):
    """A clock on which pauses take no time; `slept` lists them in seconds, in order."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def asleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Pace:
    """How fast recordings play: `speed` divides their pauses (1: as recorded, 0: none), which pass on `clock`.

    Raises ValueError for a negative or infinite speed.
    """

    def __init__(self, speed: float = 1.0, clock: Clock | None = None) -> None:
        if not 0 <= speed < float("inf"):
            raise ValueError(f"the speed must be 0 (no pauses) or greater, not {speed:g}")
        self.clock = clock or Clock()
        self._speed = speed

    def scale(self, pause: float) -> float:
        """The seconds that a recorded pause takes."""
        return pause / self._speed if self._speed else 0.0
