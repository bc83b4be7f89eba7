"""The search for a smaller exchange: one best so far, the question asked of candidates, and its bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from fake_server.wire.exchange import Exchange

Item = TypeVar("Item")

MAX_CALLS = 20_000
"""Candidates that are judged at most."""


class Exhausted(Exception):
    """The time or the number of calls is used up; what was found so far stands."""


class Search:
    """Holds the smallest exchange found; `accepts` puts a candidate in its place if it fails the same way.

    `fails` says whether a candidate still fails. After `seconds` or `max_calls` a question raises Exhausted.
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
        self._refused: set[int] = set()  # by hash: candidates come again in every round

    def accepts(self, candidate: Exchange) -> bool:
        """Whether the candidate fails the same way; it is then the best. Raises Exhausted."""
        if candidate == self.best:
            return True
        number = hash(candidate)
        if number in self._refused:
            return False
        if self.calls >= self._max_calls or monotonic() > self._deadline:
            raise Exhausted
        self.calls += 1
        if self._fails(candidate):
            self.best = candidate
            return True
        self._refused.add(number)
        return False


def reduce(items: Sequence[Item], test: Callable[[list[Item]], bool], finest: int = 1) -> list[Item]:
    """The items that are needed: `test` holds for them, and for no list that lacks `finest` of them in a row.

    Delta debugging by complements (Zeller and Hildebrandt, 2002): ever smaller runs are left out, the last
    first, until none can be. `test` holds for all items and is not asked about them.
    """
    kept = list(items)
    if not kept or test([]):
        return []
    size = max(finest, len(kept) // 2)
    while True:
        before = len(kept)
        stop = before
        while stop > 0:
            start = max(0, stop - size)
            candidate = kept[:start] + kept[stop:]
            if candidate and test(candidate):
                kept = candidate
            stop = start
        if size > finest:
            size = max(finest, size // 2)
        elif len(kept) == before:
            return kept
