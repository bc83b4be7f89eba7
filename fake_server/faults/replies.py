"""Faults that replace the reply: errors in OpenAI's form, quotas that refill, a gateway's page."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import Fault, FieldName, FieldValue, Positive, Seconds
from fake_server.wire.datafile import read_yaml
from fake_server.wire.delivery import Delivery, fixed_length

_FRAMING = frozenset({"content-length", "transfer-encoding"})
Status = Annotated[int, Field(ge=400, le=599)]


@cache
def _errors() -> Mapping[int, tuple[str, str, str | None]]:
    """Message, type and code by status."""
    rows = read_yaml(Path(__file__).with_name("errors.yaml"))
    return {int(status): row for status, row in rows.items()}


class Error(Fault):
    """An error in OpenAI's form with this status. Parameters that are left out follow from the status."""

    fault: Literal["error"] = "error"
    status: Status = 500
    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | None = None
    retry_after: Seconds | None = None
    replaces_reply: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        message, kind, code = _errors().get(self.status) or _errors()[400 if self.status < 500 else 500]
        classified = self.type is not None or self.code is not None
        return error_delivery(
            self.status,
            self.message or message,
            self.type or kind,
            self.param,
            self.code if classified else code,
            {} if self.retry_after is None else retry_headers(self.retry_after),
        )


class InsufficientQuota(Fault):
    """A 429 that says that the account's credit is used up, so that waiting does not help."""

    fault: Literal["insufficient-quota"] = "insufficient-quota"
    replaces_reply: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        message = "You exceeded your current quota, please check your plan and billing details."
        return error_delivery(429, message, "insufficient_quota", None, "insufficient_quota", {})


class Quota(Fault):
    """At most `requests` requests and `tokens` tokens in `per` seconds; then 429 until the quota refills.

    The x-ratelimit headers say what is left, and Retry-After says how long to wait. Tokens are those of the reply's
    usage.
    """

    fault: Literal["quota"] = "quota"
    requests: Positive | None = 3
    tokens: Positive | None = None
    per: Annotated[float, Field(gt=0, le=86_400)] = 60.0


class HtmlError(Fault):
    """An HTML page, as a gateway in front of the API sends it."""

    fault: Literal["html-error"] = "html-error"
    status: Status = 502
    replaces_reply: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        title = f"{self.status} {_errors().get(self.status, ('Error',))[0].rstrip('.')}"
        lines = ("<html>", f"<head><title>{title}</title></head>", f"<body><h1>{title}</h1></body>", "</html>", "")
        return fixed_length(self.status, (("content-type", "text/html"),), "\r\n".join(lines).encode())


class OwnReply(Fault):
    """A reply whose status, body and header fields the author writes."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    json_: Any = Field(None, alias="json")
    text: str | None = None
    content_type: FieldValue = "application/json"
    headers: dict[FieldName, FieldValue | None] = Field({})

    def own_reply(self) -> Delivery:
        body = json.dumps(self.json_, ensure_ascii=False) if self.text is None else self.text
        fields = (("content-type", self.content_type),)
        return with_headers(fixed_length(self.status, fields, body.encode("utf-8", "replace")), self.headers)


class Instead(OwnReply):
    """A different reply altogether: `status` with `json` or `text` as its body, of type `content_type`. A null in
    `headers` leaves out a field that the server would add, such as `x-request-id`.
    """

    fault: Literal["reply"] = "reply"
    replaces_reply: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        return self.own_reply()


def with_headers(delivery: Delivery, headers: Mapping[str, str | None]) -> Delivery:
    """The delivery with these header fields instead of its own of the same names; None leaves one out for good.

    Fields of the framing are passed over: the server decides them.
    """
    given = {name.lower(): value for name, value in headers.items() if name.lower() not in _FRAMING}
    fields = {**dict(delivery.headers), **given}
    return delivery.but(
        headers=tuple((name, value) for name, value in fields.items() if value is not None),
        omitted=delivery.omitted | {name for name, value in given.items() if value is None},
    )


def error_delivery(
    status: int, message: str, kind: str, param: str | None, code: str | None, headers: Mapping[str, str | None]
) -> Delivery:
    """OpenAI's error object as a delivery; every error that the fake sends is made here."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    text = json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":"))
    body = text.encode("utf-8", "replace")  # a lone surrogate has no UTF-8 form
    return with_headers(fixed_length(status, (("content-type", "application/json"),), body), headers)


def retry_headers(seconds: float) -> dict[str, str]:
    """The headers that tell a client how long to wait: in whole seconds, and in milliseconds."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}


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
