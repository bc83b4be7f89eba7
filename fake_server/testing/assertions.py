"""Whether something was asked, and if not, which requests came nearest and what each lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.request import ApiRequest
from fake_server.scripts import book, conditions, match
from fake_server.scripts.when import When
from fake_server.server.control.serialize import api_request_of, api_requests_of
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import Space

SHOWN = 5


def assert_asked(space: Space, when: Mapping[str, Any], times: int | None) -> JournalEntry:
    """The last request that is `when`. Raises AssertionError."""
    __tracebackhide__ = True  # pytest shows the test, not this
    if times is not None and times < 1:
        raise ValueError(f"times is 1 or more, not {times}: assert_not_asked says never")
    wanted, _ = book.parse_when(when, "when")
    missed = [(entry, _lacks(entry, wanted)) for entry in space.journal.entries()]
    found = [entry for entry, lack in missed if lack is None]
    if found and times in (None, len(found)):
        return found[-1]
    often = "" if times is None else f", wanted {_count(times)}"
    lines = [f"{_count(len(found))} asked for {_told(when)}{often}; {_seen(space, len(missed))}"]
    lines += [line for entry, lack in missed[-SHOWN:] for line in _shown(entry, lack)]
    raise AssertionError("\n".join(lines))


def assert_not_asked(space: Space, when: Mapping[str, Any]) -> None:
    """Raises AssertionError when a request is `when`."""
    __tracebackhide__ = True
    wanted, _ = book.parse_when(when, "when")
    found = [entry for entry in space.journal.entries() if _lacks(entry, wanted) is None]
    if found:
        lines = [f"{_count(len(found))} asked for {_told(when)}, wanted none:"]
        lines += [line for entry in found[-SHOWN:] for line in _shown(entry, None)]
        raise AssertionError("\n".join(lines))


def _lacks(entry: JournalEntry, wanted: When) -> str | None:
    """The first condition that a request fails; None where it fails none."""
    endpoint = entry.path.removeprefix("/v1").strip("/")
    requests = list(api_requests_of(entry))
    failures = [
        conditions.first_failure(wanted, request)
        for request in requests or [ApiRequest({}, endpoint, entry.fields)]
    ]
    if None in failures:
        return None
    return failures[0] if requests else "its body is no JSON object"


def _told(when: Mapping[str, Any]) -> str:
    return "anything" if not when else ", ".join(f"{name}: {value!r}" for name, value in when.items())


def _seen(space: Space, count: int) -> str:
    gone = f" ({space.journal.dropped} older ones are no longer kept)" if space.journal.dropped else ""
    if not count:
        return f"nothing was asked{gone}"
    last = f", the last {SHOWN}:" if count > SHOWN else ":"
    return f"{_count(count)} {'was' if count == 1 else 'were'} made{gone}{last}"


def _count(number: int) -> str:
    return {0: "no request", 1: "1 request"}.get(number, f"{number} requests")


def _shown(entry: JournalEntry, lack: str | None) -> list[str]:
    request = api_request_of(entry)
    about = "" if request is None else f"  {match.describe(request.body)}"
    first = f"  {entry.method} {entry.path}{about}  status {entry.status}"
    return [first, f"    {'this one matches' if lack is None else lack}"]
