"""Passes over the JSON of a reply: fewer members and items, shorter texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import decoded_body, edit_body
from contract_tests.shrinking.search import Search, reduce
from contract_tests.shrinking.spans import (
    Edit,
    Item,
    Pattern,
    Span,
    cut_items,
    parse,
    patterns,
)
from fake_server.wire.exchange import Exchange
from fake_server.wire.sse import BOM, decode

READABLE = 32
"""Bytes up to which a text stays whole: a word tells a reader more than a letter."""
LONG = 10_000
"""Bytes from which a text, or a request, is shortened first."""
_DEEPEST = 12
_PIECES = 64
"""A long list or text is reduced in runs of this fraction of it, not item by item: a vector has thousands."""
_NAMES = frozenset({"id", "model", "object", "role", "type", "system_fingerprint", "tool_call_id"})
"""Members whose text is a name, which would name something else if it were shortened."""
_ATOMS = re.compile(
    rb"""(?xs) \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2} | \\u[0-9a-fA-F]{4} | \\.
       | [\xc2-\xdf][\x80-\xbf] | [\xe0-\xef][\x80-\xbf]{2} | [\xf0-\xf4][\x80-\xbf]{3} | ."""
)


@dataclass(frozen=True, eq=False)
class Text:
    """A JSON text inside a body: its start there, its bytes, its tree."""

    start: int
    text: bytes
    tree: Span

    def edits(self, gone: Collection[Item]) -> Iterator[Edit]:
        """The edits of the body that remove these items."""
        for start, stop, new in cut_items(self.tree, gone):
            yield start + self.start, stop + self.start, new


@dataclass(frozen=True)
class Target:
    """What a pass works on, reply or request: how its JSON texts are parsed, and how they are edited.

    Strings longer than `readable` bytes are shortened to one of `lengths`, and with `thorough` to what the
    fault needs. Members for which `is_needed` holds are not removed.
    """

    parse_texts: Callable[[Exchange], list[Text]]
    edit: Callable[[Exchange, Collection[Edit]], Exchange]
    is_needed: Callable[[Exchange, Pattern], bool] = lambda exchange, pattern: False
    readable: int = READABLE
    lengths: tuple[int, ...] = (READABLE // 2, 1)
    thorough: bool = True


def reply_texts(exchange: Exchange) -> list[Text]:
    """The JSON body, or each data line of an event stream."""
    body = decoded_body(exchange)
    form = View(exchange).form
    if form == "json":
        return parse_text(body)
    if form != "events":
        return []
    texts = []
    for event in decode(body):
        lines = [line for line in event.lines if line.field == "data"]
        for line in lines:
            if len(lines) == 1 or line.value.endswith(b"}"):  # else the JSON text may span several lines
                texts += parse_text(line.value, line.start + len(line.data) - len(line.value))
    return texts


def parse_text(text: bytes, start: int = 0) -> list[Text]:
    """The text with its tree, without a byte order mark; an empty list if nothing in it could be removed."""
    inner = text.removeprefix(BOM)
    start, text = start + len(text) - len(inner), inner
    tree = parse(text)
    return [Text(start, text, tree)] if tree and tree.items else []


REPLY = Target(reply_texts, edit_body)


def reduce_members_everywhere(search: Search, target: Target = REPLY) -> None:
    """Remove members that the fault needs in no text, each in all places with the same path."""
    for depth in range(1, _DEEPEST + 1):
        if not _reduce_members_at(depth, search, target):
            return


def _reduce_members_at(depth: int, search: Search, target: Target) -> bool:
    """Remove members with paths of this length; whether there are any."""
    best = search.best
    texts = target.parse_texts(best)
    members = [pair for text in texts for pair in patterns(text.tree) if len(pair[0]) == depth]
    names = [name for name in dict.fromkeys(name for name, _ in members) if not target.is_needed(best, name)]

    def test(needed: list[Pattern]) -> bool:
        gone_names = set(names).difference(needed)
        gone = {item for name, item in members if name in gone_names}
        return search.accepts(target.edit(best, [edit for text in texts for edit in text.edits(gone)]))

    reduce(names, test)
    return bool(members)


def reduce_members(search: Search, target: Target = REPLY) -> None:
    """Remove single members and items that the fault does not need, and runs of items from long lists."""
    done = 0
    while True:
        search.check_time()
        places = [
            (text, span)
            for text in target.parse_texts(search.best)
            for span in (text.tree, *(item.value for _, item in patterns(text.tree)))
            if span.items
        ]
        if done >= len(places):
            return
        _reduce_container(search, *places[done], target)
        done += 1


def _reduce_container(search: Search, text: Text, span: Span, target: Target) -> None:
    names = {item: pattern for pattern, item in patterns(text.tree)}
    others = [item for item in span.items if not target.is_needed(search.best, names[item])]
    reduce_items(search, text, others, target, finest=max(1, len(others) // _PIECES))


def reduce_items(search: Search, text: Text, items: list[Item], target: Target, finest: int = 1) -> None:
    """Remove those of the items of one text that the fault does not need."""
    best = search.best

    def test(needed: list[Item]) -> bool:
        return search.accepts(target.edit(best, list(text.edits(set(items).difference(needed)))))

    reduce(items, test, finest)


def shorten_texts(search: Search, target: Target = REPLY) -> None:
    """Shorten long strings, the longest first; equal strings are shortened together."""
    seen: set[bytes] = set()
    while True:
        places = _string_places(target.parse_texts(search.best))
        longest = max((raw for raw in places if raw not in seen), key=len, default=b"")
        if len(longest) - 2 <= target.readable:
            return
        shorten_text(search, longest, places[longest], target)
        seen.add(longest)
        seen.update(_string_places(target.parse_texts(search.best)).keys() - places.keys())


def cut_long_texts(search: Search, target: Target) -> None:
    """Shorten very long strings before anything else: each candidate takes as long as the bytes it has."""
    shorten_texts(search, replace(target, readable=LONG, thorough=False))


def _string_places(texts: list[Text]) -> dict[bytes, list[int]]:
    """Where in the body each string stands that is not a name, nor inside one."""
    places: dict[bytes, list[int]] = {}
    for text in texts:
        for pattern, item in patterns(text.tree):
            if item.value.kind == "string" and not _NAMES.intersection(pattern):
                raw = text.text[item.value.start : item.value.stop]
                places.setdefault(raw, []).append(text.start + item.value.start)
    return places


def shorten_text(search: Search, raw: bytes, starts: list[int], target: Target) -> None:
    """Shorten one string at several places as far as the fault allows, never inside a character or escape."""
    best = search.best
    quote, closed = raw[:1], raw[:1] if raw[-1:] == raw[:1] else b""
    inside = raw[1 : len(raw) - len(closed)]
    atoms = _ATOMS.findall(inside)

    def test(needed: list[bytes]) -> bool:
        new = quote + b"".join(needed) + closed
        return search.accepts(target.edit(best, [(at, at + len(raw), new) for at in starts]))

    for length in target.lengths:
        begin = _first_words(atoms, length)
        if begin and test(begin):
            return
    if target.thorough:
        reduce(atoms, test, finest=max(1, len(atoms) // _PIECES))


def _first_words(atoms: list[bytes], limit: int) -> list[bytes]:
    """The first `limit` characters, back to the end of a word if there is one."""
    begin = atoms[:limit]
    if b" " in begin[1:]:
        return begin[: len(begin) - 1 - begin[::-1].index(b" ")]
    return begin
