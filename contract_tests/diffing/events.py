"""How the events of a stream are formatted, and how they are spread over the writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contract_tests.rules.engine.view import View
from fake_server.wire import sse

ABSENT = "absent"
_END_NAMES = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR"}
_KNOWN_FIELDS = ("", "data", "event", "id", "retry")
_SHOWN = 60


def _lines(view: View) -> Iterator[sse.Line]:
    for event in view.events:
        yield from event.lines


def _mark(view: View) -> str:
    return "first" if view.body.startswith(sse.BOM) else ABSENT


def _line_ends(view: View) -> str:
    ends = {line.end for line in _lines(view)}
    return " and ".join(name for end, name in _END_NAMES.items() if end in ends) or ABSENT


def _space(view: View) -> str:
    spaces = {line.data.startswith(b"data: ") for line in _lines(view) if line.data.startswith(b"data:")}
    if len(spaces) == 2:
        return "in some"
    return "no data" if not spaces else "one" if True in spaces else "none"


def _has(field: str) -> Callable[[View], str]:
    return lambda view: "present" if any(line.field == field for line in _lines(view)) else ABSENT


def _other_fields(view: View) -> str:
    fields = {line.field for line in _lines(view) if line.field not in _KNOWN_FIELDS}
    return ", ".join(sorted(fields))[:_SHOWN] or ABSENT


def _data_lines(view: View) -> str:
    numbers = (sum(line.field == "data" for line in event.lines) for event in view.events)
    return "several" if any(number > 1 for number in numbers) else "one"


def _blank_lines(view: View) -> str:
    """Whether there is more than one blank line before, between or after events."""
    position = len(sse.BOM) if view.body.startswith(sse.BOM) else 0
    for event in view.events:
        if event.start > position:
            return "several in a row"
        position = event.stop
    return "several in a row" if view.events and position < len(view.body) else "one"


def _last(view: View) -> str:
    return "unfinished" if view.events and not view.events[-1].complete else "finished"


def writes(view: View) -> str:
    """How the events are spread over the writes: one in each, several in one, or split."""
    stops, position = set(), 0
    for write in view.exchange.writes:
        position += len(write.data)
        stops.add(position)
    ends = {event.stop for event in view.events if event.complete}
    if len(stops) == 1 and len(ends) > 1:
        return "all in one"
    cut = stops - ends - {len(view.body)}
    parts = ("events split" if cut else "", "several events in one" if ends - stops else "")
    return ", ".join(part for part in parts if part) or "one for each event"


FORMS: dict[str, Callable[[View], str]] = {
    "byte order mark": _mark,
    "line ends": _line_ends,
    "space after data:": _space,
    "comments": _has(""),
    "event: lines": _has("event"),
    "id: lines": _has("id"),
    "retry: lines": _has("retry"),
    "other fields": _other_fields,
    "data: lines of an event": _data_lines,
    "blank lines": _blank_lines,
    "last event": _last,
}
"""The aspects of event formatting that are compared, by name."""
