"""Removes content codings, with a limit on the size of the result (RFC 9110 section 8.4)."""

from __future__ import annotations

import zlib

from fake_server.wire.bounds import MIB
from fake_server.wire.exchange import Exchange

MAX_CODINGS = 4
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decode_content(exchange: Exchange, limit: int = 16 * MIB) -> tuple[bytes, str]:
    """The body without its content codings, at most `limit` bytes, and a problem ('' if there is none).

    gzip and deflate are decoded; a body with another coding (br, zstd) is returned unchanged.
    """
    codings = [name.strip().lower() for name in (exchange.header("content-encoding") or "").split(",")]
    codings = [name for name in codings if name not in ("", "identity")]
    body, problem = exchange.payload, ""
    if len(codings) > MAX_CODINGS:
        return body[:limit], f"the body has {len(codings)} content codings"
    for coding in reversed(codings):
        if coding not in ("gzip", "x-gzip", "deflate"):
            return body[:limit], f"the content coding {coding!r} is not supported here"
        body, problem = _inflate(body, coding, limit)
        if problem:
            break
    if len(body) > limit:
        return body[:limit], f"the body is larger than {limit} bytes"
    return body, problem


def _inflate(body: bytes, coding: str, limit: int) -> tuple[bytes, str]:
    if not body:
        return b"", f"the body is empty, which is not {coding}"
    if coding != "deflate":
        return _members(body, limit)
    # RFC 9110 section 8.4.1.2: "deflate" means the zlib format, but some servers send the raw stream.
    # A zlib header is compression method 8, and its first two bytes are a multiple of 31 (RFC 1950).
    zlib_header = body[0] & 15 == 8 and int.from_bytes(body[:2].ljust(2, b"\0"), "big") % 31 == 0
    text, problem = _stream(body, _ZLIB if zlib_header else _RAW, limit)
    return text, problem and f"deflate: {problem}"


_PIECE = 4096
"""Bytes that are unpacked at once: what follows the end of a gzip member is copied, and there may be a million."""


def _members(body: bytes, limit: int) -> tuple[bytes, str]:
    """A gzip file of one or more members (RFC 1952 section 2.2)."""
    whole, position = bytearray(), 0
    while position < len(body):
        unpack, start = zlib.decompressobj(_GZIP), len(whole)
        while not unpack.eof:
            if position >= len(body):
                return bytes(whole), "gzip: the compressed body ends early"
            try:
                whole += unpack.decompress(body[position : position + _PIECE], limit + 1 - len(whole))
            except zlib.error as error:
                return bytes(whole[:start]), f"gzip: {error}"
            if len(whole) > limit:
                return bytes(whole[:limit]), f"gzip: the body unpacks to more than {limit} bytes"
            position = min(position + _PIECE, len(body)) - len(unpack.unused_data)
        if position < len(body) and not body.startswith(b"\x1f\x8b", position):
            return bytes(whole), "gzip: other bytes follow the compressed body"
    return bytes(whole), ""


def _stream(body: bytes, window: int, limit: int) -> tuple[bytes, str]:
    """The text of one compressed stream, and a problem."""
    unpack = zlib.decompressobj(window)
    try:
        text = unpack.decompress(body, limit + 1)
    except zlib.error as error:
        return b"", str(error)
    if len(text) > limit:
        return text[:limit], f"the body unpacks to more than {limit} bytes"
    return text, "" if unpack.eof else "the compressed body ends early"
