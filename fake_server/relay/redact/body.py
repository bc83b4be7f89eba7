"""Replaces the secrets in bytes by dummies of the same length."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import chain

from fake_server.relay.redact.clock import check_clock
from fake_server.relay.redact.codings import MAGIC, ZLIB, find_hidden
from fake_server.relay.redact.dummies import fill
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.relay.redact.known import Known, as_known
from fake_server.relay.redact.patterns import find_suspicious, is_binary
from fake_server.relay.redact.spelled import scattered_edits, spelled_edits
from fake_server.relay.redact.stream import join_events
from fake_server.relay.redact.views import Edit, Reading, View, apply_edits, is_within, merge_edits, unescaped_readings

MAX_LAYERS = 4
"""Nested encodings that are decoded: JSON in JSON, in base64, in a stream."""
MAX_ROUNDS = 4

Find = Callable[[str], Iterator[Edit]]
Views = Callable[[str, int], Iterator[View]]


def clean_bytes(data: bytes, known: Collection[str], kept: Kept = NOTHING) -> tuple[bytes, list[int]]:
    """`data` with its secrets replaced by dummies, and the byte offsets where the dummies begin.

    `known` are values that are secret whatever they look like. Texts split over the events of a stream are
    searched as a whole, and so are texts in base64, hex, escapes and compressed streams.
    """
    text, offsets = _clean(data.decode("latin-1"), known, kept)
    return (text.encode("latin-1"), sorted(offsets)) if offsets else (data, [])


def clean_text(text: str, known: Collection[str], kept: Kept = NOTHING) -> str:
    """A text with its secrets replaced; its length does not change."""
    return _clean(text, known, kept)[0]


def mask_text(text: str, known: Collection[str]) -> str:
    """A text as a person may see it: every credential and every known value is replaced by a dummy.

    A credential is known by its form or the name in front of it, in any encoding that a recording is searched in.
    A known value that is a short word (`test`, `EMPTY`) is replaced only where a credential stands.
    """
    return clean_text(text, as_known(known))


def replace_known(text: str, known: Collection[str]) -> str:
    """A text with the known values replaced where they occur unencoded."""
    return apply_edits(text, merge_edits((start, stop, None) for start, stop in Known(known).spans(text)))


def _clean(text: str, secrets: Collection[str], kept: Kept) -> tuple[str, set[int]]:
    """The clean text, and the offsets of the dummies in it.

    A replacement may uncover another secret, so the search repeats until nothing changes: cleaning a clean
    text again finds nothing. The encoded forms of known values are searched last, when everything that can
    be decoded is already clean. Where several items spell a secret, all dummies of the text are such that the
    items go on to agree.
    """
    known = Known(secrets)
    usual = _searches(known, kept)
    found = merge_edits(_edits(text, *usual[0]))
    joined = merge_edits(_spelled(text, known, kept, found))
    everything = merge_edits([*found, *_edits(text, *usual[1])]) if joined else []
    is_spelled = not all(is_within(edit, everything) for edit in joined)
    offsets: set[int] = set()
    searches = _searches(known, kept, fill) if is_spelled else usual
    for number in range(MAX_ROUNDS):
        before = text
        if is_spelled:
            # Both at once: what is spelled may end in the mark of another credential, which is found by it.
            spelled = _spelled(text, known, kept, []) if number else joined
            text = _apply(text, chain(spelled, _edits(text, *searches[0])), offsets)
        for search in searches:
            is_done = search is usual[0] and not number
            text = _apply(text, found if is_done else _edits(text, *search), offsets)
        if text == before:
            break
    return text, offsets


def _apply(text: str, edits: Iterable[Edit], offsets: set[int]) -> str:
    disjoint = merge_edits(edits)
    offsets.update(start for start, _, _ in disjoint)
    return apply_edits(text, disjoint)


def _searches(known: Known, kept: Kept, new: Callable[[str], str] | None = None) -> tuple[tuple[Find, Views], ...]:
    """What is searched for, one after the other, and where; `new` makes the dummies, if they are not the usual ones."""

    def plain(text: str) -> Iterator[Edit]:
        for start, stop in chain(find_suspicious(text, kept), known.spans(text)):
            yield start, stop, new(text[start:stop]) if new else None
        for start, stop in chain.from_iterable(known.scattered(text)):
            yield start, stop, fill(text[start:stop])

    def encoded(text: str) -> Iterator[Edit]:
        for start, stop in known.encoded_spans(text):
            yield start, stop, new(text[start:stop]) if new else None

    return (plain, _views), (encoded, _unpacked)


def _spelled(text: str, known: Known, kept: Kept, found: list[Edit]) -> Iterator[Edit]:
    """The edits for what stands in several items, or with other characters between."""
    yield from spelled_edits(text, known, kept, found)
    yield from _edits(text, partial(scattered_edits, known=known), lambda text, _: unescaped_readings(text), 2)


def _edits(
    text: str,
    find: Find,
    views: Views,
    layers: int = MAX_LAYERS,
    seen: dict[int, int] | None = None,
) -> Iterator[Edit]:
    """The edits that `find` makes in the text itself, or in a text encoded in it.

    `seen` holds hashes of the readings of the same characters, each with the layers that were left: escapes
    that are undone in another order give the same reading.
    """
    check_clock()
    yield from find(text)
    if layers:
        seen = {} if seen is None else seen
        for view in views(text, layers):
            inner, is_reading = view.text, isinstance(view, Reading)
            deeper = layers - 1 if inner.startswith((MAGIC, *ZLIB)) or not is_binary(inner) else 0
            if is_reading:
                if seen.get(hash(inner), -1) >= deeper:
                    continue
                seen[hash(inner)] = deeper
            yield from view.map_back(list(_edits(inner, find, views, deeper, seen if is_reading else None)))


def _views(text: str, layers: int) -> Iterator[View]:
    return chain(_unpacked(text, layers), find_hidden(text))


def _unpacked(text: str, layers: int) -> Iterator[View]:
    """The text without escapes, and the texts that its stream events form together (outer layers only)."""
    yield from unescaped_readings(text)
    if layers >= MAX_LAYERS - 1:
        yield from join_events(text)
