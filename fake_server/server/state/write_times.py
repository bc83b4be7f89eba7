"""When the bytes of one reply were sent, in bounded memory."""

from __future__ import annotations

from array import array

MOST_WRITES = 256
"""Writes of a reply whose time and size are held; where there are more, each stands for two, four and so on."""


class WriteTimes:
    """When the bytes of a reply's body were sent, in seconds since its request came, and how many."""

    def __init__(self, at: float, size: int) -> None:
        self._numbers = array("d", (at, size))
        self._stride = self._in_last = 1

    @property
    def pairs(self) -> list[tuple[float, int]]:
        """Seconds and bytes of each write, or of the first of the several that it stands for."""
        return [(at, int(size)) for at, size in zip(self._numbers[::2], self._numbers[1::2], strict=True)]

    @property
    def held(self) -> int:
        """Bytes held."""
        return 8 * len(self._numbers)

    def add(self, at: float, size: int) -> None:
        """Note a write."""
        numbers = self._numbers
        if self._in_last < self._stride:
            numbers[-1] += size
            self._in_last += 1
            return
        if len(numbers) >= 2 * MOST_WRITES:
            pairs = zip(numbers[::4], numbers[1::4], numbers[3::4], strict=True)
            numbers = self._numbers = array("d", [value for at, size, more in pairs for value in (at, size + more)])
            self._stride *= 2
        numbers.extend((at, size))
        self._in_last = 1
