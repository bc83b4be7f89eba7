"""Section http, header fields that clients read: when to try again, what is left, who may read the reply."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract_tests.rules import references as see
from contract_tests.rules.engine import NOTE, SHOULD, Fault
from contract_tests.rules.http import expected_success, http
from contract_tests.rules.subjects import replies
from contract_tests.rules.view import View
from fake_server.wire.exchange import Aspect, header


@http.rule(
    "retry-after",
    over=replies,
    level=SHOULD,
    see=see.RETRY_AFTER,
    harm="clients cannot read it and fall back on a pause of their own, too short or too long",
)
def retry_after(view: View) -> Iterable[Fault]:
    """Retry-After, where there is one, is whole seconds or an HTTP date."""
    value = view.exchange.header("retry-after")
    if value is not None and not value.isdigit() and not value.endswith("GMT"):
        yield view, f"Retry-After: {value}", "seconds, or an HTTP date"


@http.rule(
    "request-id",
    over=expected_success,
    level=NOTE,
    needs=[Aspect.ALL_HEADERS],
    see=see.DEBUGGING,
    harm=("`_request_id` of openai-python is None: a failure cannot be found again in the provider's logs"),
)
def request_id(view: View) -> Iterable[Fault]:
    """An answer names itself in x-request-id, which support and logs go by."""
    if view.exchange.header("x-request-id") is None:
        yield view, "no x-request-id field"


def _shared(view: View) -> Iterable[View]:
    if view.exchange.header("access-control-allow-origin") is not None:
        yield view


@http.rule(
    "cors-origin",
    over=_shared,
    needs=[Aspect.ALL_HEADERS, Aspect.REQUEST],
    see=see.CORS,
    harm="browsers refuse the reply: a proxy that adds the field a second time locks all pages out",
)
def cors_origin(view: View) -> Iterable[Fault]:
    """Access-Control-Allow-Origin is there once and is `*`, null or the page's own origin."""
    values = [value for name, value in view.exchange.headers if name.lower() == "access-control-allow-origin"]
    origin = header(view.exchange.request.headers, "origin")
    if len(values) > 1:
        yield view, f"{len(values)} fields: {', '.join(values)}", "one"
    elif values[0] not in ("*", "null") and origin is not None and values[0] != origin:
        yield view, f"Access-Control-Allow-Origin: {values[0]}", f"* or {origin}"


def _rated(view: View) -> Iterable[tuple[View, str]]:
    for kind in ("requests", "tokens"):
        if view.exchange.header(f"x-ratelimit-remaining-{kind}") is not None:
            yield view, kind


@http.rule(
    "rate-limits", over=_rated, level=SHOULD, see=see.RATE_LIMITS, harm="clients back off too late, or never"
)
def rate_limits(subject: tuple[View, str]) -> Iterable[Fault]:
    """The x-ratelimit fields hold whole numbers, and no more remains than the limit."""
    view, kind = subject
    values = [view.exchange.header(f"x-ratelimit-{name}-{kind}") for name in ("remaining", "limit")]
    for value in values:
        if value is not None and not re.fullmatch(r"-?[0-9]+", value):
            yield view, f"x-ratelimit-…-{kind}: {value}", "a whole number"
            return
    remaining, limit = values
    if remaining is not None and limit is not None and int(remaining) > int(limit):
        yield view, f"{remaining} {kind} of {limit} remain"
