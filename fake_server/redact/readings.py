"""The ways a text can hide in bytes: as it stands, escaped, percent-encoded; each keeps its places."""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fake_server.redact.patterns import Span

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)", re.DOTALL
)
"""A JSON escape (RFC 8259 section 7), two of them for a character beyond U+FFFF."""
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{20,}={0,2}")


@dataclass(frozen=True)
class Reading:
    """A text read out of another, with the places where one character stood for several."""

    text: str
    indexes: tuple[int, ...] = ()
    """The characters of `text` that were longer, in order."""
    surplus: tuple[int, ...] = (0,)
    """How many characters more the other text has before the first of them, the second, and so on."""

    def span(self, start: int, stop: int) -> Span:
        """Where the characters from `start` to `stop` stood in the other text."""
        first, last = (place + self.surplus[bisect_left(self.indexes, place)] for place in (start, stop))
        return first, last


def readings(text: str) -> Iterator[Reading]:
    """The text itself, and without JSON escapes or percent-encoding where it has any."""
    yield Reading(text)
    if "\\" in text:
        yield _read(text, _ESCAPE, _unescaped)
    if "%" in text:
        yield _read(text, _PERCENT, lambda unit: chr(int(unit[1:], 16)))


def unescaped(text: str) -> Reading:
    """The text of a JSON string, given without its quotes."""
    return _read(text, _ESCAPE, _unescaped)


def _unescaped(unit: str) -> str:
    try:
        value = json.loads(f'"{unit}"')
    except ValueError:
        return "\ufffd"
    return value if isinstance(value, str) and len(value) == 1 else "\ufffd"


def _read(text: str, unit: re.Pattern[str], value: Callable[[str], str]) -> Reading:
    parts: list[str] = []
    indexes, surplus = [], [0]
    position = length = 0
    for match in unit.finditer(text):
        parts += [text[position : match.start()], value(match.group())]
        length += match.start() - position
        indexes.append(length)
        surplus.append(surplus[-1] + len(match.group()) - 1)
        length += 1
        position = match.end()
    return Reading("".join((*parts, text[position:])), tuple(indexes), tuple(surplus))


def forms(secret: str) -> Iterator[str]:
    """A known secret as no reading takes it off: in base64, in its three alignments, and in hex."""
    data = secret.encode("utf-8", "replace")
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode()
        inner = whole[(0, 2, 3)[shift] : (shift + len(data)) * 8 // 6]
        if len(inner) >= 8:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
    yield data.hex()
    yield data.hex().upper()


def base64_runs(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Runs of base64: where each starts, its characters (a multiple of four), and what they decode to."""
    for match in _RUN.finditer(data):
        run = match.group()
        run = run[: len(run) // 4 * 4]
        standard = run.translate(bytes.maketrans(b"-_", b"+/"))
        try:
            yield match.start(), run, base64.b64decode(standard, validate=True)
        except binascii.Error:
            continue


def encoded(data: bytes, like: bytes) -> bytes:
    """`data` as base64 in the alphabet of `like`."""
    found = base64.b64encode(data)
    return found.translate(bytes.maketrans(b"+/", b"-_")) if re.search(rb"[-_]", like) else found
