"""One account of memory: what every space holds, in bytes by kind, and the bounds on it.

Requests, stored completions and counts for each key are evicted, the oldest first, where all spaces together
hold too much. Scripts, queued replies and faults are what a test relies on, and bodies in flight are needed
until their requests end: of these, what would be too much is refused.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, ClassVar

MIB = 1024 * 1024
REQUESTS, STORED, USES, SCRIPTS, FAULTS, IN_FLIGHT = "requests", "stored", "uses", "scripts", "faults", "in_flight"
CONNECTIONS = "connections"
KINDS = (REQUESTS, STORED, USES, SCRIPTS, FAULTS, IN_FLIGHT, CONNECTIONS)
"""`uses` are counts of scripts for each key or conversation; `in_flight` are bodies and replies under way;
`connections` are heads of requests under way, bodies that nobody has taken in, and what answers them."""
EVICTED = (REQUESTS, STORED, USES)
"""What may go to make room."""
MOST_ADDED, MOST_IN_FLIGHT, MOST_CONNECTIONS = 48 * MIB, 64 * MIB, 48 * MIB
"""Bytes of scripts, queued replies and faults, bytes in flight, and bytes of connections, in all spaces together."""
MOST_LASTING = 80 * MIB
"""Bytes beyond which nothing large is taken in flight beside scripts, queued replies and faults."""
LARGEST_ALONE = 72 * MIB
"""Bytes of a reply that fits beside no more than a megabyte: 2,048 embeddings of 1,536 numbers have 65 MiB."""
SMALL, SPARE = 64 * 1024, 16 * MIB
"""Bytes of a request or reply that is small: such fit in the spare room while large ones fill theirs."""

FIELD, UNDER_WAY, PIPELINED = 128, 32 * 1024, 4 * 1024
"""Bytes that a field of a head takes beside its own, those of a request under way, as a stream that pauses has them,
and those of one that waits for the replies before its own: measured, and rounded up."""


class StorageFull(ValueError):
    """What cannot be held, because nothing may be evicted for it; the message says what to do."""


class MemoryBudget:
    """How many bytes are held, of at most `most` (None: no bound); safe between threads.

    `kinds` holds the bytes by kind; `dropped` and `refused` count what was evicted and what was refused.
    """

    def __init__(self, most: int | None = None) -> None:
        self.lock = threading.Lock()
        self.most, self.held = most, 0
        self.kinds, self.dropped, self.refused = (dict.fromkeys(KINDS, 0) for _ in range(3))

    @property
    def may_evict(self) -> bool:
        """Whether more than 1/128 of the bound may go: to look for less at each request costs more than it brings."""
        return self.most is not None and sum([self.kinds[kind] for kind in EVICTED]) > self.most // 128

    @property
    def eased(self) -> bool:
        """Whether so little is held that the next request need not make room again: 15/16 of the bound."""
        return self.most is None or self.held <= self.most - self.most // 16

    def report(self) -> dict[str, Any]:
        """`{held, most, kinds, dropped, refused}`: bytes, and what was evicted and refused by kind."""
        with self.lock:
            return {
                "held": self.held,
                "most": self.most,
                "kinds": dict(self.kinds),
                "dropped": dict(self.dropped),
                "refused": dict(self.refused),
            }

    def reserve(self, size: int, *, large: bool) -> bool:
        """Count bytes in flight until `release`; False, and nothing is counted, where they do not fit."""
        with self.lock:
            held = self.kinds[IN_FLIGHT]
            lasting = held + self.kinds[SCRIPTS] + self.kinds[FAULTS]
            is_alone = held <= MIB and size <= LARGEST_ALONE
            if held + size > MOST_IN_FLIGHT + (0 if large else SPARE) and not is_alone:
                return False
            if large and lasting + size > MOST_LASTING:
                return False
            self.kinds[IN_FLIGHT] += size
            self.held += size
        return True

    def release(self, size: int) -> None:
        """Count bytes in flight no more."""
        with self.lock:
            self.kinds[IN_FLIGHT] -= size
            self.held -= size


class UnderWay:
    """What the requests of one connection hold until their replies have been sent; it counts in `budget`.

    `begin` and `hold` return False where there is no room.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._requests: deque[int] = deque()
        self._body = self._unread = self._counted = 0

    def begin(self, size: int, fields: int) -> bool:
        """Count a request with so many bytes and fields of a head, which is held as it came and as text."""
        self._requests.append(PIPELINED + 2 * (size + fields * FIELD))
        return self._count()

    def hold(self, *, body: int | None = None, unread: int | None = None) -> bool:
        """Count all bytes of a body that nobody has taken in, and of a reply that the client has not."""
        self._body = self._body if body is None else body
        self._unread = self._unread if unread is None else unread
        return self._count()

    def end(self) -> None:
        """Count the first request no more: its reply was sent."""
        if self._requests:
            self._requests.popleft()
        self._body = 0
        self._count()

    def release(self) -> None:
        """Count nothing more: the connection is lost."""
        self._requests.clear()
        self._body = self._unread = 0
        self._count()

    def _count(self) -> bool:
        """Count what there is by now; False where more does not fit. Large ones leave room for small ones."""
        size = sum(self._requests) + self._body + self._unread + (UNDER_WAY if self._requests else 0)
        more, budget = size - self._counted, self._budget
        with budget.lock:
            most = MOST_CONNECTIONS - (SPARE if size > SMALL else 0)
            if more > 0 and budget.kinds[CONNECTIONS] + more > most:
                return False
            budget.kinds[CONNECTIONS] += more
            budget.held += more
        self._counted = size
        return True


class Ledger:
    """The bytes that one space holds, by kind. They count in the budget of all spaces until `release`."""

    def __init__(self, budget: MemoryBudget | None = None) -> None:
        self.budget = budget or MemoryBudget()
        self.kinds = dict.fromkeys(KINDS, 0)
        self.lock = self.budget.lock

    def add(self, kind: str, size: int) -> None:
        """Count bytes that are held from now on; a negative size releases them."""
        with self.lock:
            budget = self.budget
            self.kinds[kind] += size
            budget.kinds[kind] += size
            budget.held += size

    def add_lasting(self, kind: str, size: int) -> None:
        """Count bytes that are never evicted. Raises StorageFull, and counts nothing, where they do not fit."""
        with self.lock:
            kinds = self.budget.kinds
            if size > 0 and kinds[SCRIPTS] + kinds[FAULTS] + size > MOST_ADDED:
                self.budget.refused[kind] += 1
                raise StorageFull(
                    f"scripts, queued replies and faults of all spaces take at most {MOST_ADDED // MIB} MiB, of which "
                    f"{(kinds[SCRIPTS] + kinds[FAULTS]) // MIB} are in use: remove some, reset, or forget spaces"
                )
        self.add(kind, size)

    def drop(self, kind: str) -> None:
        """Note that one thing of this kind was evicted."""
        with self.lock:
            self.budget.dropped[kind] += 1

    def release(self) -> None:
        """Count in no shared budget from now on: the space is evicted."""
        with self.lock:
            shared, self.budget = self.budget, MemoryBudget()
            for kind, size in self.kinds.items():
                shared.kinds[kind] -= size
                shared.held -= size
                self.budget.kinds[kind] = size


class Evicting:
    """Holds entries and evicts the oldest; safe to share between threads.

    What is held counts in `ledger` too; `dropped` counts evicted entries.
    """

    kind: ClassVar[str]

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._lock = threading.Lock()
        self._ledger = ledger or Ledger()
        self._held = self.dropped = 0

    def drop(self) -> bool:
        """Evict the oldest entry, and count it in `dropped`; False when there is none."""
        with self._lock:
            return self._drop_oldest()

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            self._forget()
            self._count(-self._held)
            self.dropped = 0

    def _count(self, size: int) -> None:
        self._held += size
        self._ledger.add(self.kind, size)

    def _note_drop(self) -> None:
        self.dropped += 1
        self._ledger.drop(self.kind)

    def _drop_oldest(self) -> bool:
        raise NotImplementedError

    def _forget(self) -> None:
        raise NotImplementedError
