"""Joins texts that a stream sends piece by piece, so that no secret hides between two events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fake_server.relay.redact.clock import in_time
from fake_server.relay.redact.patterns import Span
from fake_server.relay.redact.views import Pieces

_LINE = re.compile(r"[^\r\n]+")
_ONE_LINE_END = frozenset(("\n", "\r\n", "\r"))
_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)"?|([{}\[\]:,])|(-?[0-9]{1,6})(?![0-9.])', re.DOTALL)
_BOM = "\xef\xbb\xbf"
MAX_DEPTH = 64
"""Levels of JSON nesting up to which strings are joined."""

Key = tuple[str | int, ...]


@dataclass(slots=True)
class _Node:
    """An object or a list that is being read; `at` is its place in its parent, `ids` are those of its members."""

    parent: _Node | None
    is_list: bool
    at: str | int
    name: str = ""
    count: int = 0
    ids: Key = ()

    def step(self) -> str | int:
        return self.count if self.is_list else self.name


def join_events(text: str) -> Iterator[Pieces]:
    """Each text sent in several events: of one choice, one tool call, one member, one output item.

    Events are server-sent events or lines of JSON. If items have an `item_id`, the pieces of each item are
    joined, and also the pieces of all items, because the ids may be wrong.
    """
    together: dict[Key, list[Span]] = {}
    for event in in_time(_events(text)):
        strings, ids = _strings(text, event)
        for key, span in strings:
            together.setdefault(("", *key), []).append(span)
            if ids:
                together.setdefault((*ids, *key), []).append(span)
    seen: set[tuple[int, int]] = set()
    for spans in together.values():
        mark = (spans[0][0], len(spans))
        if len(spans) > 1 and mark not in seen and len({text[slice(*span)] for span in spans}) > 1:
            seen.add(mark)
            pieces = Pieces(text)
            for span in spans:
                pieces.add(*span)
            yield pieces


def _events(text: str) -> Iterator[list[Span]]:
    """The spans of the data of each event, line by line."""
    lines: list[Span] = []
    before = 0
    for match in _LINE.finditer(text):
        start, stop = match.span()
        if lines and text[before:start] not in _ONE_LINE_END:
            yield lines
            lines = []
        before = stop
        if start == 0 and text.startswith(_BOM):
            start = len(_BOM)
        if text.startswith("data:", start):
            lines.append((start + 5, stop))
        elif text.startswith("{", start):
            yield [(start, stop)]
    if lines:
        yield lines


def _strings(text: str, lines: Iterable[Span]) -> tuple[list[tuple[Key, Span]], Key]:
    """The strings of an event, unfinished ones too, each with its path, and the ids of the event."""
    node: _Node | None = None
    root: _Node | None = None
    depth, is_name = 0, False
    strings: list[tuple[_Node, str | int, Span]] = []
    for line in lines:
        for match in in_time(_TOKEN.finditer(text, *line)):
            mark = match[2]
            if mark is None:
                if node is None:
                    continue
                if match[1] is None:
                    if node.name.endswith("index") and not node.is_list:
                        node.ids += (node.name, int(match[3]))
                elif is_name:
                    node.name = match[1]
                else:
                    strings.append((node, node.step(), match.span(1)))
                    if node.name == "item_id":
                        node.ids += ("item_id", match[1])
            elif mark in "{[":
                depth += 1
                if depth > MAX_DEPTH:
                    return [], ()
                node = _Node(node, mark == "[", node.step() if node else "")
                root = root or node
                is_name = mark == "{"
            elif mark in "}]":
                depth -= 1
                node = node.parent if node else None
                is_name = False
            elif mark == ":":
                is_name = False
            elif node is not None:
                node.count += 1
                is_name = not node.is_list
    return [((*_path(node), step), span) for node, step, span in strings], root.ids if root else ()


def _path(node: _Node) -> Key:
    """The path of an object; list items are identified by their `index` member if they have one."""
    steps: list[str | int] = []
    while node.parent is not None:
        by_index = node.parent.is_list and node.ids
        steps.append(f"{node.ids}" if by_index else node.at)
        node = node.parent
    return tuple(steps)
