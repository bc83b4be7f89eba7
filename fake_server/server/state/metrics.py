"""What a server has done, as Prometheus metrics.

Requests only add to plain counters; the metrics are made from them when Prometheus scrapes, so that neither
requests nor the start of the server wait for its library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_server.server.state.journal import BOUNDS, Counts
from fake_server.server.state.memory import MemoryBudget


def metrics_text(counts: Counts, budget: MemoryBudget) -> bytes:
    """The text format that Prometheus reads."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Requests(counts))
    registry.register(_Memory(budget))
    return generate_latest(registry)


class _Requests:
    """The metrics of requests and their replies."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Any]:
        """The families of metrics, as prometheus_client asks a collector for them."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        help_text = "Requests answered; `by` is script where a script answered, else server."
        requests = CounterMetricFamily("fake_server_requests", help_text, labels=["endpoint", "status", "by"])
        for labels, number in list(self._counts.requests.items()):
            requests.add_metric(labels, number)
        yield requests
        help_text = "Seconds from a request's arrival to the end of its reply."
        seconds = HistogramMetricFamily("fake_server_seconds", help_text, labels=["endpoint"])
        for endpoint, buckets in list(self._counts.buckets.items()):
            bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
            summed = [(bound, sum(buckets[: place + 1])) for place, bound in enumerate(bounds)]
            seconds.add_metric([endpoint], summed, self._counts.seconds[endpoint])
        yield seconds
        sent = CounterMetricFamily("fake_server_reply_bytes", "Bytes of reply bodies.", labels=["endpoint"])
        faults = CounterMetricFamily("fake_server_faults", "Faults played, by name.", labels=["fault"])
        for family, counts in ((sent, self._counts.bytes), (faults, self._counts.faults)):
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
