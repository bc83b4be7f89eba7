"""How often the bytes of a body are searched: no clock, so a busy machine changes nothing."""

from __future__ import annotations

import base64
import json
import random
import re
import struct
import sys
import zlib
from collections.abc import Iterator

import pytest

from fake_server.relay.redact import NOTHING, Kept, known_values, patterns, redact, scan
from fake_server.tests.planted_secrets import KEY, PLACES, exchange
from fake_server.wire.exchange import Exchange

SIZE = 60_000
PASSES = 12
"""How often a byte may be searched, in both decoders together: its base64, four alignments of it, JSON and text."""


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def png(seed: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A picture that cannot be compressed, with more chunks before its pixels."""
    head = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(noise(SIZE, seed))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def with_text(data: bytes) -> bytes:
    """The bytes with what looks like escapes, text and a zlib stream, as large files have by chance."""
    return data + b"%41%42 \\u0041\\x42 &amp; sixteen letters and more " + zlib.compress(data[:1000])


BLOBS = {
    "a PNG": with_text(png(1)),
    "a JPEG": with_text(b"\xff\xd8\xff\xe0\x00\x10JFIF" + noise(SIZE, 2)),
    "a WAV": with_text(b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(random.Random(3).choices((0, 1, 2, 255, 65), k=SIZE))),
    "no known format": with_text(noise(SIZE, 4)),
    "seven bits": with_text(bytes(byte & 127 for byte in noise(SIZE, 5))),
    "floats": with_text(
        struct.pack(f"<{SIZE // 4}f", *map(random.Random(6).gauss, [0.0] * (SIZE // 4), [0.03] * (SIZE // 4)))
    ),
}


def in_message(data: bytes, kind: str = "image/png") -> bytes:
    url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    content = [{"type": "image_url", "image_url": {"url": url}}]
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}).encode()


def searched(planted: Exchange, monkeypatch: pytest.MonkeyPatch) -> int:
    """Characters that are searched for credentials while an exchange is cleaned and checked."""
    counts: list[int] = []
    plain = patterns.find_suspicious

    def counting(text: str, kept: Kept = NOTHING) -> Iterator[patterns.Span]:
        counts.append(len(text))
        return plain(text, kept)

    for module in ("body", "scan"):
        monkeypatch.setattr(sys.modules[f"fake_server.relay.redact.{module}"], "find_suspicious", counting)
    known = known_values(planted)
    scan(redact(planted, known).exchange, known)
    return sum(counts)


@pytest.mark.parametrize("blob", BLOBS)
@pytest.mark.parametrize("place", ["message", "reply", "as it is"])
def test_binary_is_searched_a_few_times_whatever_its_bytes(
    blob: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = BLOBS[blob]
    encoded = in_message(data)
    planted = {
        "message": exchange(asked=encoded),
        "reply": exchange(encoded),
        "as it is": exchange(data, kind="application/octet-stream"),
    }[place]
    assert searched(planted, monkeypatch) < PASSES * len(data)


@pytest.mark.parametrize(
    "asked",
    [
        in_message(f"the key is {KEY}, keep it".encode(), "text/plain"),
        in_message(base64.b64encode(f"the key is {KEY}, keep it".encode()), "text/plain"),
        in_message(b'{"api_key": "%s"}' % "".join(f"\\u{ord(char):04x}" for char in KEY).encode(), "application/json"),
        in_message(png(7, (b"tEXt", b"Comment\x00made with " + KEY.encode()))),
        in_message(noise(5000, 8) + KEY.encode() + noise(5000, 9)),
        noise(5000, 8) + b" " + KEY.encode() + b" " + noise(5000, 9),
        b"GIF89a is how a text may begin: " + in_message(f"GIF8 and the key is {KEY}".encode(), "text/plain"),
    ],
    ids=["text", "text twice encoded", "escapes", "a comment in a PNG", "noise", "noise as it is", "no picture"],
)
def test_a_known_key_is_still_found(asked: bytes) -> None:
    planted = exchange(asked=asked, request=(("Authorization", f"Bearer {KEY}"),))
    clean = redact(planted).exchange
    assert any(leak.where.startswith("request body") for leak in scan(planted, known_values(planted)))
    assert scan(clean, known_values(planted)) == []
    assert clean.request.body != asked


def test_only_forms_that_can_match_are_tried() -> None:
    """The expression of the forms whose anchor occurs finds what the one of all forms finds."""
    every = re.compile("|".join(form for _, form in patterns._FORMS))
    texts = [planted.payload.decode("latin-1") + planted.request.body.decode("latin-1") for planted in PLACES.values()]
    texts += [form + KEY for form in ("BeArEr ", "Basic ", "basic+", "gho_", "12345678:AA", "a ya29.", "xoxb-", "SG.")]
    for text in texts:
        assert [match.span() for match in patterns._matches(text)] == [match.span() for match in every.finditer(text)]
    assert all(anchors and all(anchors) for anchors, _ in patterns._FORMS)
