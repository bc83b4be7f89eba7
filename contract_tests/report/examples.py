"""Examples of a rule in bytes: a fixture that keeps it and one that breaks it, each cut to the place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from contract_tests.rules.engine.judge import Finding, Rule, judge
from contract_tests.rules.engine.node import Node, Place, show
from contract_tests.rules.engine.view import Payload, View
from fake_server.wire import fixture, jsontext
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.packed import unpacked
from fake_server.wire.text import format_count, shorten, shorten_start

BEFORE, AFTER = 36, 56
"""Bytes of a body shown before the place and from it on."""
_TEXTS = ("messages", "prompt", "input", "model", "tools")
"""Members of a request that are long and rarely what a rule is about."""
_WIDEST = 60


@dataclass(frozen=True)
class Excerpt:
    """An excerpt of a fixture: `lines` in the order they crossed the wire, and the place in the last line.

    `column` is None if the rule is about the reply as a whole. `complaint` is what the rule reports there.
    """

    path: Path
    title: str
    lines: tuple[str, ...]
    column: int | None
    complaint: str = ""

    @property
    def pointer(self) -> str:
        """The line that points at the column of the last line, with the complaint; '' if there is none."""
        if self.column is not None:
            return f"{' ' * self.column}^ {self.complaint}".rstrip()
        return f"→ {self.complaint}" if self.complaint else ""

    def fit(self, width: int) -> Excerpt:
        """The excerpt with its place within `width` columns, cut on both sides of it."""
        if self.column is None or len(self.lines[-1]) <= width:
            return self
        before = shorten_start(self.lines[-1][: self.column], width * 2 // 5)
        line = before + shorten(self.lines[-1][self.column :], width - len(before))
        return replace(self, lines=(*self.lines[:-1], line), column=len(before))


def find_broken(rule: Rule) -> Excerpt | None:
    """The fixture named after the rule, at the place of the finding."""
    return _find_pair(rule)[1]


def find_conforming(rule: Rule) -> Excerpt | None:
    """The conforming fixture most like the broken one, at the same place; None if the rule fits none.

    Forms that a rule makes an exception for are in a folder of their own, and no examples.
    """
    return _find_pair(rule)[0]


@cache
def _find_pair(rule: Rule) -> tuple[Excerpt | None, Excerpt | None]:
    """The excerpts that keep and break a rule; if they read the same, both are cut where they begin to differ."""
    kept, broken = _kept_excerpt(rule), _broken_excerpt(rule)
    if kept is None or broken is None or kept.lines != broken.lines:
        return kept, broken
    views = _view(kept.path), _view(broken.path)
    bodies = [view.body for view in views]
    if bodies[0] != bodies[1]:
        pairs = enumerate(zip(*bodies, strict=False))
        place = Place(offset=next((at for at, (a, b) in pairs if a != b), min(map(len, bodies))))
        return _excerpt(kept.path, views[0], place), _excerpt(broken.path, views[1], place, broken.complaint)
    told = [list(_message(view.exchange)) for view in views]
    lines = [tuple(line for line in told[i] if line not in told[1 - i]) for i in (0, 1)]
    return tuple(  # type: ignore[return-value]
        replace(excerpt, lines=(*excerpt.lines[:-1], *more, *excerpt.lines[-1:]))
        for excerpt, more in zip((kept, broken), lines, strict=True)
    )


def _message(exchange: Exchange) -> Iterator[str]:
    """What crossed the wire besides the bodies and the head of the reply, one line for each part."""
    shown = (field for field in exchange.request.headers or () if field[0].lower() not in ("host", "authorization"))
    yield f"sent with {'; '.join(f'{name}: {value}' for name, value in shown)}"
    waits = [exchange.head_pause, *(round(write.pause, 1) for write in exchange.writes)]
    yield f"{format_count(len(waits) - 1, 'write')} over {sum(waits):.1f} s, the longest wait {max(waits):.1f} s"
    yield f"framing {exchange.framing}, ended: {exchange.ending}"
    if exchange.problem:
        yield f"problem: {exchange.problem}"
    raw = b"".join(read.data for read in exchange.raw)
    if raw:
        yield f"the connection carried {_cut(raw, len(raw))[0]}"


def _broken_excerpt(rule: Rule) -> Excerpt | None:
    path = _broken_path(rule)
    return excerpt_at_finding(path, rule) if path else None


@cache
def _broken_path(rule: Rule) -> Path | None:
    """The fixture that breaks the rule; a wheel has it packed."""
    path = fixture.SHIPPED / "broken" / f"{rule.id}.yaml"
    with unpacked(path.parent, path.name) as folder:
        return path if (folder / path.name).exists() else None


def excerpt_at_finding(path: Path, rule: Rule) -> Excerpt | None:
    """A fixture at the place of the rule's finding; None if the rule finds nothing in it."""
    view = _view(path)
    finding = _finding(rule, view)
    if finding is None:
        return None
    return _excerpt(path, view, finding.place, format_complaint(finding))


def format_complaint(finding: Finding) -> str:
    """What was found and what was expected, in one line."""
    return finding.actual + (f"; expected: {finding.expected}" if finding.expected else "")


def _kept_excerpt(rule: Rule) -> Excerpt | None:
    like, place = _broken(rule)
    paths = sorted((fixture.SHIPPED / "conforming").glob("*.yaml"))
    if like:
        paths.sort(key=lambda path: _distance(like, _view(path)))
    path = next((path for path in paths if rule.id in judge([rule], _view(path)).applied), None)
    if path is None:
        return None
    return _excerpt(path, _view(path), _same_place(_view(path), place, like) if like else Place())


def _broken(rule: Rule) -> tuple[View | None, Place]:
    path = _broken_path(rule)
    view = _view(path) if path else None
    finding = _finding(rule, view) if view else None
    place = finding.place if finding else Place()
    at_end = view is not None and place.offset == len(view.body) and not place.path
    return view, Place(offset=-1) if at_end else place


def _finding(rule: Rule, view: View) -> Finding | None:
    return next(iter(judge([rule], view).findings), None)


@cache
def _load(path: Path) -> fixture.Fixture:
    with unpacked(path.parent, path.stem) as folder:
        return fixture.load(folder / path.name)


@cache
def _view(path: Path) -> View:
    return View(_load(path).exchange)


def _distance(a: View, b: View) -> tuple[bool | int, ...]:
    """How different two exchanges are, the most important difference first."""
    return (
        a.endpoint != b.endpoint,
        a.wants_stream != b.wants_stream,
        a.status // 100 != b.status // 100,
        len(set(a.request.value) ^ set(b.request.value)),
        abs(len(a.body) - len(b.body)),
    )


def _same_place(view: View, place: Place, broken: View) -> Place:
    """The place in another reply with the same path, in the event most like the broken reply's event."""
    if place.offset == -1:
        return Place(offset=len(view.body))
    if place.event is None:
        node = _follow(view.root, place.path) if place.path else None
        return node.place if node else Place()
    payloads = sorted(view.payloads, key=lambda payload: _event_distance(payload, place.event, broken))
    if not place.path:
        return Place(payloads[0].event.index, (), payloads[0].event.start) if payloads else Place()
    for payload in payloads:
        node = _follow(payload.node, place.path)
        if node:
            return node.place
    return Place()


def _event_distance(payload: Payload, number: int | None, broken: View) -> tuple[int, int]:
    """How different an event is from event `number` of the broken stream, by members that are not null."""
    there = next((other for other in broken.payloads if other.event.index == number), None)
    differing = len(_informative_members(payload) ^ _informative_members(there)) if there else 0
    return differing, abs(payload.event.index - (number or 0))


def _informative_members(payload: Payload) -> set[str]:
    value = payload.parsed.value
    return {name for name, member in value.items() if member is not None} if isinstance(value, dict) else set()


def _follow(root: Node, path: jsontext.Path) -> Node | None:
    """The node at the path; None if there is none."""
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


def _excerpt(path: Path, view: View, place: Place, complaint: str = "") -> Excerpt:
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
    return Excerpt(path, _load(path).title, tuple(lines), column, complaint)


def _head(exchange: Exchange) -> Iterator[str]:
    """The request and the head of the reply, one line each."""
    body = exchange.request.json()
    members = body.items() if isinstance(body, dict) else ()
    shown = [f"{name}: {show(value, _WIDEST)}" for name, value in members if name not in _TEXTS]
    yield " ".join((exchange.request.method, exchange.request.target, f"{{{', '.join(shown)}}}" if shown else ""))
    if exchange.status is None:
        return
    fields = "; ".join(f"{name}: {value}" for name, value in exchange.headers if name.lower() != "host")
    yield f"HTTP/{exchange.http_version} {exchange.status} {exchange.reason} | {fields}"


def _cut(body: bytes, offset: int) -> tuple[str, int]:
    """The body around an offset as one line, and the column of the offset in it."""
    start, end = max(0, offset - BEFORE), min(len(body), offset + AFTER)
    before = ("…" if start else "") + _one_line(body[start:offset])
    after = _one_line(body[offset:end]) + ("…" if end < len(body) else "")
    return before + after, len(before)


def _one_line(data: bytes) -> str:
    """Bytes as one line of text: line endings as ⏎, unprintable characters as �."""
    text = data.decode("utf-8", "replace").replace("\r\n", "⏎").replace("\n", "⏎").replace("\r", "⏎")
    return "".join(char if char.isprintable() else "�" for char in text)
