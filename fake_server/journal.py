"""What was asked and what was answered: a bounded list of entries, credentials taken out."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

REDACTED = "<redacted>"
_SECRET = re.compile(r"authorization|api-?key|token|secret|password|cookie|subscription-key")


@dataclass
class Entry:
    """One request and its reply's status; `status` is None until the reply begins.

    Header names are in lower case; values of credentials read `<redacted>`. `path` is without query.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    status: int | None = None

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def header(self, name: str) -> str | None:
        """The first value of a header, None when absent."""
        return next((value for key, value in self.headers if key == name.lower()), None)


class Journal:
    """The last `entries` requests, at most `size` bytes of bodies; safe to share between threads."""

    def __init__(self, entries: int = 1000, size: int = 64 * 1024 * 1024) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque()
        self._most, self._size, self._held = entries, size, 0

    def add(self, entry: Entry) -> None:
        """Keep an entry; the oldest leave when there are too many."""
        with self._lock:
            self._entries.append(entry)
            self._held += len(entry.body)
            self._trim()

    def set_body(self, entry: Entry, body: bytes) -> None:
        """Give an entry its body once it is read."""
        with self._lock:
            if any(one is entry for one in reversed(self._entries)):
                self._held += len(body) - len(entry.body)
                entry.body = body
                self._trim()

    def entries(self) -> tuple[Entry, ...]:
        """Every entry kept, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            self._entries.clear()
            self._held = 0

    def _trim(self) -> None:
        while len(self._entries) > self._most or (self._held > self._size and len(self._entries) > 1):
            self._held -= len(self._entries.popleft().body)


def readable(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """ASGI headers as text, credentials redacted."""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
    return tuple((name, REDACTED if _SECRET.search(name) else value) for name, value in pairs)
