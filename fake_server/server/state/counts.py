"""What one server has answered, counted for its metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict

from fake_server.api.request import endpoint_of
from fake_server.server.state.journal import JournalEntry

ENDPOINTS = ("chat/completions", "completions", "embeddings", "moderations", "models")
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)
"""Upper bounds of the histogram's buckets, in seconds; slower requests are in a last one."""


class Counts:
    """What one server has answered, for its metrics; its event loop is the only one to count."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.buckets: dict[str, list[int]] = {}

    def count(self, entry: JournalEntry) -> None:
        """Count a request whose reply has ended."""
        path = endpoint_of(entry.path)
        endpoint = path if path in ENDPOINTS else _endpoint_above(path)
        self.requests[endpoint, str(entry.status), "script" if entry.script else "server"] += 1
        seconds = entry.seconds or 0.0
        buckets = self.buckets.setdefault(endpoint, [0] * (len(BOUNDS) + 1))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds[endpoint] += seconds
        self.bytes[endpoint] += entry.sent_bytes
        for name in entry.faults:
            self.faults[name.partition(":")[0]] += 1


def _endpoint_above(path: str) -> str:
    """The endpoint that this path is below; `other` where it is below none."""
    return next((endpoint for endpoint in ENDPOINTS if path.startswith(f"{endpoint}/")), "other")
