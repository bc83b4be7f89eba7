"""How the events of a stream are formatted, and how they are spread over the writes."""

from __future__ import annotations

from contract_tests.diffing.forms import ABSENT
from contract_tests.rules.engine.view import View
from fake_server.wire import sse

_END_NAMES = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR"}
_SPACES = {frozenset(): "no data", frozenset({True}): "one", frozenset({False}): "none"}
_KNOWN_FIELDS = {"": "comments", "event": "event: lines", "id": "id: lines", "retry": "retry: lines"}
_SHOWN = 60


def describe_events(view: View) -> dict[str, str]:
    """How the events of a stream are formatted, by the aspects that are compared."""
    lines = [line for event in view.events for line in event.lines]
    fields = {line.field for line in lines}
    ends = {line.end for line in lines}
    spaces = frozenset(line.data.startswith(b"data: ") for line in lines if line.data.startswith(b"data:"))
    data_lines = (sum(line.field == "data" for line in event.lines) for event in view.events)
    return {
        "byte order mark": "first" if view.body.startswith(sse.BOM) else ABSENT,
        "line ends": " and ".join(name for end, name in _END_NAMES.items() if end in ends) or ABSENT,
        "space after data:": _SPACES.get(spaces, "in some"),
        **{name: "present" if field in fields else ABSENT for field, name in _KNOWN_FIELDS.items()},
        "other fields": ", ".join(sorted(fields - {"data", *_KNOWN_FIELDS}))[:_SHOWN] or ABSENT,
        "data: lines of an event": "several" if any(number > 1 for number in data_lines) else "one",
        "blank lines": _blank_lines(view),
        "last event": "unfinished" if view.events and not view.events[-1].complete else "finished",
    }


def _blank_lines(view: View) -> str:
    """Whether there is more than one blank line before, between or after events."""
    position = len(sse.BOM) if view.body.startswith(sse.BOM) else 0
    for event in view.events:
        if event.start > position:
            return "several in a row"
        position = event.stop
    return "several in a row" if view.events and position < len(view.body) else "one"


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
