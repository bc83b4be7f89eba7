"""What a server has done, as Prometheus metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from fake_server.journal import Entry

ENDPOINTS = ("chat/completions", "completions", "embeddings", "moderations", "models")


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "fake_server_requests",
            "Requests answered; `by` is script where a script answered, else server.",
            ["endpoint", "status", "by"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "fake_server_seconds",
            "Seconds from a request's arrival to the end of its reply.",
            ["endpoint"],
            registry=self._registry,
            buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60),
        )
        self._bytes = Counter(
            "fake_server_reply_bytes", "Bytes of reply bodies.", ["endpoint"], registry=self._registry
        )
        self._faults = Counter(
            "fake_server_faults", "Faults played, by name.", ["fault"], registry=self._registry
        )
        self.open = Gauge("fake_server_open_requests", "Requests being answered.", registry=self._registry)

    def count(self, entry: Entry) -> None:
        """Count a request whose reply has ended."""
        first = entry.path.removeprefix("/v1").strip("/")
        endpoint = next((one for one in ENDPOINTS if first.startswith(one)), "other")
        self._requests.labels(endpoint, str(entry.status), "script" if entry.script else "server").inc()
        self._seconds.labels(endpoint).observe(entry.seconds or 0)
        self._bytes.labels(endpoint).inc(entry.sent_bytes)
        for name in entry.faults:
            self._faults.labels(name).inc()

    def text(self) -> bytes:
        """The text format that Prometheus reads."""
        return generate_latest(self._registry)
