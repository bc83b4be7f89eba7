"""Passes over an event stream: fewer events, fewer lines in them, neighbouring chunks joined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import decoded_body, edit_body
from contract_tests.shrinking.search import Search, reduce
from contract_tests.shrinking.spans import Edit, Item, Span, parse
from fake_server.wire.exchange import Exchange
from fake_server.wire.sse import Event, decode

_TEXT_MEMBERS = frozenset({"content", "arguments", "text", "refusal", "reasoning", "reasoning_content"})
"""Members whose value is sent in pieces, one per chunk."""

Block = tuple[int, int]
"""Start and stop of an event with the blank lines after it."""


def event_blocks(exchange: Exchange) -> list[Block]:
    """The events of a body, preceded by whatever comes before the first event."""
    body = decoded_body(exchange)
    starts = [event.start for event in decode(body)] if View(exchange).form == "events" else []
    if not starts:
        return []
    if starts[0]:
        starts.insert(0, 0)
    return list(pairwise([*starts, len(body)]))


def keep_blocks(exchange: Exchange, blocks: Sequence[Block], kept: Collection[Block]) -> Exchange:
    """The exchange with only these blocks of its body."""
    return edit_body(exchange, [(start, stop, b"") for start, stop in blocks if (start, stop) not in kept])


def keep_likely_events(search: Search, suspects: Collection[int]) -> None:
    """Try to keep only the suspect events, alone or with the first and last events of the stream."""
    best = search.best
    blocks = event_blocks(best)
    events = {block[0]: block for block in blocks}
    numbered = [events[event.start] for event in decode(decoded_body(best))] if blocks else []
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
        if 0 < len(kept) < len(blocks) and search.accepts(keep_blocks(best, blocks, kept)):
            return


def reduce_events(search: Search) -> None:
    """Remove every event that the fault does not need."""
    best = search.best
    blocks = event_blocks(best)
    reduce(blocks, lambda kept: search.accepts(keep_blocks(best, blocks, kept)))


def reduce_lines(search: Search) -> None:
    """Remove every comment, field or data line that the fault does not need."""
    best = search.best
    lines = [
        (line.start, line.start + len(line.data) + len(line.end))
        for event in (decode(decoded_body(best)) if event_blocks(best) else [])
        for line in event.lines
        if len(event.lines) > 1
    ]
    reduce(lines, lambda kept: search.accepts(keep_blocks(best, lines, kept)))


def join_events(search: Search) -> None:
    """Join neighbouring events: one takes from the other the members that it lacks."""
    place = 0
    while True:
        body = decoded_body(search.best)
        events = decode(body) if event_blocks(search.best) else []
        if place + 1 >= len(events):
            return
        first, second = events[place], events[place + 1]
        for edits in (
            _merge_edits(second, first, _prepend),
            _merge_edits(second, first),
            _merge_edits(first, second, _append),
            _merge_edits(first, second),
        ):
            if edits and search.accepts(edit_body(search.best, edits)):
                break
        else:
            place += 1


def _prepend(mine: bytes, others: bytes) -> bytes:
    return others[:-1] + mine[1:]


def _append(mine: bytes, others: bytes) -> bytes:
    return mine[:-1] + others[1:]


def _keep_first(mine: bytes, others: bytes) -> bytes:
    return mine


JoinTexts = Callable[[bytes, bytes], bytes]
"""Joins the texts of two chunks that become one; texts are given and returned with their quotation marks."""


def _merge_edits(stays: Event, gone: Event, join: JoinTexts = _keep_first) -> list[Edit]:
    """The edits that remove event `gone` and add its members to event `stays`; none if that is impossible."""
    mine, others = _data_tree(stays), _data_tree(gone)
    if mine is None or others is None:
        return []
    text, other = stays.raw_data or b"", gone.raw_data or b""
    edits = [
        (start + stays.data_start, stop + stays.data_start, new)
        for start, stop, new in _member_edits(mine, others, text, other, join)
    ]
    return [*edits, (gone.start, stays.start if gone.start < stays.start else gone.stop, b"")]


def _data_tree(event: Event) -> Span | None:
    """The object on the only data line of an event."""
    data = sum(line.field == "data" for line in event.lines) == 1 and event.raw_data
    tree = parse(data) if data else None
    return tree if tree and tree.kind == "object" else None


def _member_edits(stays: Span, gone: Span, text: bytes, other: bytes, join: JoinTexts) -> Iterator[Edit]:
    """The edits that put values of `gone` where `stays` has nothing, null or an empty array."""
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
            yield from _member_edits(mine.value, item.value, text, other, join)
        elif item.name in _TEXT_MEMBERS and mine.value.kind == item.value.kind == "string":
            joined = join(text[mine.value.start : mine.value.stop], value)
            yield mine.value.start, mine.value.stop, joined
    if new and stays.kind == "object":
        joint = b", " if b'", "' in text or b'": ' in text else b","  # spaced as the rest of the chunk
        at = stays.start + 1
        yield at, at, joint.join(new) + (joint if stays.items else b"")
