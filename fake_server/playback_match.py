"""Which recording answers a request, and when none does, which was nearest and where it differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from fake_server.wire.exchange import Aspect, Exchange, Request
from fake_server.wire.jsontext import parse

VOLATILE = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
"""Top-level request members that name the caller or the run, not what is asked."""


class Shelf:
    """Recordings in order. A recording answers once, then again only when no fresh one fits.

    With `in_order`, bodies are not compared: requests for the same method and path get the
    recordings in turn.
    """

    def __init__(
        self,
        recordings: Sequence[Exchange],
        *,
        in_order: bool = False,
        volatile: frozenset[str] = VOLATILE,
    ) -> None:
        self.recordings = tuple(recordings)
        self.played = [0] * len(self.recordings)
        self._in_order = in_order
        self._volatile = volatile
        self._places: dict[tuple[str, str], list[int]] = {}
        self._keys = [self._key(recording.request) for recording in self.recordings]
        for index, recording in enumerate(self.recordings):
            self._places.setdefault(_place(recording.request), []).append(index)

    def find(self, request: Request) -> Exchange | None:
        """The recording for `request`: same method, path (`/v1` or not) and body; the least played first.

        Recordings that do not know what was asked come after those that do.
        """
        here = self._places.get(_place(request), [])
        if self._in_order:
            return self._least_played(here)
        key = self._key(request)
        same = [index for index in here if self._keys[index] == key]
        blind = [index for index in here if not self.recordings[index].knows(Aspect.REQUEST)]
        return self._least_played(same or blind)

    def explain(self, request: Request) -> str:
        """Why nothing fits: the nearest recording and the first difference from it."""
        wanted = f"{request.method} {request.path}"
        if not self.recordings:
            return f"No recording answers {wanted}: there are no recordings."
        near = [self.recordings[index] for index in self._places.get(_place(request), [])]
        if not near:
            places = sorted({f"{one.request.method} {one.request.path}" for one in self.recordings})
            more = f" and {len(places) - 5} more" if len(places) > 5 else ""
            return f"No recording answers {wanted}; there are recordings of {', '.join(places[:5])}{more}."
        asked = self._body(request)
        best = max(near, key=lambda one: _likeness(asked, self._body(one.request)))
        where = first_difference(asked, self._body(best.request)) or "the bodies differ"
        name = f"the recording {best.label!r}" if best.label else "a recording without a name"
        return f"No recording answers {wanted} with this body. The nearest is {name}: {where}."

    def _least_played(self, indexes: list[int]) -> Exchange | None:
        if not indexes:
            return None
        chosen = min(indexes, key=lambda index: self.played[index])
        self.played[chosen] += 1
        return self.recordings[chosen]

    def _key(self, request: Request) -> str:
        """Equal for requests whose bodies ask the same."""
        body = self._body(request)
        return repr(body) if isinstance(body, bytes) else json.dumps(_plain(body), sort_keys=True)

    def _body(self, request: Request) -> Any:
        document = parse(request.body)
        if isinstance(document.value, dict):
            return {name: member for name, member in document.value.items() if name not in self._volatile}
        return document.value if document.ok else request.body


def _place(request: Request) -> tuple[str, str]:
    """Method and path, the latter without `/v1`."""
    path = "/" + request.path.strip("/") + "/"
    return request.method, path.removeprefix("/v1/").strip("/")


def _plain(value: Any) -> Any:
    """The value with whole floats as integers: 1.0 asks the same as 1."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def first_difference(asked: Any, recorded: Any, path: str = "") -> str:
    """Where two JSON values first differ, in words; '' when they are equal."""
    if isinstance(asked, dict) and isinstance(recorded, dict):
        for name in recorded:
            if name not in asked:
                return f"{_at(path, name)} is missing, recorded {_show(recorded[name])}"
        for name in asked:
            if name not in recorded:
                return f"{_at(path, name)} is {_show(asked[name])}, the recording has no such member"
            if found := first_difference(asked[name], recorded[name], _at(path, name)):
                return found
        return ""
    if isinstance(asked, list) and isinstance(recorded, list):
        for index, (one, other) in enumerate(zip(asked, recorded, strict=False)):
            if found := first_difference(one, other, f"{path}[{index}]"):
                return found
        if len(asked) != len(recorded):
            return f"{path or 'the body'} has {len(asked)} items, recorded {len(recorded)}"
        return ""
    if asked == recorded and isinstance(asked, bool) == isinstance(recorded, bool):  # 1 is 1.0, not true
        return ""
    return f"{path or 'the body'} is {_show(asked)}, recorded {_show(recorded)}"


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _show(value: Any) -> str:
    text = repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _likeness(asked: Any, recorded: Any) -> int:
    """How many leaves stand at the same place with the same value."""
    return len(set(_leaves(asked)) & set(_leaves(recorded)))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, repr(value)
