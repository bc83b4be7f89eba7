"""Assertions on the requests of a space; their messages show the nearest requests and what each lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.request import ApiRequest, endpoint_of
from fake_server.scripts import book, conditions, match
from fake_server.scripts.when import When
from fake_server.server.control.serialize import api_request_of, api_requests_of
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import Space

SHOWN = 5


def assert_asked(space: Space, when: Mapping[str, Any], times: int | None) -> JournalEntry:
    """Return the last request that meets `when`. Raises AssertionError."""
    __tracebackhide__ = True  # pytest shows the test, not this
    if times is not None and times < 1:
        raise ValueError(f"times is 1 or more, not {times}: assert_not_asked says never")
    wanted, _ = book.parse_when(when, "when")
    judged = [(entry, _failure(entry, wanted)) for entry in space.journal.entries()]
    matching = [entry for entry, failure in judged if failure is None]
    if matching and times in (None, len(matching)):
        return matching[-1]
    wrong_count = "" if times is None else f", expected {_count(times)}"
    lines = [f"{_count(len(matching))} asked for {_describe(when)}{wrong_count}; {_summary(space, len(judged))}"]
    lines += [line for entry, failure in judged[-SHOWN:] for line in _format_entry(entry, failure)]
    raise AssertionError("\n".join(lines))


def assert_not_asked(space: Space, when: Mapping[str, Any]) -> None:
    """Raises AssertionError if a request meets `when`."""
    __tracebackhide__ = True
    wanted, _ = book.parse_when(when, "when")
    matching = [entry for entry in space.journal.entries() if _failure(entry, wanted) is None]
    if matching:
        lines = [f"{_count(len(matching))} asked for {_describe(when)}, expected none:"]
        lines += [line for entry in matching[-SHOWN:] for line in _format_entry(entry, None)]
        raise AssertionError("\n".join(lines))


def _failure(entry: JournalEntry, wanted: When) -> str | None:
    """The first condition that a request fails; None if it fails none."""
    endpoint = endpoint_of(entry.path)
    requests = list(api_requests_of(entry))
    failures = [
        conditions.first_failure(wanted, request) for request in requests or [ApiRequest({}, endpoint, entry.fields)]
    ]
    if None in failures:
        return None
    return failures[0] if requests else "its body is no JSON object"


def _describe(when: Mapping[str, Any]) -> str:
    return "anything" if not when else ", ".join(f"{name}: {value!r}" for name, value in when.items())


def _summary(space: Space, count: int) -> str:
    dropped = f" ({space.journal.dropped} older ones are no longer kept)" if space.journal.dropped else ""
    if not count:
        return f"nothing was asked{dropped}"
    last = f", the last {SHOWN}:" if count > SHOWN else ":"
    return f"{_count(count)} {'was' if count == 1 else 'were'} made{dropped}{last}"


def _count(number: int) -> str:
    return {0: "no request", 1: "1 request"}.get(number, f"{number} requests")


def _format_entry(entry: JournalEntry, failure: str | None) -> list[str]:
    request = api_request_of(entry)
    about = "" if request is None else f"  {match.describe(request.body)}"
    first = f"  {entry.method} {entry.path}{about}  status {entry.status}"
    return [first, f"    {'this one matches' if failure is None else failure}"]
