"""Faults in force: which of them strike a request, by condition, number and chance."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fake_server.faults import Fault, FaultError, NotPossible, parse
from fake_server.faults.base import hold_writes, size_of
from fake_server.faults.replies import Buckets, Quota
from fake_server.wire.budget import hold, once
from fake_server.wire.deep_size import deep_size
from fake_server.wire.delivery import Delivery

MOST, FRAME = 1000, 1024
"""Faults that are in force in one space at most, and bytes that each takes beside what is written of it."""


@dataclass
class ActiveFault:
    """A fault in force: it strikes requests that pass `when`, at most `times` of them.

    `struck` counts its strikes, `buckets` hold what is left of a quota, `written` is how it was asked for and
    `of_bug` tells whether it came with a bug of the catalogue. `size` is in bytes, while it is in force.
    """

    name: str
    fault: Fault
    when: Callable[[Any], bool] | None = None
    times: int | None = None
    struck: int = 0
    buckets: Buckets | None = None
    written: Mapping[str, Any] = field(default_factory=dict)
    of_bug: bool = False
    size: int = 0


class ActiveFaults:
    """The faults in force in one space; safe to share between threads. `seed` decides chances.

    `count_bytes` is told how many bytes they take more, or less; it raises ValueError where they would take too many.
    """

    def __init__(self, seed: int = 0, count_bytes: Callable[[int], None] = lambda _: None) -> None:
        self._seed, self._count_bytes = seed, count_bytes
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._draws = count()
        self.current: tuple[ActiveFault, ...] = ()

    def add(
        self, item: Mapping[str, Any], when: Callable[[Any], bool] | None = None, times: int | None = None
    ) -> ActiveFault:
        """Put a fault in force that is written as `{fault: NAME, …}`. Raises FaultError."""
        return self.activate(ActiveFault("", parse(item), when, times, written=dict(item)))

    def activate(self, active: ActiveFault) -> ActiveFault:
        """Put a fault in force; without a name it gets its own. Raises FaultError, and what `count_bytes` raises."""
        if len(self.current) >= MOST:
            raise FaultError(f"at most {MOST} faults are in force at once: remove some, or reset")
        if isinstance(active.fault, Quota):
            active.buckets = Buckets(active.fault, time.monotonic)
        active.name = active.name or f"{active.fault.fault} {next(self._numbers)}"
        active.size = deep_size([active.fault, active.when, active.written]) + FRAME
        with self._lock:
            self._count_bytes(active.size)
            self.current = (*self.current, active)
        return active

    def remove(self, name: str | None = None) -> int:
        """Lift the faults of this name, or all of them; returns how many there were."""
        with self._lock:
            others = () if name is None else tuple(active for active in self.current if active.name != name)
            freed = sum(active.size for active in self.current) - sum(active.size for active in others)
            removed, self.current = len(self.current) - len(others), others
            self._count_bytes(-freed)
        return removed

    def strike(self, request: Any, kind: type[Fault] | None = None) -> list[ActiveFault]:
        """The faults that strike this request, in order; each strike is counted.

        Those of `kind`, or without it all that are about the reply itself.
        """
        struck = []
        with self._lock:
            met = [active for active in self.current if self._is_met(active, request, kind)]
            for active in met:  # only now: the conditions may be too much for the event loop, and be tried again
                if self.draw(active.fault):
                    active.struck += 1
                    struck.append(active)
        return struck

    @staticmethod
    def _is_met(active: ActiveFault, request: Any, kind: type[Fault] | None) -> bool:
        """Whether the request meets the conditions of a fault of this kind."""
        if active.fault.for_browsers if kind is None else not isinstance(active.fault, kind):
            return False
        if active.times is not None and active.struck >= active.times:
            return False
        return active.when is None or (request is not None and active.when(request))

    def draw(self, fault: Fault) -> bool:
        """Whether the fault's probability lets it strike now: decided by the seed and the number of draws."""
        if fault.probability >= 1:
            return True
        text = f"{self._seed}/{next(self._draws)}/{fault.fault}".encode()
        number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
        return number / 2**64 < fault.probability


def apply_faults(delivery: Delivery, faults: Iterable[Fault]) -> tuple[Delivery, tuple[str, ...]]:
    """The delivery with the faults, and a note on each for the journal.

    Faults in how bytes leave come after all others. One that this reply cannot have is skipped, and its note
    says why.
    """
    notes = []
    delivery = delivery.but(writes=once(lambda: hold_writes(delivery.writes)))
    size = size_of(delivery)
    for fault in sorted(faults, key=lambda fault: fault.applied_last):
        if isinstance(fault, Quota):
            continue
        try:
            delivery = fault.apply(delivery)
            notes.append(fault.fault)
        except NotPossible as error:
            notes.append(f"{fault.fault}: not possible, {error}")
        grown = size_of(delivery)
        hold(max(grown - size, 0), "its reply, which faults make larger,")
        size = grown
    return delivery, tuple(notes)
