"""Finds texts encoded in base64, hex, UTF-16 or a compressed stream inside another text."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

from fake_server.relay.redact.views import Compressed, Recoded, View, Within, unfold

_RUN = re.compile(r"[A-Za-z0-9+/_-]{22,}")
"""Base64 of 16 characters, the fewest that count as a text."""
_PIECE = re.compile(r"[A-Za-z0-9+/_-]{2,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,}")
_WIDE, _WIDE_BIG = re.compile(r"(?:[\x09-\x7e]\x00){8,}"), re.compile(r"(?:\x00[\x09-\x7e]){8,}")
_READABLE = re.compile(r"[\x20-\x7e]{16}|(?:[\x20-\x7e]\0){8}")
"""Decoded base64 counts as text if it has such a run, also in UTF-16; random bytes have one in eight megabytes."""
MAGIC = "\x1f\x8b\x08"
ZLIB = ("x\x01", "x\x5e", "x\x9c", "x\xda")
"""How a zlib stream begins (RFC 1950 section 2.2); only checked at the start of a text."""
PIECE = 4096
MAX_MEMBERS = 16
MAX_UNPACKED = 1 << 22
"""How many compressed streams of one text are searched, and bytes of each; a larger one is replaced whole."""


def find_hidden(text: str) -> Iterator[View]:
    """Every text that is encoded in some characters of this one."""
    yield from find_runs(text)
    yield from _compressed(text)
    flat = unfold(text)
    if flat.indexes:
        yield from (Within(flat, view) for view in find_runs(flat.text))


def find_runs(text: str) -> Iterator[Recoded]:
    """The texts in base64, hex and UTF-16."""
    for match in _RUN.finditer(text):
        run = match.group()
        standard = run.replace("-", "+").replace("_", "/")
        # Base64 may begin anywhere in a run of its letters: all four alignments are tried.
        for shift in range(4):
            inner = _decode_base64(standard[shift:])
            if _READABLE.search(inner) or inner.startswith((MAGIC, *ZLIB)):
                encode = base64.b64encode if run == standard else base64.urlsafe_b64encode
                yield Recoded(inner, match.start() + shift, encode, 4, 3)
    for match in _HEX.finditer(text):
        for shift in range(2):
            run = match.group()[shift:]
            inner = bytes.fromhex(run[: len(run) // 2 * 2]).decode("latin-1")
            if _READABLE.search(inner):
                lower = run == run.lower()
                yield Recoded(inner, match.start() + shift, binascii.hexlify if lower else base64.b16encode, 2)
    if "\0" in text:
        for match in _WIDE.finditer(text):
            yield Recoded(match.group()[::2], match.start(), _encode_utf16, 2)
        for match in _WIDE_BIG.finditer(text):
            yield Recoded(match.group()[1::2], match.start(), _encode_utf16_big, 2)


def decode_piece(text: str) -> Recoded | None:
    """What a short string in base64 says for itself, padding included; None if it is none, or says no text."""
    if not (4 <= len(text) <= 1024 and len(text) % 4 == 0 and _PIECE.fullmatch(text)):
        return None
    inner = base64.b64decode(text.replace("-", "+").replace("_", "/")).decode("latin-1")
    return Recoded(inner, 0, base64.b64encode, 4, 3) if inner.isascii() and inner.isprintable() else None


def _decode_base64(run: str) -> str:
    return binascii.a2b_base64((run[:-1] if len(run) % 4 == 1 else run) + "==").decode("latin-1")


def _encode_utf16(text: bytes) -> bytes:
    return text.decode("latin-1").encode("utf-16-le")


def _encode_utf16_big(text: bytes) -> bytes:
    return text.decode("latin-1").encode("utf-16-be")


def _compressed(text: str) -> Iterator[Compressed]:
    if text.startswith(ZLIB):
        yield _decompress(text, 0, zlib.MAX_WBITS)
    position = text.find(MAGIC)
    for _ in range(MAX_MEMBERS):
        if position < 0:
            return
        packed = _decompress(text, position, 16 + zlib.MAX_WBITS)
        yield packed
        position = text.find(MAGIC, max(packed.stop, position + 1))


def _decompress(text: str, start: int, window: int) -> Compressed:
    plain, used = decompress_readable(text[start:].encode("latin-1", "replace"), window)
    whole = len(plain) < MAX_UNPACKED
    return Compressed(plain.decode("latin-1") if whole else "", start, start + used, whole)


def decompress_readable(data: bytes, window: int, limit: int = MAX_UNPACKED) -> tuple[bytes, int]:
    """The readable start of a compressed stream, decompressed, and how many of its bytes that took.

    zlib discards the output of a call that raises an error, so the stream is fed in pieces, and byte by byte
    from the piece with the error on.
    """
    unpack, parts, size, at, step = zlib.decompressobj(window), [], 0, 0, PIECE
    while at < len(data) and not unpack.eof and size < limit:
        before = unpack.copy() if step > 1 else None
        try:
            part = unpack.decompress(unpack.unconsumed_tail + data[at : at + step], limit - size)
        except zlib.error:
            if before is None:
                break
            unpack, step = before, 1
            continue
        parts.append(part)
        size += len(part)
        at += step
    return b"".join(parts), min(at, len(data)) - len(unpack.unused_data)
