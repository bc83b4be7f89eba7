"""Passes over an event stream: fewer events, fewer lines in them, neighbouring chunks joined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import decoded_body, edit_body, keep_slices
from contract_tests.shrinking.search import Search, reduce_slices
from contract_tests.shrinking.spans import Edit, Item, Slice, Span, parse
from fake_server.wire.exchange import Exchange
from fake_server.wire.sse import Event, decode

_TEXT_MEMBERS = frozenset({"content", "arguments", "text", "refusal", "reasoning", "reasoning_content"})
"""Members whose value is sent in pieces, one per chunk."""


def _events(exchange: Exchange) -> list[Event]:
    """The events of the body, if it is an event stream."""
    return decode(decoded_body(exchange)) if View(exchange).form == "events" else []


def _blocks(exchange: Exchange) -> list[Slice]:
    """The events with the blank lines after them, preceded by whatever comes before the first event."""
    starts = [event.start for event in _events(exchange)]
    if not starts:
        return []
    if starts[0]:
        starts.insert(0, 0)
    return list(pairwise([*starts, len(decoded_body(exchange))]))


def keep_likely_events(search: Search, suspects: Collection[int]) -> None:
    """Try to keep only the suspect events, alone or with the first and last events of the stream."""
    best = search.best
    blocks = _blocks(best)
    numbered = blocks[-len(_events(best)) :]
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
        if 0 < len(kept) < len(blocks) and search.accepts(keep_slices(best, blocks, kept)):
            return


def reduce_events(search: Search) -> None:
    """Remove every event that the fault does not need."""
    reduce_slices(search, _blocks(search.best))


def reduce_lines(search: Search) -> None:
    """Remove every comment, field or data line that the fault does not need."""
    lines = [
        (line.start, line.start + len(line.data) + len(line.end))
        for event in _events(search.best)
        for line in event.lines
        if len(event.lines) > 1
    ]
    reduce_slices(search, lines)


def join_events(search: Search) -> None:
    """Join neighbouring events: one takes from the other the members that it lacks."""
    place, seen = 0, search.best
    events = _events(seen)
    while True:
        search.check_time()
        if search.best is not seen:
            seen = search.best
            events = _events(seen)
        if place + 1 >= len(events):
            return
        first, second = events[place], events[place + 1]
        for stays, gone, join in (
            (second, first, True),
            (second, first, False),
            (first, second, True),
            (first, second, False),
        ):
            edits = _merge_edits(stays, gone, join)
            if edits and search.accepts(edit_body(search.best, edits)):
                break
        else:
            place += 1


def _merge_edits(stays: Event, gone: Event, join: bool) -> list[Edit]:
    """The edits that remove event `gone` and add its members to event `stays`; none if that is impossible.

    With `join`, a text that both have becomes one text, else that of `gone` is lost.
    """
    mine, others = _data_tree(stays), _data_tree(gone)
    if mine is None or others is None:
        return []
    text, other = stays.raw_data or b"", gone.raw_data or b""

    def join_texts(kept: bytes, lost: bytes) -> bytes:
        """The text for both; all of them have their quotation marks."""
        if not join:
            return kept
        return kept[:-1] + lost[1:] if stays.start < gone.start else lost[:-1] + kept[1:]

    edits = [
        (start + stays.data_start, stop + stays.data_start, new)
        for start, stop, new in _member_edits(mine, others, text, other, join_texts)
    ]
    return [*edits, (gone.start, stays.start if gone.start < stays.start else gone.stop, b"")]


def _data_tree(event: Event) -> Span | None:
    """The object on the only data line of an event."""
    data = sum(line.field == "data" for line in event.lines) == 1 and event.raw_data
    tree = parse(data) if data else None
    return tree if tree and tree.kind == "object" else None


def _member_edits(
    stays: Span, gone: Span, text: bytes, other: bytes, join: Callable[[bytes, bytes], bytes]
) -> Iterator[Edit]:
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
