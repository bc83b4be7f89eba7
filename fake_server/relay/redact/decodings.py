"""Decodes a text in every possible way, for the final check. Unlike `views`, nothing here tracks offsets.

This repeats, by other means, what `codings`, `views` and `stream` do. The repetition is intended: see
`scan`.
"""

from __future__ import annotations

import binascii
import contextlib
import html
import json
import re
import unicodedata
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import Any

from fake_server.relay.redact.clock import check_clock
from fake_server.relay.redact.joinings import Joinings, join_items
from fake_server.relay.redact.patterns import is_binary
from fake_server.wire.jsontext import parse
from fake_server.wire.sse import Decoder

_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_FOLD = re.compile(r"(?<=[A-Za-z0-9+/]{16})(?:\r?\n)[ \t]{0,8}(?=[A-Za-z0-9+/])")
_PRINTABLE = re.compile(r"[\x20-\x7e]{16}|(?:\0[\x20-\x7e]){7}")
_ESCAPE = re.compile(r"""\\(?:(?:u|U000[01])([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(["'\\/bfnrt])|o\{([0-7]{1,6})\})""")
_PERCENT = re.compile("(?:%[0-9A-Fa-f]{2})+")
_PERCENT_U = re.compile("%u([0-9A-Fa-f]{4})")
_REFERENCE = re.compile(r"&[#A-Za-z][0-9A-Za-z]{1,8};")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ALPHABETS = re.compile("[①-⑨Ⓐ-⓪！-～𝐀-𝟿]+")
"""Letters and digits in circles, in full width, and of mathematical alphabets."""
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_STRING = re.compile(r'"(\w{1,64})"\s{0,8}:\s{0,8}"((?:[^"\\]|\\.)*+)', re.DOTALL)
_ZLIB = ("x\x01", "x\x5e", "x\x9c", "x\xda")
MAX_LAYERS = 4
MAX_UNPACKED = 1 << 22
Decoded = dict[int, int]
"""Hashes of the texts that were decoded, each with the layers that were left: several ways lead to most texts."""


@dataclass(frozen=True)
class Text:
    """One decoding of a text, and how it was decoded."""

    text: str
    how: str = ""
    joinings: Joinings | None = None
    """What it is put together of, if these are items that may not belong together."""

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(map(len, self.joinings.pieces))) if self.joinings else []

    def pieces(self, start: int, stop: int) -> range:
        """The numbers of the items that some characters stand in."""
        return range(bisect_right(self._ends, max(start, 0)), bisect_left(self._ends, stop) + 1)

    def where(self, start: int) -> str:
        """How the text that a character stands in was decoded."""
        return self.joinings.name_of(self.pieces(start, start + 1)[0]) if self.joinings else self.how


def texts_in(value: str | bytes) -> Iterator[Text]:
    """The text and every text encoded in it, up to MAX_LAYERS deep."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    yield Text(text)
    decoded: Decoded = {}
    if isinstance(value, bytes):
        yield from _values(value, decoded)
        if value[:1] == b"x":  # a zlib stream, read without its two-byte header
            yield from _deeper(_inflate(value[2:], -15), "decompressed", 2, decoded)
        if b"\x1f\x8b" in value:
            for inner in _inflate_all(value):
                yield from _deeper(inner, "decompressed", 1, decoded)
    yield from _decode(text, "", MAX_LAYERS, decoded)


def _deeper(text: str, how: str, layers: int, decoded: Decoded) -> Iterator[Text]:
    yield Text(text, how)
    if not is_binary(text):
        yield from _values(text.encode("latin-1", "replace"), decoded)
        yield from _decode(text, how, layers, decoded)


def _decode(text: str, how: str, layers: int, decoded: Decoded) -> Iterator[Text]:
    """The text without its escapes, and what its base64 and hex decode to, once for each text."""
    check_clock()
    if layers <= decoded.get(hash(text), 0):
        return
    decoded[hash(text)] = layers
    for inner in _unescape_all(text):
        if hash(inner) not in decoded:
            yield Text(inner, how)
        if not is_binary(inner):
            yield from _decode(inner, how, layers - 1, decoded)
        decoded.setdefault(hash(inner), 0)
    flat = _FOLD.sub("", text) if "\n" in text else text
    for inner in chain(_runs(text), _runs(flat) if flat != text else ()):
        yield from _deeper(inner, "in base64 or hex", layers - 1, decoded)
        if inner.startswith("\x1f\x8b"):
            for packed in _inflate_all(inner.encode("latin-1")):
                yield from _deeper(packed, "in base64, decompressed", layers - 1, decoded)
        if inner.startswith(_ZLIB):
            packed = _inflate(inner[2:].encode("latin-1"), -15)
            yield from _deeper(packed, "in base64, decompressed", layers - 1, decoded)


def _unescape_all(text: str) -> Iterator[str]:
    forms = (
        _PERCENT.sub(_unquote, text.replace("+", " ")) if "%" in text else text,
        _PERCENT_U.sub(lambda match: chr(int(match[1], 16)), text),
        _PAIR.sub(_join_pair, _ESCAPE.sub(_unescape, text)),
        _REFERENCE.sub(lambda match: html.unescape(match[0]), text),
        text.replace("\0", ""),
        _ALPHABETS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text),
    )
    yield from (form for form in forms if form != text)


def _unquote(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _unescape(match: re.Match[str]) -> str:
    if octal := match[4]:
        return chr(int(octal, 8))
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _PLAIN.get(match[3], match[3])


def _join_pair(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _runs(text: str) -> Iterator[str]:
    for match in _RUN.finditer(text):
        run = match.group().translate(str.maketrans("-_", "+/"))
        for shift in range(4):
            part = run[shift:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            inner = binascii.a2b_base64(part + "==").decode("latin-1")
            if _PRINTABLE.search(inner) or inner.startswith(("\x1f\x8b", *_ZLIB)):
                yield inner
        for shift in range(2) if len(run) >= 32 else ():
            part = run[shift : len(run) - (len(run) - shift) % 2]
            try:
                inner = bytes.fromhex(part).decode("latin-1")
            except ValueError:
                continue
            if _PRINTABLE.search(inner):
                yield inner


def _inflate_all(data: bytes) -> Iterator[str]:
    """The decompressed text of each gzip stream in `data`."""
    start = data.find(b"\x1f\x8b")
    for _ in range(16):
        if start < 0:
            return
        yield _inflate(data[start:], 47)
        # Without the ten-byte header the stream is raw deflate, whose checksum nobody verifies: it is
        # readable even if the header or the checksum is wrong.
        yield _inflate(data[start + 10 :], -15)
        start = data.find(b"\x1f\x8b", start + 2)


def _inflate(data: bytes, window: int) -> str:
    unpack = zlib.decompressobj(window)
    parts: list[bytes] = []
    with contextlib.suppress(zlib.error):
        for at in range(0, len(data), 256):
            if unpack.eof or len(parts) * 256 > MAX_UNPACKED:
                break
            parts.append(unpack.decompress(data[at : at + 256]))
    return b"".join(parts)[:MAX_UNPACKED].decode("utf-8", "replace")


def _values(body: bytes, decoded: Decoded) -> Iterator[Text]:
    """The strings of a JSON text; of a stream, the strings at the same path joined."""
    if body[:1] in (b"{", b"[", b'"') and b"\n{" not in body:
        value = parse(body).value
        yield Text(json.dumps(value, ensure_ascii=False), "as JSON")
        yield Text('"\n'.join(text for _, text in _leaves(value)), "its strings")
        yield from _items([value], decoded)
    elif b"data:" in body or body[:1] == b"{":
        together: dict[tuple[str, ...], list[str]] = {}
        events = list(_events(body))
        yield from _items(events, decoded)
        for value in events:
            item = value.get("item_id") if isinstance(value, dict) else None
            for key, text in _leaves(value):
                together.setdefault(key, []).append(text)
                if isinstance(item, str):
                    together.setdefault((f"item {item}", *key), []).append(text)
        if not body.rstrip().endswith((b"}", b"[DONE]")):  # the last event is cut off and does not parse
            for name, text in _STRING.findall(body.decode("utf-8", "replace")):
                together.setdefault((f"any {name}",), []).append(text)
        for parts in together.values():
            whole = "".join(parts)
            yield Text(whole, "over several events")
            yield Text('"\n'.join(parts), "its strings")
            yield from _decode(whole, "over several events", 2, decoded)


def _items(values: list[Any], decoded: Decoded, nested: int = 2) -> Iterator[Text]:
    """What several items spell, also those of a JSON text inside a string or put together of strings."""
    for joinings in join_items(values):
        whole = "".join(joinings.pieces)
        yield Text(whole, "over several items", joinings)
        for inner in _runs(whole):
            if hash(inner) not in decoded:
                decoded[hash(inner)] = 0
                yield Text(inner, "over several items, in base64 or hex")
        for text in (*joinings.pieces, *whole.split("\0")) if nested else ():
            if text[:1] in ("[", "{") and (mark := hash(("items", text))) not in decoded:
                decoded[mark] = 0
                document = parse(text.encode("utf-8", "replace"))
                if document.ok:
                    yield from _items([document.value], decoded, nested - 1)


def _events(body: bytes) -> Iterator[Any]:
    if b"data:" in body:
        decoder = Decoder()
        for event in (*decoder.feed(body), *decoder.close()):
            if event.raw_data:
                yield parse(event.raw_data).value
    else:
        for line in body.splitlines():
            yield parse(line).value


def _leaves(value: Any, key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case str():
            yield key, value
        case dict():
            for name, member in value.items():
                yield from _leaves(member, (*key, name))
        case list():
            for number, item in enumerate(value):
                index = item.get("index", number) if isinstance(item, dict) else number
                yield from _leaves(item, (*key, str(index)))
