"""What a server has done, as Prometheus metrics.

Requests only add to plain counters; the metrics are made from them when Prometheus scrapes, so that neither
requests nor the start of the server wait for its library.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from fake_server.api.request import endpoint_of
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.memory import MemoryBudget

ENDPOINTS = ("chat/completions", "completions", "embeddings", "moderations", "models")
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)
"""Upper bounds of the histogram's buckets, in seconds; slower requests are in a last one."""


class Metrics:
    """The metrics of one server; its event loop is the only one to count."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._faults: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: dict[str, list[int]] = {}

    def count(self, entry: JournalEntry) -> None:
        """Count a request whose reply has ended."""
        path = endpoint_of(entry.path)
        endpoint = path if path in ENDPOINTS else _endpoint_above(path)
        self._requests[endpoint, str(entry.status), "script" if entry.script else "server"] += 1
        seconds = entry.seconds or 0.0
        buckets = self._buckets.setdefault(endpoint, [0] * (len(BOUNDS) + 1))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[endpoint] += seconds
        self._bytes[endpoint] += entry.sent_bytes
        for name in entry.faults:
            self._faults[name.partition(":")[0]] += 1

    def text(self, budget: MemoryBudget) -> bytes:
        """The text format that Prometheus reads, with what is held by `budget`."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        registry.register(_Memory(budget))
        return generate_latest(registry)

    def collect(self) -> Iterator[Any]:
        """The families of metrics, as prometheus_client asks a collector for them."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        help_text = "Requests answered; `by` is script where a script answered, else server."
        requests = CounterMetricFamily("fake_server_requests", help_text, labels=["endpoint", "status", "by"])
        for labels, number in list(self._requests.items()):
            requests.add_metric(labels, number)
        yield requests
        help_text = "Seconds from a request's arrival to the end of its reply."
        seconds = HistogramMetricFamily("fake_server_seconds", help_text, labels=["endpoint"])
        for endpoint, buckets in list(self._buckets.items()):
            bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
            summed = [(bound, sum(buckets[: place + 1])) for place, bound in enumerate(bounds)]
            seconds.add_metric([endpoint], summed, self._seconds[endpoint])
        yield seconds
        sent = CounterMetricFamily("fake_server_reply_bytes", "Bytes of reply bodies.", labels=["endpoint"])
        faults = CounterMetricFamily("fake_server_faults", "Faults played, by name.", labels=["fault"])
        for family, counts in ((sent, self._bytes), (faults, self._faults)):
            for name, number in list(counts.items()):
                family.add_metric([name], number)
            yield family


class _Memory:
    """The metrics of the account of memory."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        report = self._budget.report()
        help_text = "Bytes held, by kind: those in flight, and what is kept of requests and of what tests added."
        held = GaugeMetricFamily("fake_server_held_bytes", help_text, labels=["kind"])
        dropped = CounterMetricFamily("fake_server_dropped", "Evicted to make room, by kind.", labels=["kind"])
        refused = CounterMetricFamily("fake_server_refused", "Refused for want of room, by kind.", labels=["kind"])
        for family, numbers in ((held, "kinds"), (dropped, "dropped"), (refused, "refused")):
            for kind, number in report[numbers].items():
                family.add_metric([kind], number)
            yield family


def _endpoint_above(path: str) -> str:
    """The endpoint that this path is below; `other` where it is below none."""
    return next((endpoint for endpoint in ENDPOINTS if path.startswith(f"{endpoint}/")), "other")
