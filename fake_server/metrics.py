"""What a server has done, as Prometheus metrics."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

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
        self._children: dict[tuple[str, int | None, bool], tuple[Any, Any, Any]] = {}

    def count(self, entry: Entry) -> None:
        """Count a request whose reply has ended."""
        first = entry.path.removeprefix("/v1").strip("/")
        endpoint = first if first in ENDPOINTS else "models" if first.startswith("models/") else "other"
        key = (endpoint, entry.status, entry.script is not None)
        requests, seconds, sent = self._children.get(key) or self._made(*key)
        requests.inc()
        seconds.observe(entry.seconds or 0)
        sent.inc(entry.sent_bytes)
        for name in entry.faults:
            self._faults.labels(name.partition(":")[0]).inc()

    def _made(self, endpoint: str, status: int | None, scripted: bool) -> tuple[Any, Any, Any]:
        """The metrics of these labels, looked up once."""
        made = (
            self._requests.labels(endpoint, str(status), "script" if scripted else "server"),
            self._seconds.labels(endpoint),
            self._bytes.labels(endpoint),
        )
        self._children[endpoint, status, scripted] = made
        return made

    def text(self) -> bytes:
        """The text format that Prometheus reads."""
        return generate_latest(self._registry)
