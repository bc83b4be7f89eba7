"""Clocks for recorded pauses: the real one, and one that only notes them."""

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


def check_speed(speed: float) -> float:
    """Return a valid `speed`: 1 is as recorded, 2 twice as fast, 0 without pauses. Raises ValueError."""
    if not 0 <= speed < float("inf"):
        raise ValueError(f"the speed must be 0 (no pauses) or greater, not {speed:g}")
    return speed


def scale_pause(pause: float, speed: float) -> float:
    """The seconds that a recorded pause takes at this speed."""
    return pause / speed if speed else 0.0
