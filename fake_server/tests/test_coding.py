"""Content codings come off within a bound, and what cannot be read is said."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Exchange, Request, Write

TEXT = b'{"id": 1}' * 50


def zipped(text: bytes) -> bytes:
    """The same bytes each time, so that every worker of pytest-xdist names its tests alike."""
    return gzip.compress(text, mtime=0)


def reply(body: bytes, coding: str | None) -> Exchange:
    headers = () if coding is None else (("Content-Encoding", coding),)
    return Exchange(Request("GET", "/"), 200, headers, (Write(body[:7]), Write(body[7:])))


def raw_deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (TEXT, None),
        (TEXT, "identity"),
        (zipped(TEXT), "gzip"),
        (zipped(TEXT), " X-GZIP "),
        (zipped(TEXT[:9]) + zipped(TEXT[9:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (zipped(zlib.compress(TEXT)), "deflate, gzip"),
    ],
)
def test_the_text_comes_back(body: bytes, coding: str | None) -> None:
    assert decode_content(reply(body, coding)) == (TEXT, "")


@pytest.mark.parametrize(
    ("body", "coding", "words"),
    [
        (TEXT, "br", "'br' is not supported"),
        (TEXT, "zstd", "'zstd' is not supported"),
        (TEXT, "gzip", "gzip: Error -3"),
        (b"", "gzip", "empty"),
        (zipped(TEXT)[:-9], "gzip", "ends early"),
        (zipped(TEXT) + b"more", "gzip", "other bytes follow"),
        (zlib.compress(TEXT)[:-1], "deflate", "ends early"),
        (TEXT, "gzip, gzip, gzip, gzip, gzip", "5 content codings"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, coding: str, words: str) -> None:
    assert words in decode_content(reply(body, coding))[1]


def test_the_text_before_the_fault_is_kept() -> None:
    assert decode_content(reply(zipped(TEXT)[:-4], "gzip"))[0] == TEXT
    assert decode_content(reply(zipped(TEXT) + b"more", "gzip"))[0] == TEXT


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_the_limit_is_exact(coding: str | None) -> None:
    body = {"gzip": zipped(TEXT), "deflate": zlib.compress(TEXT), None: TEXT}[coding]
    assert decode_content(reply(body, coding), limit=len(TEXT)) == (TEXT, "")
    text, problem = decode_content(reply(body, coding), limit=len(TEXT) - 1)
    assert (text, f"{len(TEXT) - 1} bytes" in problem) == (TEXT[:-1], True)


def test_a_bomb_inside_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 100_000_000, 9), 9)
    tracemalloc.start()
    try:
        text, problem = decode_content(reply(bomb, "gzip, gzip"), limit=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(text), "unpacks to more" in problem) == (1_000_000, True)
    assert peak < 5_000_000
