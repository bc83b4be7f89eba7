"""The requests of a space as they come: server-sent events for the inspector."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fake_server.faults.active import ActiveFault
from fake_server.inspector.rows import LARGE, shorten, summarize
from fake_server.inspector.view import format_seconds
from fake_server.relay.redact import replace_known
from fake_server.server.control.serialize import serialize_misses
from fake_server.server.deliveries import to_json
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import Space
from fake_server.wire.delivery import EVENT_STREAM, Delivery
from fake_server.wire.exchange import Write

MOST_FOLLOWERS = 16
"""Streams of events at the same time, in all spaces together."""
TICK, BEAT, LONGEST = 0.15, 15.0, 300.0
"""Seconds between two looks at the journal, between signs of life, and after which a stream ends: pages ask anew."""
AT_ONCE, WORK = 100, 0.01
"""Rows in one event, and processor seconds after which rows say no more why scripts missed."""
_FIELDS = (("cache-control", "no-store"), ("content-type", EVENT_STREAM))


class Follower:
    """The news of one space, written while it is iterated over; it looks at the journal, which does not know of it.

    So a request costs nothing more while somebody looks, and nothing grows for a reader who is slow: what it has not
    read is not made.
    """

    def __init__(self, settings: Settings, space: Space, *, stays: bool) -> None:
        self._settings, self._space, self._stays = settings, space, stays
        self._seen: dict[int, tuple[Any, ...]] = {}
        self._state: dict[str, Any] | None = None
        self._first = 0

    def __iter__(self) -> Iterator[Write]:
        beat = BEAT
        for _ in range(round(LONGEST / TICK)):
            news = self.news()
            if news is not None:
                yield Write(b"data: " + to_json(news) + b"\n\n")
                beat = BEAT
            elif beat <= 0:
                yield Write(b":\n\n")
                beat = BEAT
            if not self._stays and not (news and news["more"]):
                return
            beat -= TICK
            yield Write(b"", TICK if self._stays else 0.0)
            if self._space not in self._settings.spaces:
                return

    def news(self) -> dict[str, Any] | None:
        """`{rows, first, more, state}`: rows that are new or other than before, the newest first; None if none are.

        Requests with a number below `first` have left. `more` tells that other rows follow at once, and `state` is
        absent where it has not changed.
        """
        entries = self._space.numbered_entries()
        began, more = time.thread_time(), False
        rows: list[dict[str, Any]] = []
        first = min((entry.number for entry in entries), default=max(self._seen, default=self._first - 1) + 1)
        for number in [number for number in self._seen if number < first]:
            del self._seen[number]
        for entry in reversed(entries):
            mark = (entry.status, entry.seconds is None, entry.script, entry.faults)
            if self._seen.get(entry.number) == mark:
                continue
            if len(rows) == AT_ONCE:
                more = True
                break
            self._seen[entry.number] = mark
            rows.append(row_of(entry, self._space, explain=time.thread_time() - began < WORK))
        news: dict[str, Any] = {"rows": rows, "first": first, "more": more}
        state = state_of(self._space)
        if state == self._state and not rows and first == self._first:
            return None
        if state != self._state:
            news["state"] = self._state = state
        self._first = first
        return news


def follow(settings: Settings, space: Space, *, stays: bool) -> Delivery | None:
    """A stream of the space's requests, which ends with those that are held unless it `stays`; None: too many do."""
    if len(settings.followers) >= MOST_FOLLOWERS:
        return None
    follower = Follower(settings, space, stays=stays)
    settings.followers.add(follower)
    return Delivery(200, _FIELDS, follower)


def row_of(entry: JournalEntry, space: Space, *, explain: bool = True) -> dict[str, Any]:
    """One request as a row of the list; `note` says what answered where no script did, `miss` which came nearest."""
    known = entry.credentials
    model, stream, words = (
        replace_known(part, known) if isinstance(part, str) else part for part in summarize(entry.body)
    )
    return {
        "id": entry.number,
        "time": time.strftime("%H:%M:%S", time.localtime(entry.began)),
        "method": entry.method,
        "path": shorten(replace_known(entry.path, known)),
        "model": model,
        "stream": stream,
        "words": f"body {entry.unread}" if entry.unread else words,
        "status": entry.status,
        "script": entry.script,
        "note": _note(entry),
        "miss": _miss(entry, space) if explain else "",
        "faults": list(entry.faults),
        "took": format_seconds(entry.seconds),
    }


def state_of(space: Space) -> dict[str, Any]:
    """What the page says of the space beside its requests; `faults` are those that may still strike."""
    in_force = [fault for fault in space.faults.current if fault.times is None or fault.struck < fault.times]
    return {
        "dropped": space.journal.dropped,
        "scripts": len(space.book),
        "faults": [shorten(_words_of(fault)) for fault in in_force[:50]],
    }


def _note(entry: JournalEntry) -> str:
    if entry.script or entry.faults:
        return ""
    return "refused" if entry.status is not None and entry.status >= 400 else "the fake"


def _miss(entry: JournalEntry, space: Space) -> str:
    if entry.script or entry.method != "POST" or len(entry.body) > LARGE or not len(space.book):
        return ""
    misses = serialize_misses(entry, space)
    nearest = f"nearest {misses[0]['script']}: {misses[0]['failed']}" if misses else ""
    return shorten(replace_known(nearest, entry.credentials))


def _words_of(fault: ActiveFault) -> str:
    written = {name: value for name, value in fault.written.items() if value is not None}
    name = written.pop("bug", None) or written.pop("fault", fault.name)
    return ";".join([str(name), *(f"{key}={value}" for key, value in written.items())])
