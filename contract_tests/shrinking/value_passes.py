"""Passes over the JSON of a reply: no member, item or text that the fault does not need."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import body_of, edited
from contract_tests.shrinking.search import Search, reduce
from contract_tests.shrinking.spans import (
    Edit,
    Item,
    Pattern,
    Span,
    containers,
    patterns,
    read,
    strings,
    without,
)
from fake_server.wire.exchange import Exchange
from fake_server.wire.sse import BOM, decode

READABLE = 32
"""Bytes of a text that need not be shortened: a reader sees more in a word than in a letter."""
_DEEPEST = 12
_PIECES = 64
"""Of a long list or text runs of this part of it are tried, not each item: a vector has thousands."""
_NAMES = frozenset({"id", "model", "object", "role", "type", "system_fingerprint", "tool_call_id"})
"""Members whose text is a name: cut short it would name something else."""
_ATOMS = re.compile(
    rb"""(?xs) \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2} | \\u[0-9a-fA-F]{4} | \\.
       | [\xc2-\xdf][\x80-\xbf] | [\xe0-\xef][\x80-\xbf]{2} | [\xf0-\xf4][\x80-\xbf]{3} | ."""
)


@dataclass(frozen=True, eq=False)
class Text:
    """A JSON text inside a larger one: where it starts, its bytes, its tree."""

    start: int
    text: bytes
    tree: Span

    def edits(self, gone: Collection[Item]) -> Iterator[Edit]:
        for start, stop, new in without(self.tree, gone):
            yield start + self.start, stop + self.start, new


@dataclass(frozen=True)
class Target:
    """Where a pass works: how the texts are read from an exchange, and how edits are made in it.

    Texts longer than `readable` bytes are cut to one of `lengths`; with `thorough`, to what the fault needs.
    """

    texts: Callable[[Exchange], list[Text]]
    edited: Callable[[Exchange, Collection[Edit]], Exchange]
    keeps: Callable[[Exchange, Pattern], bool] = lambda exchange, pattern: False
    readable: int = READABLE
    lengths: tuple[int, ...] = (READABLE // 2, 1)
    thorough: bool = True


def reply_texts(exchange: Exchange) -> list[Text]:
    """The JSON body, or each data line of an event stream."""
    body = body_of(exchange)
    form = View(exchange).form
    if form == "json":
        return text_of(body)
    if form != "events":
        return []
    found = []
    for event in decode(body):
        lines = [line for line in event.lines if line.field == "data"]
        for line in lines:
            if len(lines) == 1 or line.value.endswith(b"}"):  # else one JSON text stands on several lines
                found += text_of(line.value, line.start + len(line.data) - len(line.value))
    return found


def text_of(text: bytes, start: int = 0) -> list[Text]:
    """The text with its tree, behind a byte order mark; none where it holds nothing that could be cut."""
    inner = text.removeprefix(BOM)
    start, text = start + len(text) - len(inner), inner
    tree = read(text)
    return [Text(start, text, tree)] if tree and tree.items else []


REPLY = Target(reply_texts, edited)


def fewer_members_everywhere(search: Search, target: Target = REPLY) -> None:
    """No member, named by its path without indexes, that the fault does not need in any text."""
    for depth in range(1, _DEEPEST + 1):
        best = search.best
        found = {
            text: [pair for pair in patterns(text.tree) if len(pair[0]) == depth]
            for text in target.texts(best)
        }
        every = dict.fromkeys(name for pairs in found.values() for name, _ in pairs)
        if not every:
            return
        names = [name for name in every if not target.keeps(best, name)]

        def cut(
            kept: list[Pattern],
            best: Exchange = best,
            found: dict[Text, list[tuple[Pattern, Item]]] = found,
            names: list[Pattern] = names,
        ) -> bool:
            gone = set(names) - set(kept)
            edits = [
                edit
                for text, pairs in found.items()
                for edit in text.edits({item for name, item in pairs if name in gone})
            ]
            return search.accepts(target.edited(best, edits))

        reduce(names, cut)


def fewer_members(search: Search, target: Target = REPLY) -> None:
    """No single member or item that the fault does not need; of long lists no run."""
    done = 0
    while True:
        best = search.best
        places = [(text, span) for text in target.texts(best) for span in containers(text.tree)]
        if done >= len(places):
            return
        _fewer_of(search, *places[done], target)
        done += 1


def _fewer_of(search: Search, text: Text, span: Span, target: Target) -> None:
    best = search.best
    names = {item: pattern for pattern, item in patterns(text.tree)}
    loose = [item for item in span.items if not target.keeps(best, names[item])]

    def test(kept: list[Item]) -> bool:
        return search.accepts(target.edited(best, list(text.edits(set(loose) - set(kept)))))

    reduce(loose, test, finest=max(1, len(loose) // _PIECES))


def shorter_texts(search: Search, target: Target = REPLY) -> None:
    """No long text that the fault does not need; texts that are equal are shortened together."""
    seen: set[bytes] = set()
    while True:
        best = search.best
        places: dict[bytes, list[int]] = {}
        for text in target.texts(best):
            for span in strings(text.tree, _NAMES):
                raw = text.text[span.start : span.stop]
                places.setdefault(raw, []).append(text.start + span.start)
        longest = max((raw for raw in places if raw not in seen), key=len, default=b"")
        if len(longest) - 2 <= target.readable:
            return
        shorten(search, longest, places[longest], target)
        seen.add(longest)
        seen.update(raw for raw in _raws(target.texts(search.best)) if raw not in places)


def _raws(texts: list[Text]) -> Iterator[bytes]:
    return (text.text[span.start : span.stop] for text in texts for span in strings(text.tree, _NAMES))


def shorten(search: Search, raw: bytes, starts: list[int], target: Target) -> None:
    """One text at several places made as short as the fault allows, never within a character or an escape."""
    best = search.best
    quote, closed = raw[:1], raw[:1] if raw[-1:] == raw[:1] else b""
    inside = raw[1 : len(raw) - len(closed)]
    atoms = _ATOMS.findall(inside)

    def test(kept: list[bytes]) -> bool:
        new = quote + b"".join(kept) + closed
        return search.accepts(target.edited(best, [(at, at + len(raw), new) for at in starts]))

    for length in target.lengths:
        begin = _words(atoms, length)
        if begin and test(begin):
            return
    if target.thorough:
        reduce(atoms, test, finest=max(1, len(atoms) // _PIECES))


def _words(atoms: list[bytes], limit: int) -> list[bytes]:
    """The first so many characters, to the end of a word where there is one."""
    begin = atoms[:limit]
    if b" " in begin[1:]:
        return begin[: len(begin) - 1 - begin[::-1].index(b" ")]
    return begin
