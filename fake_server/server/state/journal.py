"""What was asked and what was answered: a bounded list of entries, credentials taken out."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fake_server.server.state.memory import MemoryBudget

REDACTED = "<redacted>"
MOST_KEPT = 256 * 1024
"""Bytes of one reply that are kept."""
FRAME = 1024
"""Bytes that an entry takes beside what was sent, a little more than measured."""
_SECRET = re.compile(r"authorization|api-?key|token|secret|password|cookie|subscription-key")


@dataclass
class JournalEntry:
    """One request and its reply.

    `path` is without query. `status` is None until the reply begins, `script` is the name of the script that
    answered, None without one. `began` is in seconds since 1970; `first` and `seconds` are from then to the
    head of the reply and to its end, None until they come. `faults` names what was broken on purpose.
    `counted` is the size the journal knows of, None once the entry has left it.
    """

    method: str
    path: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""
    status: int | None = None
    space: str = ""
    script: str | None = None
    faults: tuple[str, ...] = ()
    began: float = field(default_factory=time.time)
    first: float | None = None
    seconds: float | None = None
    counted: int | None = field(default=None, repr=False)
    _pieces: list[bytes] = field(default_factory=list, repr=False)
    _size: int = 0
    _clock: float = field(default_factory=time.perf_counter, repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request's headers, names in lower case; values of credentials read `<redacted>`."""
        return tuple(
            (name, REDACTED if _SECRET.search(name) else value) for name, value in self.fields.items()
        )

    def header(self, name: str) -> str | None:
        """The value of a header, None when absent."""
        return dict(self.headers).get(name.lower())

    @property
    def reply(self) -> bytes:
        """The body of the reply as far as it was sent, at most its first `MOST_KEPT` bytes."""
        return b"".join(self._pieces)[:MOST_KEPT]

    @property
    def sent_bytes(self) -> int:
        """Bytes of the reply's body that were sent."""
        return self._size

    @property
    def size(self) -> int:
        """Bytes held."""
        return FRAME + self._head + len(self.body) + min(self._size, MOST_KEPT)

    @cached_property
    def _head(self) -> int:
        return len(self.path) + sum([len(name) + len(value) for name, value in self.fields.items()])

    def answered(self, status: int) -> None:
        """Note that the reply begins."""
        self.status, self.first = status, time.perf_counter() - self._clock

    def sent(self, piece: bytes) -> None:
        """Note bytes of the reply's body."""
        if self._size < MOST_KEPT:
            self._pieces.append(piece)
        self._size += len(piece)

    def ended(self) -> None:
        """Note that nothing more is sent."""
        self.seconds = time.perf_counter() - self._clock


class Journal:
    """The last `entries` requests, at most `size` bytes of them; safe to share between threads.

    What is held counts in `holding` too, which journals may share.
    """

    def __init__(
        self, entries: int = 1000, size: int = 64 * 1024 * 1024, holding: MemoryBudget | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._entries: deque[JournalEntry] = deque()
        self._most, self._size, self._held = entries, size, 0
        self._holding = MemoryBudget() if holding is None else holding
        self.dropped = 0

    def add(self, entry: JournalEntry) -> None:
        """Keep an entry; the oldest leave when there are too many, and are counted in `dropped`."""
        with self._lock:
            entry.counted = entry.size
            self._entries.append(entry)
            self._count(entry.counted)
            self._trim()

    def grown(self, entry: JournalEntry) -> None:
        """Count what an entry holds by now."""
        with self._lock:
            if entry.counted is not None:
                size = entry.size
                self._count(size - entry.counted)
                entry.counted = size
                self._trim()

    def entries(self) -> tuple[JournalEntry, ...]:
        """Every entry kept, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def drop(self) -> bool:
        """Let the oldest entry leave, and count it in `dropped`; False when there is none."""
        with self._lock:
            return self._drop()

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            for entry in self._entries:
                entry.counted = None
            self._entries.clear()
            self._count(-self._held)
            self.dropped = 0

    def part(self) -> None:
        """Forget every entry, and count in no shared holding from now on."""
        self.clear()
        with self._lock:
            self._holding.add(-self._held)
            self._holding = MemoryBudget()
            self._holding.add(self._held)

    def _count(self, size: int) -> None:
        self._held += size
        self._holding.add(size)

    def _drop(self) -> bool:
        if not self._entries:
            return False
        gone = self._entries.popleft()
        self._count(-(gone.counted or 0))
        gone.counted = None
        self.dropped += 1
        return True

    def _trim(self) -> None:
        while len(self._entries) > self._most or (self._held > self._size and len(self._entries) > 1):
            self._drop()
