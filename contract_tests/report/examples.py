"""What a rule looks like in bytes: a fixture that keeps it and one that breaks it, each cut to the place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contract_tests.rules.engine.judge import Finding, Rule, judge
from contract_tests.rules.engine.node import Node, Place, show
from contract_tests.rules.engine.view import Payload, View
from fake_server.wire import fixture, jsontext
from fake_server.wire.exchange import Ending, Exchange

BEFORE, AFTER = 36, 56
"""Bytes of a body that are shown before the place and from it on."""
_TEXTS = ("messages", "prompt", "input", "model", "tools")
"""Members of a request that are long and seldom what a rule is about."""
_WIDEST = 60


@dataclass(frozen=True)
class Excerpt:
    """Part of a fixture: `lines` in the order they crossed the wire, `column` of the mark in the last one.

    `column` is None where the rule is about the reply as a whole; `said` is what the rule says there.
    """

    path: Path
    title: str
    lines: tuple[str, ...]
    column: int | None
    said: str = ""


@cache
def broken_by(rule: Rule) -> Excerpt | None:
    """The fixture named after the rule, at the place where the rule complains."""
    path = fixture.SHIPPED / "broken" / f"{rule.id}.yaml"
    return broken_in(path, rule) if path.exists() else None


def broken_in(path: Path, rule: Rule) -> Excerpt | None:
    """A fixture at the place where the rule complains; None where it does not."""
    view = _view(path)
    finding = _finding(rule, view)
    if finding is None:
        return None
    said = finding.actual + (f"; expected: {finding.expected}" if finding.expected else "")
    return _excerpt(path, view, finding.place, said)


@cache
def kept_by(rule: Rule) -> Excerpt | None:
    """The conforming fixture that is most like the broken one, at the same place."""
    like, place = _broken(rule)
    fits = [path for path, applied in _conforming().items() if rule.id in applied]
    if not fits:
        return None
    path = min(fits, key=lambda one: (_unlike(like, _view(one)), one)) if like else fits[0]
    return _excerpt(path, _view(path), _same_place(_view(path), place, like) if like else Place())


def _broken(rule: Rule) -> tuple[View | None, Place]:
    path = fixture.SHIPPED / "broken" / f"{rule.id}.yaml"
    view = _view(path) if path.exists() else None
    finding = _finding(rule, view) if view else None
    place = finding.place if finding else Place()
    at_end = view is not None and place.offset == len(view.body) and not place.path
    return view, Place(offset=-1) if at_end else place


def _finding(rule: Rule, view: View) -> Finding | None:
    return next(iter(judge([rule], view).findings), None)


@cache
def _load(path: Path) -> fixture.Fixture:
    return fixture.load(path)


@cache
def _view(path: Path) -> View:
    return View(_load(path).exchange)


@cache
def _conforming() -> dict[Path, frozenset[str]]:
    """The conforming fixtures with the rules that apply to each."""
    from contract_tests.rules import RULES

    found = fixture.find(fixture.SHIPPED / "conforming")
    return {path: judge(RULES.values(), _view(path)).applied for path in found}


def _unlike(one: View, other: View) -> tuple[bool | int, ...]:
    """How far two exchanges are from each other, the weightiest difference first."""
    return (
        one.endpoint != other.endpoint,
        one.wants_stream != other.wants_stream,
        one.status // 100 != other.status // 100,
        len(set(one.request.value) ^ set(other.request.value)),
        abs(len(one.body) - len(other.body)),
    )


def _same_place(view: View, place: Place, broken: View) -> Place:
    """The place in another reply that has the path of the broken one's, in the event most like its event."""
    if place.offset == -1:
        return Place(offset=len(view.body))
    if place.event is None:
        node = _follow(view.root, place.path) if place.path else None
        return node.place if node else Place()
    payloads = sorted(view.payloads, key=lambda one: _unlike_event(one, place.event, broken))
    if not place.path:
        return Place(payloads[0].event.index, (), payloads[0].event.start) if payloads else Place()
    for payload in payloads:
        node = _follow(payload.node, place.path)
        if node:
            return node.place
    return Place()


def _unlike_event(one: Payload, number: int | None, broken: View) -> tuple[int, int]:
    """How far an event is from event `number` of the broken stream: in its members that say something."""
    there = next((other for other in broken.payloads if other.event.index == number), None)
    differing = len(_telling(one) ^ _telling(there)) if there else 0
    return differing, abs(one.event.index - (number or 0))


def _telling(payload: Payload) -> set[str]:
    value = payload.parsed.value
    return (
        {name for name, member in value.items() if member is not None} if isinstance(value, dict) else set()
    )


def _follow(root: Node, path: jsontext.Path) -> Node | None:
    """The node at the path; None where nothing is there."""
    node = root
    for step in path:
        if isinstance(step, str):
            node = node[step]
        else:
            items = list(node)
            if step >= len(items):
                return None
            node = items[step]
    return node if node.there else None


def _excerpt(path: Path, view: View, place: Place, said: str = "") -> Excerpt:
    lines = list(_head(view.exchange))
    column = None
    if place.offset is not None and view.body:
        line, column = _cut(view.body, place.offset)
        lines.append(line)
    elif view.body:
        lines.append(_cut(view.body, 0)[0])
    if view.exchange.ending is not Ending.CLEAN:
        lines.append(f"ended: {view.exchange.ending}")
        column = None
    return Excerpt(path, _load(path).title, tuple(lines), column, said)


def _head(exchange: Exchange) -> Iterator[str]:
    """The request and the head of the reply, a line each."""
    asked = exchange.request.json()
    members = asked.items() if isinstance(asked, dict) else ()
    told = [f"{name}: {show(value, _WIDEST)}" for name, value in members if name not in _TEXTS]
    yield " ".join(
        (exchange.request.method, exchange.request.target, f"{{{', '.join(told)}}}" if told else "")
    )
    if exchange.status is None:
        return
    fields = "; ".join(f"{name}: {value}" for name, value in exchange.headers if name.lower() != "host")
    yield f"HTTP/{exchange.http_version} {exchange.status} {exchange.reason} | {fields}"


def _cut(body: bytes, offset: int) -> tuple[str, int]:
    """The body around an offset as one line, and the column of the offset in it."""
    start, end = max(0, offset - BEFORE), min(len(body), offset + AFTER)
    before = ("…" if start else "") + _visible(body[start:offset])
    after = _visible(body[offset:end]) + ("…" if end < len(body) else "")
    return before + after, len(before)


def _visible(data: bytes) -> str:
    """Bytes as one line of text: line ends as ⏎, what is no text as �."""
    text = data.decode("utf-8", "replace").replace("\r\n", "⏎").replace("\n", "⏎").replace("\r", "⏎")
    return "".join(char if char.isprintable() else "�" for char in text)
