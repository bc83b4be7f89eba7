"""Quotas: buckets of requests and of tokens that refill steadily, as the rate limits of api.openai.com do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fake_server.faults.replies import Quota, error_delivery, waiting
from fake_server.wire.delivery import Delivery


@dataclass
class Bucket:
    """So many units, `size` at most, that refill over `per` seconds."""

    size: int
    per: float
    left: float
    at: float

    def refill(self, now: float) -> None:
        self.left = min(self.left + (now - self.at) * self.size / self.per, self.size)
        self.at = now

    def wait(self, wanted: float) -> float:
        """Seconds until so many units are there."""
        return max(wanted - self.left, 0.0) * self.per / self.size


class Buckets:
    """What is left of a quota; `clock` gives seconds."""

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        sizes = {"requests": quota.requests, "tokens": quota.tokens}
        now = clock()
        self._clock = clock
        self._buckets = {name: Bucket(size, quota.per, size, now) for name, size in sizes.items() if size}

    def refuse(self) -> Delivery | None:
        """Take one request; the 429 where nothing is left."""
        for name, bucket in self._buckets.items():
            bucket.refill(self._clock())
            wait = bucket.wait(1.0)
            if wait > 0:
                message = (
                    f"Rate limit reached for {name}: limit {bucket.size} in {bucket.per:g} s. "
                    f"Please try again in {_span(wait)}."
                )
                headers = {**waiting(wait), **self.headers()}
                return error_delivery(429, message, name, None, "rate_limit_exceeded", headers)
        if "requests" in self._buckets:
            self._buckets["requests"].left -= 1
        return None

    def spend(self, tokens: int) -> None:
        """Take the tokens of a reply."""
        if "tokens" in self._buckets:
            self._buckets["tokens"].left -= tokens

    def headers(self) -> dict[str, str]:
        """The x-ratelimit header fields."""
        told: dict[str, str] = {}
        for name, bucket in self._buckets.items():
            told[f"x-ratelimit-limit-{name}"] = str(bucket.size)
            told[f"x-ratelimit-remaining-{name}"] = str(max(int(bucket.left), 0))
            told[f"x-ratelimit-reset-{name}"] = _span(bucket.wait(bucket.size))
        return told


def _span(seconds: float) -> str:
    """A time as OpenAI writes it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"
