"""The search for a smaller exchange: the best so far, the question asked of candidates, and the limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from contract_tests.shrinking.editing import keep_slices
from contract_tests.shrinking.spans import Slice
from fake_server.wire.exchange import Exchange

Item = TypeVar("Item")

MAX_CALLS = 20_000
"""How many candidates are tried at most."""


class Exhausted(Exception):
    """The time or the number of calls is used up; the best exchange so far remains."""


class Search:
    """Holds the smallest exchange so far; `accepts` replaces it by a candidate that fails the same way.

    `fails` says whether a candidate still fails. After `seconds` or `max_calls` calls of it, `accepts` raises
    Exhausted.
    """

    def __init__(
        self,
        exchange: Exchange,
        fails: Callable[[Exchange], bool],
        seconds: float,
        max_calls: int = MAX_CALLS,
    ) -> None:
        self.best = exchange
        self.calls = 0
        self._fails = fails
        self._deadline = monotonic() + seconds
        self._max_calls = max_calls
        self._refused: set[int] = set()  # hashes, because the same candidates come again in every round

    def check_time(self) -> None:
        """Raise Exhausted if the time is used up: for loops that may go on without a candidate."""
        if monotonic() > self._deadline:
            raise Exhausted

    def accepts(self, candidate: Exchange) -> bool:
        """Whether the candidate fails the same way; if so it becomes the best. Raises Exhausted."""
        if candidate == self.best:
            return True
        number = hash(candidate)
        if number in self._refused:
            return False
        self.check_time()
        if self.calls >= self._max_calls:
            raise Exhausted
        self.calls += 1
        if self._fails(candidate):
            self.best = candidate
            return True
        self._refused.add(number)
        return False


def reduce(items: Sequence[Item], test: Callable[[list[Item]], bool], finest: int = 1) -> list[Item]:
    """The items that are needed: `test` holds for them, but not without any `finest` of them in a row.

    Delta debugging by complements (Zeller and Hildebrandt, 2002): ever smaller runs of items are left out,
    from the end, until none can be. `test` must hold for all items; it is not called with all of them.
    """
    needed = list(items)
    if not needed or test([]):
        return []
    size = max(finest, len(needed) // 2)
    while True:
        before = len(needed)
        stop = before
        while stop > 0:
            start = max(0, stop - size)
            candidate = needed[:start] + needed[stop:]
            if candidate and test(candidate):
                needed = candidate
            stop = start
        if size > finest:
            size = max(finest, size // 2)
        elif len(needed) == before:
            return needed


def reduce_slices(search: Search, slices: Sequence[Slice]) -> None:
    """Remove those of the slices of the body that the fault does not need."""
    best = search.best
    reduce(slices, lambda kept: search.accepts(keep_slices(best, slices, kept)))
