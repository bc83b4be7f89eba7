"""Section http, header fields that clients read: when to try again, what is left, who may read the reply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import whole_text
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint
from contract_tests.rules.engine.subjects import only, refusals, replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.http.message import http, successes
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect, header, header_values
from fake_server.wire.http_date import parse_http_date


def _only_value(view: View, name: str) -> str | None:
    """The value of a field that is there once and says something; whatever else it is, `once` names."""
    return _only(header_values(view.exchange.headers, name))


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 and values[0].strip() else None


@http.rule(
    "retry-after",
    over=replies,
    level=SHOULD,
    see=see.RETRY_AFTER,
    harm="clients cannot read it and fall back on a pause of their own, too short or too long",
)
def retry_after(view: View) -> Iterable[Complaint]:
    """Retry-After, if there is one, is a whole number of seconds or an HTTP date."""
    value = _only_value(view, "retry-after")
    if value is not None and not value.isdigit() and not value.endswith("GMT"):
        yield view, f"Retry-After: {value}", "seconds, or an HTTP date"


_DAY = 86_400
_EARLIEST_EPOCH = 1_000_000_000
"""Seconds to wait that are rather a Unix time: 2001, as a wait 31 years."""


def _waits(view: View) -> Iterable[tuple[View, str, str]]:
    """The fields that say when to try again, each with its value."""
    for name in ("Retry-After", "Retry-After-Ms"):
        value = (view.exchange.header(name) or "").strip()
        if view.status and value:
            yield view, name, value


@http.rule(
    "retry-after-wait",
    over=_waits,
    level=SHOULD,
    see=see.RETRY_AFTER,
    harm="clients that obey wait for years or not at all; the wary give up, or fall back on a pause of their own",
)
def retry_after_wait(view: View, name: str, value: str) -> Iterable[Complaint]:
    """Retry-After asks for a wait of at most a day, and names no time before the reply's own Date."""
    if _NUMBER.fullmatch(value.partition(".")[0]):
        seconds = int(value.partition(".")[0]) / (1 if name == "Retry-After" else 1000)
        if seconds > _DAY:
            meant = "a Unix time, as a wait " if seconds > _EARLIEST_EPOCH else ""
            yield view, f"{name}: {value}, {meant}{seconds / _DAY:,.0f} days", "the seconds to wait"
    elif value.isdigit():
        yield view, f"{name}: {excerpt(value, 40)}", "the seconds to wait"
    elif (sent := parse_http_date(view.exchange.header("date"))) and (wanted := parse_http_date(value)):
        if wanted < sent:
            yield view, f"{name}: {value}, before Date: {view.exchange.header('date')}", "a time to come"
        elif (wanted - sent).total_seconds() > _DAY:
            yield view, f"{name}: {value}, {(wanted - sent).days} days after Date", "a time within a day"


@http.rule(
    "request-id",
    over=lambda view: chain(successes(view), refusals(view)),
    level=NOTE,
    yields_to=("errors.body",),  # the page of a gateway
    needs=[Aspect.ALL_HEADERS],
    see=see.DEBUGGING,
    harm="`_request_id` of openai-python is None: a failure cannot be traced in the provider's logs",
)
def request_id(view: View) -> Iterable[Complaint]:
    """An answer or refusal carries x-request-id, the id that support and logs use."""
    if view.exchange.header("x-request-id") is None:
        yield view, "no x-request-id field"


_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/,?#]+")


def _names_its_readers(view: View) -> bool:
    """Whether a reply says who may read it; an echo of the page that asks is empty where no page does."""
    value = view.exchange.header("access-control-allow-origin")
    return bool(value) or (value is not None and header(view.exchange.request.headers, "origin") is not None)


@http.rule(
    "cors-origin",
    over=only(replies, _names_its_readers),
    needs=[Aspect.ALL_HEADERS],
    see=see.CORS,
    harm="browsers refuse the reply: a proxy that adds the field a second time locks all pages out",
    basis="the Fetch standard: any other value fails the CORS check; only browsers make it, and none was measured",
)
def cors_origin(view: View) -> Iterable[Complaint]:
    """Access-Control-Allow-Origin appears once and is `*`, null or one origin."""
    values = [value for name, value in view.exchange.headers if name.lower() == "access-control-allow-origin"]
    if len(values) > 1:
        yield view, f"{len(values)} fields: {', '.join(values)}", "one"
    elif values[0] not in ("*", "null") and not _ORIGIN.fullmatch(values[0]):
        # Another page's origin is a policy: the target lets that page read, and no other.
        yield view, f"Access-Control-Allow-Origin: {values[0]}", "*, or an origin as in https://app.example"


def _rate_limit_kinds(view: View) -> Iterable[tuple[View, str, Mapping[str, list[str]]]]:
    """Each kind of limit that the x-ratelimit fields speak of (requests, tokens, others), with their values by name."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for name, value in view.exchange.headers:
        if match := _RATE.fullmatch(name.lower()):
            kinds.setdefault(match[2], {}).setdefault(match[1], []).append(value)
    for kind, values in kinds.items():
        yield view, kind, values


_RATE = re.compile(r"x-ratelimit-(limit|remaining|reset)-(.+)")
_NUMBER = re.compile(r"-?\d{1,18}")
_DURATION = re.compile(r"\d++(\.\d++)?(ms|s|m|h|d)?(\d++(\.\d++)?(ms|s|m|h))*")


@http.rule(
    "rate-limits",
    over=_rate_limit_kinds,
    level=SHOULD,
    see=see.RATE_LIMITS,
    harm="clients back off too late, or never",
)
def rate_limits(view: View, kind: str, values: Mapping[str, list[str]]) -> Iterable[Complaint]:
    """The x-ratelimit fields hold whole numbers and a duration, and no more remains than the limit."""
    limit, remaining, reset = (_only(values.get(name, [])) for name in ("limit", "remaining", "reset"))
    for name, value in (("limit", limit), ("remaining", remaining)):
        if value is not None and not _NUMBER.fullmatch(value):
            yield view, f"x-ratelimit-{name}-{kind}: {value}", "a whole number"
            return
    if reset is not None and not _DURATION.fullmatch(reset):
        yield view, f"x-ratelimit-reset-{kind}: {reset}", "a duration such as 6ms or 1m6s"
    elif reset is not None and _NUMBER.fullmatch(reset) and int(reset) > _EARLIEST_EPOCH:
        yield view, f"x-ratelimit-reset-{kind}: {reset}, a Unix time", "a duration such as 6ms or 1m6s"
    if remaining is not None and limit is not None and int(remaining) > int(limit):
        yield view, f"{remaining} {kind} of {limit} remain"


_ONCE = (
    *("content-type", "content-location", "date", "etag", "last-modified", "location", "retry-after"),
    *("openai-processing-ms", "openai-version", "x-request-id"),
)
"""Fields that hold one value; the length, which does too, has a rule of its own."""


@http.rule(
    "once",
    over=replies,
    level=SHOULD,
    needs=[Aspect.ALL_HEADERS],
    see=f"{see.HTTP}#section-5.3",
    harm="clients read the first, the last, or both joined by a comma",
)
def once(view: View) -> Iterable[Complaint]:
    """A header field that takes one value appears once and is not empty."""
    values: dict[str, list[str]] = {}
    for name, value in view.exchange.headers:
        if name.lower() in _ONCE or name.lower().startswith("x-ratelimit-"):
            values.setdefault(name.lower(), []).append(value)
    for name, same_name in values.items():
        if len(same_name) > 1:
            yield view, f"{len(same_name)} fields {name}", "one"
        elif not same_name[0].strip() and not (name == "content-type" and view.body):  # a body without a type
            yield view, f"{name} is empty", "a value"


_IMF_FIXDATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d:\d\d GMT"
)


@http.rule(
    "date",
    over=only(replies, lambda view: view.exchange.header("date") is not None),
    level=SHOULD,
    needs=[Aspect.ALL_HEADERS],
    see=f"{see.HTTP}#section-5.6.7",
    harm="clients cannot work out how long a Retry-After that names a time asks them to wait",
)
def date(view: View) -> Iterable[Complaint]:
    """Date, if there is one, is an HTTP date."""
    value = _only_value(view, "date")
    if value is not None and not _IMF_FIXDATE.fullmatch(value):
        yield view, f"Date: {value}", "as in Sun, 06 Nov 1994 08:49:37 GMT"


def _keys(view: View) -> Iterable[tuple[View, str]]:
    """The keys that were sent: those the run put in, or else the one in the request, unless it was a wrong one."""
    bearer = (header(view.exchange.request.headers or (), "authorization") or "").rpartition(" ")[2]
    known = (bearer,) if len(bearer) > 7 and "*" not in bearer and view.status != 401 else ()
    if view.status:
        yield from ((view, key) for key in view.secrets or known)


@http.rule(
    "key-kept",
    over=_keys,
    level=SHOULD,
    see=see.KEY_SAFETY,
    expected="no part of the key but its ends",
    harm="the key stands in the exceptions, logs and screenshots that show the reply",
)
def key_kept(view: View, key: str) -> Iterable[Complaint]:
    """A key that was sent does not come back in the reply."""
    request, secret = view.exchange.request, key.encode()
    if secret not in request.body and secret not in request.path.encode():
        fields = [(name, value.encode("utf-8", "replace")) for name, value in view.exchange.headers]
        answer = whole_text(view).encode("utf-8", "replace")  # which may come in pieces
        for place, text in (*fields, ("the body", view.body + answer)):
            if secret in text:
                yield view, f"the key stands in {place}"
