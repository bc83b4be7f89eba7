"""A pair: what a caller exchanged with a proxy, and what the proxy exchanged with its upstream because of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, header

DELTAS = ("content", "reasoning_content", "reasoning", "refusal", "arguments", "text")
"""Members of a streamed choice that grow with each chunk: where they are cut is the server's choice."""


_LOOKED_AT = 16
"""Items of a list, from its end, among which one is sought: a stream may have a hundred thousand."""


@dataclass(frozen=True)
class Pair:
    """Both sides of one request to a proxy.

    `case` names what was tried, `front` is the exchange with the caller, `upstream` those with the upstream in the
    order of time (none: the request did not get there). `probe` is the member of the request that the case is about,
    '' for none. `retries` is how often the proxy declares to ask again where the upstream fails. `caller_key` and
    `upstream_key` are what each side is to be asked with, '' where that is not known: recordings hold no keys.
    """

    case: str
    front: Exchange
    upstream: tuple[Exchange, ...] = ()
    probe: str = ""
    retries: int = 0
    caller_key: str = ""
    upstream_key: str = ""
    broken: frozenset[str] = frozenset()

    @cached_property
    def roles(self) -> Mapping[str, View]:
        """The exchanges as rules read them, by the part they play."""
        views = {"front": View(self.front)}
        return views | {f"upstream {number}": View(each) for number, each in enumerate(self.upstream, 1)}

    @property
    def caller(self) -> View:
        """What the caller sees."""
        return self.roles["front"]

    @property
    def answer(self) -> View | None:
        """The last exchange with the upstream, whose reply the caller is to get; None where there is none."""
        return self.roles[f"upstream {len(self.upstream)}"] if self.upstream else None

    @cached_property
    def sent(self) -> Mapping[str, Any]:
        """The members that the caller sent."""
        return _members(self.caller)

    @cached_property
    def arrived(self) -> Mapping[str, Any] | None:
        """The members that the upstream got first, None where it got no request."""
        return _members(self.roles["upstream 1"]) if self.upstream else None

    @cached_property
    def given(self) -> Any:
        """The upstream's reply as one value (see `merge`); None where it is none or a failure."""
        return merge(self.answer) if self.answer and succeeded(self.answer) else None

    @cached_property
    def got(self) -> Any:
        """The caller's reply as one value (see `merge`); None where it is a failure."""
        return merge(self.caller) if succeeded(self.caller) else None

    @property
    def is_same_operation(self) -> bool:
        """Whether the upstream was asked for what the caller asked for, by the same method and path below /v1."""
        return bool(self.upstream) and operation(self.front) == operation(self.upstream[0])

    def milliseconds_after(self, exchange: Exchange) -> float | None:
        """When an exchange with the upstream began, after the caller's; None where one of the times is not known."""
        began, later = self.front.recorded, exchange.recorded
        if isinstance(began, datetime) and isinstance(later, datetime):
            return (later - began).total_seconds() * 1000
        return None


def operation(exchange: Exchange) -> str:
    """The method, and the path from behind its version on."""
    path = exchange.request.path.rpartition("/v1/")[2].strip("/")
    return f"{exchange.request.method} {path}"


def _members(view: View) -> Mapping[str, Any]:
    value = view.request_value
    return value if isinstance(value, dict) else {}


def succeeded(view: View) -> bool:
    """Whether a reply is a whole success: a 2xx that came to its end and reports no error."""
    return view.ok and view.whole and not view.error_events and not view.is_failed_success


def error_of(view: View) -> Mapping[str, Any] | None:
    """The error object that a reply has, in its body or in its stream; None where there is none."""
    if view.form == "events":
        objects = [node.value for node in view.error_events]
    else:
        objects = [view.root.value] if isinstance(view.root.value, dict) else []
    for value in objects:
        error = value.get("error")
        if isinstance(error, dict):
            return error
    return None


def credential(exchange: Exchange) -> str:
    """The key that a request carries, without its scheme."""
    value = header(exchange.request.headers, "authorization") or ""
    return value.partition(" ")[2].strip() or value


def merge(view: View) -> Any:
    """A reply as one value: that of a dict, or what the events of a stream say together.

    Texts of the same choice or item are joined, so a stream that was cut elsewhere gives the same value.
    """
    if view.form != "events":
        return view.root.value if view.form == "json" else None
    if view.is_of_responses:
        return _merge_events(view)
    merged: dict[str, Any] = {}
    choices: dict[Any, dict[str, Any]] = {}
    for node in view.messages:
        for name, value in node.value.items():
            if name != "choices":
                if value is not None or name not in merged:
                    merged[name] = value
                continue
            for entry in value if isinstance(value, list) else ():
                if isinstance(entry, dict):
                    _add(choices.setdefault(repr(entry.get("index")), {}), entry)
    return {**merged, "choices": [choices[index] for index in sorted(choices)]}


def _merge_events(view: View) -> Any:
    """The last state of a Response, and the texts of its deltas joined by what they belong to."""
    response: Any = None
    texts: dict[str, str] = {}
    for node in view.messages:
        event = node.value
        if isinstance(event.get("response"), dict):
            response = event["response"]
        if isinstance(event.get("delta"), str):
            place = ", ".join(str(event.get(name)) for name in ("type", "output_index", "content_index"))
            texts[place] = texts.get(place, "") + event["delta"]
    return {"response": response, "texts": texts}


def _add(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Add a part of a streamed choice to what came before: texts are joined, calls go by their index."""
    for name, value in part.items():
        before = whole.get(name)
        if isinstance(value, str) and isinstance(before, str) and name in DELTAS:
            whole[name] = before + value
        elif isinstance(value, dict):
            inner = before if isinstance(before, dict) else {}
            _add(inner, value)
            whole[name] = inner
        elif isinstance(value, list):
            whole[name] = _joined(before if isinstance(before, list) else [], value)
        elif value is not None or name not in whole:
            whole[name] = value


def _with_index(items: list[Any], index: object) -> dict[str, Any] | None:
    """The item with this index, which nearly always stands in that place or among the last; None where it does not."""
    if isinstance(index, bool) or not isinstance(index, int):
        return None
    for item in (*items[index : index + 1], *items[: -_LOOKED_AT - 1 : -1]) if index >= 0 else ():
        if isinstance(item, dict) and item.get("index") == index:
            return item
    return None


def _joined(before: list[Any], more: list[Any]) -> list[Any]:
    for item in more:
        same = _with_index(before, item.get("index")) if isinstance(item, dict) else None
        if same is None:
            same = {} if isinstance(item, dict) else item
            before.append(same)
        if isinstance(item, dict):
            _add(same, item)
    return before
