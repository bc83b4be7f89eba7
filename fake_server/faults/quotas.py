"""Quotas: buckets of requests and of tokens that refill steadily, as the rate limits of api.openai.com do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fake_server.faults.replies import Quota, error_delivery, retry_headers
from fake_server.wire.delivery import Delivery


@dataclass
class Bucket:
    """A bucket of at most `size` units, which refills over `per` seconds; `left` of them at the time `at`."""

    size: int
    per: float
    left: float
    at: float

    def refill(self, now: float) -> None:
        self.left = min(self.left + (now - self.at) * self.size / self.per, self.size)
        self.at = now

    def seconds_until(self, units: float) -> float:
        """Seconds until the bucket holds so many units."""
        return max(units - self.left, 0.0) * self.per / self.size


class Buckets:
    """What is left of a quota, in requests and in tokens; `clock` gives seconds."""

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        sizes = {"requests": quota.requests, "tokens": quota.tokens}
        now = clock()
        self._clock = clock
        self._buckets = {name: Bucket(size, quota.per, size, now) for name, size in sizes.items() if size}

    def refuse(self) -> Delivery | None:
        """Take one request; returns the 429 if nothing is left."""
        for name, bucket in self._buckets.items():
            bucket.refill(self._clock())
            wait = bucket.seconds_until(1.0)
            if wait > 0:
                message = (
                    f"Rate limit reached for {name}: limit {bucket.size} in {bucket.per:g} s. "
                    f"Please try again in {_format_seconds(wait)}."
                )
                headers = {**retry_headers(wait), **self.headers()}
                return error_delivery(429, message, name, None, "rate_limit_exceeded", headers)
        if "requests" in self._buckets:
            self._buckets["requests"].left -= 1
        return None

    def spend(self, tokens: int) -> None:
        """Take the tokens of a reply."""
        if "tokens" in self._buckets:
            self._buckets["tokens"].left -= tokens

    def headers(self) -> dict[str, str]:
        """The x-ratelimit headers."""
        headers: dict[str, str] = {}
        for name, bucket in self._buckets.items():
            headers[f"x-ratelimit-limit-{name}"] = str(bucket.size)
            headers[f"x-ratelimit-remaining-{name}"] = str(max(int(bucket.left), 0))
            headers[f"x-ratelimit-reset-{name}"] = _format_seconds(bucket.seconds_until(bucket.size))
        return headers


def _format_seconds(seconds: float) -> str:
    """Format a duration as OpenAI does: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"
