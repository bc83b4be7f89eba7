"""Bytes without their secrets: as many bytes, with dummies where secrets stood."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from fake_server.redact.dummy import dummy
from fake_server.redact.patterns import Span, after_prefix, suspicious
from fake_server.redact.readings import base64_runs, encoded, forms, readings
from fake_server.redact.stream import joined, places

_READABLE = re.compile(rb"[\x20-\x7e]{12}")
"""What decoded base64 has somewhere where it holds a text."""


def cleaned(data: bytes, known: Collection[str], *, nested: bool = True) -> tuple[bytes, list[int]]:
    """`data` with dummies in place of secrets, and the bytes where these begin.

    `known` are values that are secret whatever they look like. Texts split over the events of a stream
    are looked at together, and so is what base64 holds, with `nested`.
    """
    spans = [
        reading.span(start, stop)
        for reading in readings(data.decode("latin-1"))
        for start, stop in found(reading.text, known)
    ]
    if b"data:" in data:
        for text, pieces in joined(data):
            for start, stop in found(text, known):
                spans.extend(places(pieces, start, stop))
    clean, offsets = bytearray(data), []
    for start, stop in _merged(spans):
        clean[start:stop] = dummy(stop - start).encode()
        offsets.append(start)
    for start, run, decoded in base64_runs(bytes(clean)) if nested else ():
        if _READABLE.search(decoded):
            inner, hits = cleaned(decoded, known, nested=False)
            if hits:
                clean[start : start + len(run)] = encoded(inner, run)
                offsets.append(start)
    return bytes(clean), sorted(offsets)


def cleaned_text(text: str, known: Collection[str]) -> str:
    """A text without its secrets, which keeps its length."""
    for start, stop in _merged(
        reading.span(*span) for reading in readings(text) for span in found(reading.text, known)
    ):
        text = text[:start] + dummy(stop - start) + text[stop:]
    return text


def found(text: str, known: Collection[str]) -> Iterator[Span]:
    """What looks like a credential, and every known one in each of its forms."""
    yield from suspicious(text)
    for secret in known:
        yield from _occurrences(text, secret, after_prefix(secret))
        for form in forms(secret):
            yield from _occurrences(text, form, 0)


def _occurrences(text: str, value: str, skip: int) -> Iterator[Span]:
    position = text.find(value)
    while position >= 0:
        yield position + skip, position + len(value)
        position = text.find(value, position + len(value))


def _merged(spans: Iterator[Span] | list[Span]) -> list[Span]:
    """The spans in order, those that overlap as one."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        elif start < stop:
            merged.append((start, stop))
    return merged
