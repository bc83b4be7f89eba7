"""The clock of redaction: its work is in proportion to the bytes, which whoever made the recording chose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import TypeVar

Item = TypeVar("Item")

_until: ContextVar[float] = ContextVar("until", default=inf)
_LOOK = 0xFFF
"""Items between two looks at the clock, as a mask: a few milliseconds of work."""


class OutOfTime(Exception):
    """The time for redaction is up."""


@contextmanager
def redacting_until(deadline: float) -> Iterator[None]:
    """Let `redact`, `scan` and what uses them raise OutOfTime once `monotonic()` is beyond the deadline."""
    token = _until.set(min(deadline, _until.get()))
    try:
        yield
    finally:
        _until.reset(token)


def check_clock() -> None:
    """Raises OutOfTime where the time is up."""
    if monotonic() > _until.get():
        raise OutOfTime


def in_time(items: Iterable[Item]) -> Iterator[Item]:
    """The items, until the time is up. Raises OutOfTime."""
    for number, item in enumerate(items):
        if not number & _LOOK:
            check_clock()
        yield item
