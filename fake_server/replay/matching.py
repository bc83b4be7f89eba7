"""Chooses the recording that answers a request; if none does, names the nearest and how it differs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.relay.redact import Unreadable, known_values, redact
from fake_server.replay.ignoring import Ignored, Part
from fake_server.replay.nearest import (
    escape_unprintable,
    find_nearest,
    format_differences,
    format_value,
    suggest_ignoring,
)
from fake_server.wire.exchange import Aspect, Exchange, Request, Write, header
from fake_server.wire.jsontext import parse

VOLATILE = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
"""Top-level request members that identify the caller or the run, not what is requested."""

MOST_MISSES = 1000
"""Messages about requests that nothing matched that are kept; `missed` counts all of them."""
LARGE = 1024 * 1024
"""Bytes of a request body up to which it is searched for secrets and compared with recordings."""

_BOUNDARY = re.compile(r"multipart/[^;]+;.*\bboundary=\"?([^\";]+)", re.IGNORECASE)


class Match(StrEnum):
    """When a recording answers a request. A path matches with or without `/v1`; headers never matter."""

    # What is ignored (see Ignored) never matters, for EXACT neither.
    EXACT = "exact"  # same method, path, query and body (as JSON values if both bodies are JSON)
    BODY = "body"  # same method, path and body, except volatile members; the same query is preferred
    ORDER = "order"  # same method and path; such recordings answer in turn
    ANY = "any"  # always; all recordings answer in turn, whatever is requested


class RecordingMatcher:
    """Matches requests to recordings, the least played first, in their given order.

    Recordings that did not keep their request answer only if no other recording matches. `answer` returns a
    recording, or an error reply with `miss_status` that explains why none matches; `misses` collects these
    messages, the last MOST_MISSES of them. `ignore` names parts of requests that do not count. Safe to use from
    several threads. Raises ValueError for an unknown match or part.
    """

    def __init__(
        self,
        recordings: Iterable[Exchange],
        *,
        match: Match | str = Match.BODY,
        miss_status: int = 404,
        ignore: Part | Iterable[Part] = (),
    ) -> None:
        self.recordings = tuple(recordings)
        self.misses: list[str] = []
        self.missed = 0
        self.played = [0] * len(self.recordings)
        self._match = Match(match)
        self._volatile = frozenset() if self._match is Match.EXACT else VOLATILE
        self._ignored = Ignored(ignore)
        self._miss_status = miss_status
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], list[int]] = {}
        self._bodies = [self._body(recording.request) for recording in self.recordings]
        self._keys = [_key(body) for body in self._bodies]
        for index, recording in enumerate(self.recordings):
            self._places.setdefault(self._place(recording.request), []).append(index)

    @property
    def unplayed(self) -> list[Exchange]:
        """The recordings that have answered no request."""
        played = zip(self.recordings, self.played, strict=True)
        return [recording for recording, times in played if not times]

    def reset(self) -> None:
        """Forget the misses and which recordings were played."""
        self.misses.clear()
        self.missed = 0
        self.played[:] = [0] * len(self.recordings)

    def find(self, request: Request) -> Exchange | None:
        """The recording for `request`, None if there is none."""
        with self._lock:
            return self._find(request)[0]

    def answer(self, request: Request) -> Exchange:
        """The recording for `request`, or an error reply that explains why there is none."""
        with self._lock:
            recording, clean = self._find(request)
            if recording is not None:
                return recording
            message = self.explain(clean)
            self.misses.append(message)
            self.missed += 1
            del self.misses[:-MOST_MISSES]
        return error_exchange(ErrorReply(self._miss_status, message, code="no_fixture_match"), request)

    def explain(self, request: Request) -> str:
        """Why nothing matches: the nearest recording and the first difference from it."""
        wanted = _name(request)
        if not self.recordings:
            return f"No recording answers {wanted}: there are no recordings."
        near = self._places.get(self._place(request), [])
        if not near:
            places = sorted({_name(recording.request) for recording in self.recordings})
            more = f" and {len(places) - 5} more" if len(places) > 5 else ""
            return f"No recording answers {wanted}; there are recordings of {', '.join(places[:5])}{more}."
        if len(request.body) > LARGE:
            return f"No recording answers {wanted} with this body of {len(request.body):,} bytes."
        body = self._body(request)
        best = near[find_nearest(body, [self._bodies[index] for index in near])]
        recording = self.recordings[best]
        name = f"the recording {recording.label!r}" if recording.label else "a recording without a name"
        if not self._has_request(best):
            return f"No recording answers {wanted}; {name} did not keep its request."
        if differing := format_differences(body, self._bodies[best]):
            found = f"No recording answers {wanted} with this body. The nearest is {name}: {differing}."
            return found + suggest_ignoring(body, self._bodies[best])
        query, recorded = format_value(self._query(request)), format_value(self._query(recording.request))
        differing = f"the query is {query}, recorded {recorded}"
        return f"No recording answers {wanted} with this query. The nearest is {name}: {differing}."

    def _find(self, request: Request) -> tuple[Exchange | None, Request]:
        """The recording for `request`, if there is one, and the request as it was compared last."""
        if matches := self._matches(request):
            return self._least_played(matches), request
        # The recorder replaced secrets by dummies, so a request may match only after the same treatment.
        clean = _without_secrets(request)
        matches = self._matches(clean) or self._kept_in_part(request, clean) or self._without_request(request)
        return (self._least_played(matches) if matches else None), clean

    def _matches(self, request: Request) -> Sequence[int]:
        """The indexes of the recordings that match this request."""
        here = self._places.get(self._place(request), [])
        if self._match is Match.ANY:
            return range(len(self.recordings))
        if self._match is Match.ORDER:
            return here
        key = _key(self._body(request))
        same_body = [index for index in here if self._keys[index] == key and self._has_request(index)]
        return self._of_query(request, same_body)

    def _of_query(self, request: Request, same_body: list[int]) -> Sequence[int]:
        """Those of these recordings that have the same query; unless it must be the same, all if none has."""
        same = [index for index in same_body if self._query(self.recordings[index].request) == self._query(request)]
        return same if self._match is Match.EXACT else same or same_body

    def _kept_in_part(self, request: Request, clean: Request) -> Sequence[int]:
        """The recordings that kept some of what looks like a secret here, and redacted the rest."""
        if clean == request or self._match in (Match.ANY, Match.ORDER):
            return ()
        raw, cleaned = self._body(request), self._body(clean)
        here = self._places.get(self._place(request), [])
        same = [at for at in here if self._has_request(at) and _agree(raw, cleaned, self._bodies[at])]
        return self._of_query(request, same) or self._of_query(clean, same)

    def _without_request(self, request: Request) -> Sequence[int]:
        """The recordings of this method and path that did not keep their request; never for EXACT."""
        here = () if self._match is Match.EXACT else self._places.get(self._place(request), ())
        return [index for index in here if not self._has_request(index)]

    def _has_request(self, index: int) -> bool:
        return self.recordings[index].knows(Aspect.REQUEST)

    def _least_played(self, indexes: Sequence[int]) -> Exchange:
        chosen = min(indexes, key=lambda index: self.played[index])
        self.played[chosen] += 1
        return self.recordings[chosen]

    def _body(self, request: Request) -> Any:
        document = parse(request.body)
        body = document.value if document.ok else _with_one_boundary(request)
        if isinstance(body, dict):
            body = {name: member for name, member in body.items() if name not in self._volatile}
        return self._ignored.remove_from_body(body)

    def _place(self, request: Request) -> tuple[str, str]:
        """Method and path, without `/v1` and slashes at the ends."""
        path = "/" + self._ignored.remove_from_text(request.path).strip("/") + "/"
        return request.method, path.removeprefix("/v1/").strip("/")

    def _query(self, request: Request) -> str:
        return self._ignored.remove_from_text(request.target.partition("?")[2])


def error_exchange(error: ErrorReply, request: Request) -> Exchange:
    """An error reply as an exchange to play; it asks clients not to retry."""
    body = json.dumps(error.body(), ensure_ascii=False).encode()
    headers = (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("x-should-retry", "false"),
    )
    writes = () if request.method == "HEAD" else (Write(body),)
    return Exchange(request, error.status, headers, writes, unknown=frozenset({Aspect.FRAMING}))


def _name(request: Request) -> str:
    """Method and path for a message."""
    return escape_unprintable(f"{request.method} {request.path}")


def _key(body: Any) -> str:
    """A text that is equal for bodies that request the same."""
    return repr(body) if isinstance(body, bytes) else json.dumps(_plain(body), sort_keys=True)


def _agree(raw: Any, clean: Any, recorded: Any) -> bool:
    """Whether each string of a recorded body is that of the request, before or after its secrets were replaced."""
    if isinstance(raw, dict) and isinstance(clean, dict) and isinstance(recorded, dict):
        same = raw.keys() == clean.keys() == recorded.keys()
        return same and all(_agree(raw[name], clean[name], recorded[name]) for name in raw)
    if isinstance(raw, list) and isinstance(clean, list) and isinstance(recorded, list):
        same = len(raw) == len(clean) == len(recorded)
        return same and all(map(_agree, raw, clean, recorded))
    return _key(recorded) in (_key(raw), _key(clean))


def _plain(value: Any) -> Any:
    """The value with whole floats as integers: 1.0 requests the same as 1."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _with_one_boundary(request: Request) -> bytes:
    """The body; a multipart form gets a fixed boundary, because clients make up a new one each time."""
    match = _BOUNDARY.match(header(request.headers, "content-type") or "")
    return request.body.replace(match[1].strip().encode("latin-1"), b"boundary") if match else request.body


def _without_secrets(request: Request) -> Request:
    """The request as a recorder would have saved it, unless its body is large."""
    if len(request.body) > LARGE:
        return request
    exchange = Exchange(request, None)
    try:
        return redact(exchange, known_values(exchange)).exchange.request
    except Unreadable:
        return Request(request.method, request.target)
