"""The strings, names and numbers of a JSON text, joined as a reader may join them: tokens, codes, members, columns.

Bodies have millions of items, hence arrays of numbers in place of objects.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from fake_server.relay.redact.clock import in_time
from fake_server.relay.redact.codes import Codes
from fake_server.relay.redact.codings import decode_piece
from fake_server.relay.redact.patterns import Span
from fake_server.relay.redact.views import Edit, Pieces, changes

_TOKEN = re.compile(
    r'"((?:[^"\\\r\n]++|\\.)*+)"?|([{}\[\]:,])'
    r"|(?<![\w.+-])(-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)|(?:^|(?<=[\r\n]))data:",
    re.DOTALL,
)
_WHOLE = re.compile(r"([0-9]{1,7})(?:\.0{1,9})?")
_CODE = re.compile(r"(?:0[xX]([0-9a-fA-F]{2})|([0-9]{2,3}))")
"""A code that is written as a string."""
MAX_DEPTH = 64
MAX_LISTS = 3
"""Lists around an item whose index may stay the same from piece to piece: the second of several alternatives."""
MAX_COLUMNS = 64
"""Items of a list in a list that are joined with those at the same index of the other lists."""
END = 512
"""Characters at the ends of a long string that may be a piece of something."""
FEWEST = 5
"""Codes that are read as a text."""

Scope = tuple[int, int]
"""An item of a list: what holds the list, and the index."""


@dataclass(slots=True, eq=False)
class Node:
    """An object or a list; `keys` are hashes of its path without indexes, and with one of them."""

    parent: Node | None
    is_list: bool
    keys: tuple[int, ...]
    at: int = -1
    name: str = ""
    count: int = 0

    def place(self) -> int:
        """The index of the next item, -1 in an object."""
        return self.count if self.is_list else -1

    def steps(self) -> tuple[int, ...]:
        """The keys of the next member or item."""
        if not self.is_list:
            return tuple([hash((key, self.name)) for key in self.keys])
        keys = tuple([hash((key, None)) for key in self.keys])
        return (*keys, hash((self.keys[0], self.count))) if len(keys) > 1 and self.count < MAX_COLUMNS else keys


class _Leaves:
    """Strings, or codes: where each stands, in which object or list, and which of them belong together."""

    def __init__(self) -> None:
        self.starts, self.stops, self.at = array("i"), array("i"), array("i")
        self.nodes: list[Node] = []
        self.groups: dict[int, array[int] | int] = {}
        """The numbers of the leaves by a key that they share; most keys have one."""

    def add(self, span: Span, node: Node, keys: Iterable[int]) -> None:
        place = len(self.nodes)
        self.starts.append(span[0])
        self.stops.append(span[1])
        self.at.append(node.place())
        self.nodes.append(node)
        for key in keys:
            group = self.groups.setdefault(key, place)
            if isinstance(group, array):
                group.append(place)
            elif group != place:
                self.groups[key] = array("i", (group, place))

    def joinings(self, fewest: int, everything: Iterable[int]) -> Iterator[array[int]]:
        """The groups of several leaves, and all of them, each once."""
        seen: set[bytes | int] = set()
        for places in chain(self.groups.values(), [array("i", everything)]):
            if isinstance(places, array) and len(places) >= fewest and (mark := hash(places.tobytes())) not in seen:
                seen.add(mark)
                yield places

    def scopes(self, place: int) -> Iterator[Scope]:
        """The items of lists that a leaf stands in, the innermost first."""
        node: Node | None = self.nodes[place]
        at = self.at[place]
        while node is not None:
            if node.is_list:
                yield id(node.parent), at
            at, node = node.at, node.parent


class Items:
    """The leaves of a JSON text, or of the events of a stream, in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.strings, self.numbers = _Leaves(), _Leaves()
        self._names: set[int] = set()
        self._codes, self._bases = array("i"), bytearray()
        self._read()

    def _read(self) -> None:
        text, root = self.text, Node(None, False, (0,))
        node, beyond, is_name = root, 0, False
        for match in in_time(_TOKEN.finditer(text)):
            kind = match.lastindex
            if kind == 1:
                self._add_string(node, match, is_name)
            elif kind == 3:
                whole = _WHOLE.fullmatch(match[3])
                if whole and 9 <= (code := int(whole[1])) < 0x110000:
                    self._add_code(node, match.start(3), match.start(3) + len(whole[1]), code, 10)
            elif kind is None:  # the next event
                node, beyond, is_name = root, 0, False
            elif (mark := match[2]) in "{[":
                if text[match.start() - 1 : match.start()] in ("", "\n", "\r"):
                    node, beyond = root, 0
                if beyond or len(node.keys) > MAX_DEPTH:
                    beyond += 1
                else:
                    first, *others = node.steps()
                    if node.is_list and len(node.keys) == 1 and node.count < MAX_COLUMNS:
                        others = [hash((node.keys[0], node.count))]
                    node = Node(node, mark == "[", (first, *others[-MAX_LISTS:]), node.place())
                is_name = mark == "{"
            elif mark in "}]":
                if beyond:
                    beyond -= 1
                else:
                    node = node.parent or root
                is_name = False
            elif mark == ":":
                is_name = False
            else:
                node.count += 1
                is_name = not node.is_list and node is not root

    def _add_string(self, node: Node, match: re.Match[str], is_name: bool) -> None:
        span = match.span(1)
        if is_name:
            node.name = match[1]
            self._names.add(len(self.strings.nodes))
            self.strings.add(span, node, (hash((key, "a name")) for key in node.keys))
            return
        self.strings.add(span, node, node.steps())
        if span[1] - span[0] <= 4 and (code := _CODE.fullmatch(self.text, *span)):
            base, group = (16, 1) if code[1] else (10, 2)
            self._add_code(node, *code.span(group), int(code[group], base), base)

    def _add_code(self, node: Node, start: int, stop: int, code: int, base: int) -> None:
        self.numbers.add((start, stop), node, node.steps())
        self._codes.append(code)
        self._bases.append(base)

    def string_spans(self) -> Iterator[Span]:
        """Where the strings that are no names stand."""
        for place, span in enumerate(zip(self.strings.starts, self.strings.stops, strict=True)):
            if place not in self._names:
                yield span

    def strings_in(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The numbers of the strings that overlap a slice, with start and stop of each."""
        starts, stops = self.strings.starts, self.strings.stops
        for place in range(max(bisect_right(starts, start) - 1, 0), len(starts)):
            if starts[place] >= stop:
                return
            if stops[place] > start:
                yield place, starts[place], stops[place]

    def decoded(self) -> Pieces:
        """Every joining of what the strings say that are base64, each for itself."""
        pieces = Pieces(self.text)
        views = {
            place: view
            for place, (start, stop) in enumerate(zip(self.strings.starts, self.strings.stops, strict=True))
            if place not in self._names and (view := decode_piece(self.text[start:stop]))
        }
        for places in self.strings.joinings(2, views) if len(views) > 1 else ():
            for place in places:
                if place in views:
                    pieces.add(self.strings.starts[place], self.strings.stops[place], place, views[place])
            pieces.end()
        return pieces

    def joined(self) -> Pieces:
        """Every joining of the strings, one after another."""
        strings, pieces = self.strings, Pieces(self.text)
        values = (place for place in range(len(strings.nodes)) if place not in self._names)
        for places in strings.joinings(2, values):
            first = self.text[strings.starts[places[0]] : strings.stops[places[0]]]
            if all(self.text[strings.starts[place] : strings.stops[place]] == first for place in places):
                continue
            for place in in_time(places):
                start, stop = strings.starts[place], strings.stops[place]
                if stop - start <= 2 * END:
                    pieces.add(start, stop, place)
                else:
                    pieces.add(start, start + END, place)
                    pieces.end()
                    pieces.add(stop - END, stop, place)
            pieces.end()
        return pieces

    def counted(self, everything: bool) -> Codes:
        """Every joining of the numbers that may be codes of characters, read as a text; or without that of all."""
        codes = Codes()
        printed = (place for place, code in enumerate(self._codes if everything else ()) if 32 <= code < 256)
        for places in self.numbers.joinings(FEWEST, printed):
            self._add_codes(codes, places)
            codes.end()
        return codes

    def twins(self, changed: dict[int, str]) -> Iterator[Edit]:
        """The edits of the strings that repeat a changed one in the same item, or in the same item of a list beside it.

        `changed` are the numbers of the strings with their new texts. The alternatives of a log probability hold its
        token again.
        """
        scopes: dict[Scope, dict[str, str]] = {}
        strings = self.strings
        for place, new in changed.items():
            if scope := next(strings.scopes(place), None):
                scopes.setdefault(scope, {})[self.text[strings.starts[place] : strings.stops[place]]] = new
        for place in range(len(strings.nodes)) if scopes else ():
            text = self.text[strings.starts[place] : strings.stops[place]]
            for scope in strings.scopes(place) if place not in changed else ():
                if text in scopes.get(scope, ()):
                    yield from changes(text, scopes[scope][text], strings.starts[place])
                    break
        lists: dict[int, list[int]] = {}
        for place, node in enumerate(self.numbers.nodes if scopes else ()):
            if node.is_list:
                lists.setdefault(id(node), []).append(place)
        for places in lists.values():
            spelled = "".join([chr(self._codes[place]) for place in places])
            for scope in list(self.numbers.scopes(places[0]))[1:]:
                if spelled in scopes.get(scope, ()):
                    codes = Codes()
                    self._add_codes(codes, places)
                    yield from codes.map_back(changes(spelled, scopes[scope][spelled]))
                    break

    def _add_codes(self, codes: Codes, places: Iterable[int]) -> None:
        for place in in_time(places):
            codes.add(self.numbers.starts[place], self.numbers.stops[place], self._codes[place], self._bases[place])
