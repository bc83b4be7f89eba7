"""Passes over an event stream: fewer events, fewer lines in them, two chunks made one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import body_of, edited
from contract_tests.shrinking.search import Search, reduce
from contract_tests.shrinking.spans import Edit, Item, Span, read
from fake_server.wire.exchange import Exchange
from fake_server.wire.sse import Event, decode

_SPOKEN = frozenset({"content", "arguments", "text", "refusal", "reasoning", "reasoning_content"})
"""Members of which chunks carry a piece each."""

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
    for chosen in (
        named,
        {*named, last},
        {0, *named, last - 1, last},
        {0, 1, *named, *around, last - 2, last - 1, last},
    ):
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
        for edits in (
            _taken_over(other, one, _before),
            _taken_over(other, one),
            _taken_over(one, other, _after),
            _taken_over(one, other),
        ):
            if edits and search.accepts(edited(search.best, edits)):
                break
        else:
            place += 1


def _before(mine: bytes, others: bytes) -> bytes:
    return others[:-1] + mine[1:]


def _after(mine: bytes, others: bytes) -> bytes:
    return mine[:-1] + others[1:]


def _mine(mine: bytes, others: bytes) -> bytes:
    return mine


Spoken = Callable[[bytes, bytes], bytes]
"""What becomes of two texts, each in its quotation marks, when the chunks that hold them are made one."""


def _taken_over(stays: Event, gone: Event, spoken: Spoken = _mine) -> list[Edit]:
    """The edits that cut out one event and put what only it had into the other; none where that cannot be."""
    mine, others = _tree(stays), _tree(gone)
    if mine is None or others is None:
        return []
    text, other = stays.raw_data or b"", gone.raw_data or b""
    edits = [
        (start + stays.data_start, stop + stays.data_start, new)
        for start, stop, new in _missing(mine, others, text, other, spoken)
    ]
    return [*edits, (gone.start, stays.start if gone.start < stays.start else gone.stop, b"")]


def _tree(event: Event) -> Span | None:
    """The object that an event carries on its one data line."""
    alone = sum(line.field == "data" for line in event.lines) == 1 and event.raw_data
    tree = read(alone) if alone else None
    return tree if tree and tree.kind == "object" else None


def _missing(stays: Span, gone: Span, text: bytes, other: bytes, spoken: Spoken) -> Iterator[Edit]:
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
        elif mine.value.items and item.value.items:
            yield from _missing(mine.value, item.value, text, other, spoken)
        elif item.name in _SPOKEN and mine.value.kind == item.value.kind == "string":
            joined = spoken(text[mine.value.start : mine.value.stop], value)
            yield mine.value.start, mine.value.stop, joined
    if new and stays.kind == "object":
        joint = b", " if b'", "' in text or b'": ' in text else b","
        at = stays.start + 1
        yield at, at, joint.join(new) + (joint if stays.items else b"")
