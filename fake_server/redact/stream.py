"""Texts that a stream sends piece by piece, put together so that no secret hides between two events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fake_server.redact.patterns import Span
from fake_server.redact.readings import unescaped
from fake_server.wire.jsontext import locate, parse
from fake_server.wire.sse import Decoder, Event

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Piece:
    """One string of one event: its text, its event, and its path from the root of the data."""

    text: str
    event: Event
    path: Steps


def joined(body: bytes) -> Iterator[tuple[str, list[Piece]]]:
    """Each text that comes in several events (of one choice, one call, one member) with its pieces."""
    texts: dict[Steps, list[Piece]] = {}
    decoder = Decoder()
    for event in (*decoder.feed(body), *decoder.close()):
        data = event.raw_data
        if data and data[:1] in (b"{", b"["):
            for path, key, text in _strings(parse(data).value):
                texts.setdefault(key, []).append(Piece(text, event, path))
    for pieces in texts.values():
        if len(pieces) > 1:
            yield "".join(piece.text for piece in pieces), pieces


def _strings(value: Any, path: Steps = (), key: Steps = ()) -> Iterator[tuple[Steps, Steps, str]]:
    """Each string with its path, and with a path in which list items count by their `index` member."""
    if isinstance(value, str):
        yield path, key, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _strings(member, (*path, name), (*key, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            index = item.get("index") if isinstance(item, dict) else None
            yield from _strings(item, (*path, number), (*key, index if isinstance(index, int) else number))


def places(pieces: list[Piece], start: int, stop: int) -> Iterator[Span]:
    """Where the characters from `start` to `stop` of the joined text stand in the body, piece by piece."""
    position = 0
    for piece in pieces:
        begin, end = max(start - position, 0), min(stop - position, len(piece.text))
        position += len(piece.text)
        data = piece.event.raw_data or b""
        if begin >= end or sum(line.field == "data" for line in piece.event.lines) != 1:
            continue
        quote = locate(data, piece.path)
        if quote is None:
            continue
        inside = data[quote + 1 :]
        reading = unescaped(inside.decode("utf-8", "replace"))
        first, last = reading.span(begin, end)
        head = inside.decode("utf-8", "replace")
        offset = piece.event.data_start + quote + 1
        yield offset + len(head[:first].encode()), offset + len(head[:last].encode())
