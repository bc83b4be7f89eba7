"""Replaces the secrets in bytes by dummies of the same length."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import chain

from fake_server.relay.redact.codings import MAGIC, ZLIB, find_hidden
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.relay.redact.known import as_known, encoded_forms, fold_case, needles, occurrences
from fake_server.relay.redact.patterns import Span, find_suspicious, is_binary
from fake_server.relay.redact.stream import join_events
from fake_server.relay.redact.views import Edit, Reading, View, apply_edits, merge_edits, unescaped_readings

MAX_LAYERS = 4
"""Nested encodings that are decoded: JSON in JSON, in base64, in a stream."""
MAX_ROUNDS = 4


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
    values = [needle for secret in known for needle in needles(secret)]
    return apply_edits(text, merge_edits((start, stop, None) for start, stop in _known(text, values)))


def _clean(text: str, known: Collection[str], kept: Kept) -> tuple[str, set[int]]:
    """The clean text, and the offsets of the dummies in it.

    A replacement may uncover another secret, so the search repeats until nothing changes: cleaning a clean
    text again finds nothing. The encoded forms of known values are searched last, when everything that can
    be decoded is already clean.
    """
    values = [needle for secret in known for needle in needles(secret)]
    encoded = [(form, 0) for value, _ in values for form in encoded_forms(value)]

    def plain_spans(part: str) -> Iterator[Span]:
        yield from find_suspicious(part, kept)
        yield from _known(part, values)

    offsets: set[int] = set()
    for _ in range(MAX_ROUNDS):
        before = text
        for find, views in ((plain_spans, _views), (partial(_known, values=encoded), _unpacked)):
            edits = merge_edits(_edits(text, find, views))
            offsets.update(start for start, _, _ in edits)
            text = apply_edits(text, edits)
        if text == before:
            break
    return text, offsets


def _known(text: str, values: Iterable[tuple[str, int]]) -> Iterator[Span]:
    small = fold_case(text)
    for value, skip in values:
        yield from occurrences(text, small, value, skip)


def _edits(
    text: str,
    find: Callable[[str], Iterator[Span]],
    views: Callable[[str, int], Iterator[View]],
    layers: int = MAX_LAYERS,
    seen: dict[int, int] | None = None,
) -> Iterator[Edit]:
    """An edit for each span found in the text itself, or in a text encoded in it.

    `seen` holds hashes of the readings of the same characters, each with the layers that were left: escapes
    that are undone in another order give the same reading.
    """
    for start, stop in find(text):
        yield start, stop, None
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
