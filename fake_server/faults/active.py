"""Faults in force: which of them strike a request, by condition, number and chance."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fake_server.faults import Fault, FaultError, NotPossible, parse
from fake_server.faults.quotas import Buckets
from fake_server.faults.replies import Quota
from fake_server.wire.delivery import Delivery

MOST = 1000


@dataclass
class Armed:
    """A fault that waits for requests: for those `when` says yes to, at most `times` of them."""

    name: str
    fault: Fault
    when: Callable[[Any], bool] | None = None
    times: int | None = None
    struck: int = 0
    buckets: Buckets | None = None
    written: Mapping[str, Any] = field(default_factory=dict)


class Faults:
    """The faults in force in one space; safe to share between threads."""

    def __init__(self, seed: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seed, self._clock = seed, clock
        self._lock = threading.Lock()
        self._armed: tuple[Armed, ...] = ()
        self._numbers = count(1)
        self._draws = count()

    def __iter__(self) -> Any:
        return iter(self._armed)

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(
        self, item: Mapping[str, Any], when: Callable[[Any], bool] | None = None, times: int | None = None
    ) -> Armed:
        """Put a fault in force. Raises FaultError."""
        return self.arm(parse(item), dict(item), when, times)

    def arm(
        self,
        fault: Fault,
        written: Mapping[str, Any],
        when: Callable[[Any], bool] | None = None,
        times: int | None = None,
        name: str = "",
    ) -> Armed:
        """Put a fault in force under a name; without one it gets its own. Raises FaultError."""
        if len(self._armed) >= MOST:
            raise FaultError(f"at most {MOST} faults are in force at once: remove some, or reset")
        buckets = Buckets(fault, self._clock) if isinstance(fault, Quota) else None
        name = name or f"{fault.fault} {next(self._numbers)}"
        armed = Armed(name, fault, when, times, 0, buckets, written)
        with self._lock:
            self._armed = (*self._armed, armed)
        return armed

    def remove(self, name: str | None = None) -> int:
        """Lift a fault, or all of them; says how many."""
        with self._lock:
            kept = () if name is None else tuple(one for one in self._armed if one.name != name)
            gone, self._armed = len(self._armed) - len(kept), kept
        return gone

    def striking(self, asking: Any, kinds: type[Fault] | None = None) -> list[Armed]:
        """The faults that strike this request, all about replies or those of `kinds`; each is counted."""
        struck = []
        with self._lock:
            for one in self._armed:
                if one.fault.pages if kinds is None else not isinstance(one.fault, kinds):
                    continue
                if one.times is not None and one.struck >= one.times:
                    continue
                if one.when is not None and (asking is None or not one.when(asking)):
                    continue
                if not self.drawn(one.fault):
                    continue
                one.struck += 1
                struck.append(one)
        return struck

    def drawn(self, fault: Fault) -> bool:
        """Whether chance, by the seed and the number of the draw, lets the fault strike."""
        if fault.probability >= 1:
            return True
        text = f"{self._seed}/{next(self._draws)}/{fault.fault}".encode()
        number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
        return number / 2**64 < fault.probability


def broken(delivery: Delivery, faults: Iterable[Fault]) -> tuple[Delivery, tuple[str, ...]]:
    """The delivery with the faults, those about leaving after the others; and what was done, for the journal.

    A fault that the reply cannot have is left out, and the note says why.
    """
    given: Sequence[Fault] = list(faults)
    notes = []
    delivery = delivery.but(writes=tuple(delivery.writes))
    for fault in sorted(given, key=lambda one: one.last):
        if isinstance(fault, Quota):
            continue
        try:
            delivery = fault.apply(delivery)
            notes.append(fault.fault)
        except NotPossible as error:
            notes.append(f"{fault.fault}: not possible, {error}")
    return delivery, tuple(notes)
