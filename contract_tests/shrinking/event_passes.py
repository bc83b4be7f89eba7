"""Passes over an event stream: fewer events, fewer lines in them, two chunks made one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from contract_tests.rules.view import View
from contract_tests.shrinking.editing import body_of, edited
from contract_tests.shrinking.search import Search, reduce
from contract_tests.shrinking.spans import Edit, Item, Span, read
from fake_server.wire.exchange import Exchange
from fake_server.wire.sse import Event, decode

Block = tuple[int, int]
"""An event with the blank lines after it, from its first byte to its end."""


def blocks_of(exchange: Exchange) -> list[Block]:
    """The events of a body and, where something stands before the first, that."""
    body = body_of(exchange)
    starts = [event.start for event in decode(body)] if View(exchange).form == "events" else []
    if not starts:
        return []
    if starts[0]:
        starts.insert(0, 0)
    return list(pairwise([*starts, len(body)]))


def only(exchange: Exchange, blocks: Sequence[Block], kept: Collection[Block]) -> Exchange:
    """The exchange with these blocks of its body alone."""
    return edited(exchange, [(start, stop, b"") for start, stop in blocks if (start, stop) not in kept])


def likely_events(search: Search, suspects: Collection[int]) -> None:
    """Only the suspects, by their number, and what a stream begins and ends with, if that is enough."""
    best = search.best
    blocks = blocks_of(best)
    events = {block[0]: block for block in blocks}
    numbered = [events[event.start] for event in decode(body_of(best))] if blocks else []
    last = len(numbered) - 1
    named = {number for number in suspects if number <= last}
    around = {near for number in named for near in (number - 1, number + 1)}
    for chosen in (named, {*named, last}, {0, *named, last - 1, last}, {0, 1, *named, *around, last - 2, last - 1, last}):
        kept = [numbered[number] for number in sorted(chosen) if 0 <= number <= last]
        if 0 < len(kept) < len(blocks) and search.accepts(only(best, blocks, kept)):
            return


def fewer_events(search: Search) -> None:
    """No event that the fault does not need."""
    best = search.best
    blocks = blocks_of(best)
    reduce(blocks, lambda kept: search.accepts(only(best, blocks, kept)))


def fewer_lines(search: Search) -> None:
    """No comment, field or data line that the fault does not need."""
    best = search.best
    lines = [
        (line.start, line.start + len(line.data) + len(line.end))
        for event in (decode(body_of(best)) if blocks_of(best) else [])
        for line in event.lines
        if len(event.lines) > 1
    ]
    reduce(lines, lambda kept: search.accepts(only(best, lines, kept)))


def joined_events(search: Search) -> None:
    """Two neighbours in one: the second takes what it lacks from the first, or the first from the second."""
    place = 0
    while True:
        body = body_of(search.best)
        events = decode(body) if blocks_of(search.best) else []
        if place + 1 >= len(events):
            return
        one, other = events[place], events[place + 1]
        for gone, stays in ((one, other), (other, one)):
            edits = list(_taken_over(body, stays, gone))
            if edits and search.accepts(edited(search.best, [*edits, (gone.start, gone.stop, b"")])):
                break
        else:
            place += 1


def _taken_over(body: bytes, stays: Event, gone: Event) -> Iterator[Edit]:
    """The edits that put into one event what only the other has."""
    trees = [_tree(event) for event in (stays, gone)]
    if trees[0] is None or trees[1] is None:
        return
    texts = [(event.raw_data or b"") for event in (stays, gone)]
    for start, stop, new in _missing(trees[0], trees[1], *texts):
        yield start + stays.data_start, stop + stays.data_start, new


def _tree(event: Event) -> Span | None:
    """The object that an event carries on its one data line."""
    alone = sum(line.field == "data" for line in event.lines) == 1 and event.raw_data
    tree = read(alone) if alone else None
    return tree if tree and tree.kind == "object" else None


def _missing(stays: Span, gone: Span, text: bytes, other: bytes) -> Iterator[Edit]:
    """What `gone` has at places where `stays` has nothing, null or an empty array."""
    here: dict[str | int, Item] = {item.name: item for item in stays.items}
    new: list[bytes] = []
    for item in gone.items:
        value = other[item.value.start : item.value.stop]
        mine = here.get(item.name)
        if value == b"null":
            continue
        if mine is None:
            new.append(other[item.start : item.stop])
        elif text[mine.value.start : mine.value.stop] in (b"null", b"[]", b'""'):
            yield mine.value.start, mine.value.stop, value
        elif mine.value.kind == item.value.kind and mine.value.items and item.value.items:
            yield from _missing(mine.value, item.value, text, other)
    if new and stays.kind == "object":
        joint = b", " if b'", "' in text or b'": ' in text else b","
        at = stays.start + 1
        yield at, at, joint.join(new) + (joint if stays.items else b"")
