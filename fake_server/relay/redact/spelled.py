"""Finds secrets that a text spells over several items: log probabilities, codes, lists, members, pieces of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from fake_server.relay.redact.codes import find_codes
from fake_server.relay.redact.codings import find_hidden, find_runs
from fake_server.relay.redact.dummies import fill
from fake_server.relay.redact.items import Items
from fake_server.relay.redact.kept import Kept
from fake_server.relay.redact.known import Known
from fake_server.relay.redact.patterns import Span, credentials, credentials_over, find_suspicious, is_binary
from fake_server.relay.redact.stream import join_events
from fake_server.relay.redact.views import Edit, Pieces, View, is_within, merge_edits

MAX_NESTED = 3
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:e[wy]|W[1-9w-z]|7[bB]|5[bB])[A-Za-z0-9+/_-]{14}|\x1f\x8b\x08")
"""How a JSON text begins in base64, in hex, and any text that is compressed."""
_JSON = re.compile(r'\s{0,9}[\[{]\s{0,9}[\[{"0-9]')
"""How a JSON text with items begins."""


def spelled_edits(text: str, known: Known, kept: Kept, found: list[Edit], nested: int = MAX_NESTED) -> Iterator[Edit]:
    """The edits that replace what several items spell; `found` are those for what stands in one item or one stream.

    Each character keeps the number of digits of its code, so that tokens, their bytes and the text go on to agree.
    """
    if not ("[" in text or "{" in text) or is_binary(text):
        return
    items = Items(text)
    pieces = items.joined()
    edits = list(_over_pieces(pieces, known, kept, found))
    yield from edits
    yield from _twins(items, edits)
    yield from _over_pieces(items.decoded(), known, kept, [])
    codes = items.counted(everything=True)
    yield from codes.map_back(_filled(codes.text, chain.from_iterable(known.runs(codes.text))))
    codes = items.counted(everything=False)
    yield from codes.map_back(_filled(codes.text, find_suspicious(codes.text, kept)))
    if nested:
        for view in _documents(text, items):
            yield from view.map_back(list(spelled_edits(view.text, known, kept, [], nested - 1)))


def scattered_edits(text: str, known: Known) -> Iterator[Edit]:
    """The edits that replace known values with other characters between theirs, and those written in codes."""
    yield from _filled(text, chain.from_iterable(known.scattered(text)))
    for codes in find_codes(text):
        spans = chain(credentials(codes.text), chain.from_iterable(known.runs(codes.text)))
        yield from codes.map_back(list(_filled(codes.text, spans)))


def _over_pieces(pieces: Pieces, known: Known, kept: Kept, found: list[Edit]) -> Iterator[Edit]:
    """The edits for what stands in two pieces at least; one alone is found without joining.

    What was found and has other pieces between its own is not one text: they are of another choice.
    """
    text = pieces.text
    for run in known.runs(text):
        if len(pieces.places(run[0][0], run[-1][1])) > 1:
            yield from pieces.map_back(_filled(text, run))
    for span in credentials_over(text, pieces.places, kept):
        edits = list(pieces.map_back(_filled(text, [span])))
        states = [is_within(edit, found) for edit in edits]
        if not any(after and not before for before, after in pairwise(states)):
            yield from edits
    for view in find_runs(text):
        inner = [*chain.from_iterable(known.runs(view.text)), *credentials(view.text)]
        decoded = merge_edits(view.map_back(list(_filled(view.text, inner)))) if inner else ()
        yield from pieces.map_back(edit for edit in decoded if len(pieces.places(*edit[:2])) > 1)


def _filled(text: str, spans: Iterable[Span]) -> Iterator[Edit]:
    for start, stop in spans:
        yield start, stop, fill(text[start:stop])


def _twins(items: Items, edits: Iterable[Edit]) -> Iterator[Edit]:
    """The edits of the strings that repeat a changed one beside it."""
    changed: dict[int, str] = {}
    for start, stop, new in merge_edits(edits):
        if new is not None:
            for place, begin, end in items.strings_in(start, stop):
                old = changed.get(place) or items.text[begin:end]
                first, last = max(start, begin), min(stop, end)
                part = new[first - start : last - start]
                changed[place] = old[: first - begin] + part + old[last - begin :]
    yield from items.twins(changed)


def _documents(text: str, items: Items) -> Iterator[View]:
    """The JSON texts inside strings, pieced together from a stream, or encoded."""
    is_begun = False
    for start, stop in items.string_spans():
        if text.startswith(("[", "{"), start):
            is_begun = True
            if stop - start > 16 and _JSON.match(text[start : start + 40].replace("\\", "")):
                pieces = Pieces(text)
                pieces.add(start, stop)
                yield pieces
    views = chain(join_events(text) if is_begun else (), find_hidden(text) if _ENCODED.search(text) else ())
    yield from (view for view in views if _JSON.match(view.text))
