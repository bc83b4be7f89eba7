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
    text, _, problem = _stream(body, _ZLIB if zlib_header else _RAW, limit, limit)
    return text, problem and f"deflate: {problem}"


def _members(body: bytes, limit: int) -> tuple[bytes, str]:
    """A gzip file of one or more members (RFC 1952 section 2.2)."""
    text = b""
    while body and len(text) <= limit:
        member, body, problem = _stream(body, _GZIP, limit - len(text), limit)
        text += member
        if problem:
            return text, f"gzip: {problem}"
        if body and not body.startswith(b"\x1f\x8b"):
            return text, "gzip: other bytes follow the compressed body"
    return text, ""


def _stream(body: bytes, window: int, most: int, limit: int) -> tuple[bytes, bytes, str]:
    """The text of one compressed stream, the bytes after it, and a problem.

    `most` is what remains of `limit`, the size limit of the whole decompressed body.
    """
    unpack = zlib.decompressobj(window)
    try:
        text = unpack.decompress(body, most + 1)
    except zlib.error as error:
        return b"", b"", str(error)
    if len(text) > most:
        return text[:most], b"", f"the body unpacks to more than {limit} bytes"
    return text, unpack.unused_data, "" if unpack.eof else "the compressed body ends early"
