"""A planted credential never reaches the disk, wherever and however it stands; all else stays as it is."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.relay.redact import Unreadable, known_values, redact, scan, scan_text
from fake_server.relay.redact.known import fold_case
from fake_server.relay.saving import SaveError, save_recording
from fake_server.tests.genuine import RECORDINGS, SHARED
from fake_server.tests.planted_secrets import (
    GZIP,
    KEY,
    PLACES,
    PLAIN,
    SECRETS,
    deltas,
    exchange,
    stream,
    wrong_checksum,
)
from fake_server.tests.secrets_on_disk import strings_in, texts_in
from fake_server.tests.strategies import cut
from fake_server.wire.exchange import Ending, Framing, Write
from fake_server.wire.fixture import Fixture, find, load
from fake_server.wire.outgoing import serialize_from_values


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("place", PLACES)
def test_a_planted_credential_never_reaches_the_disk(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, half_written = PLACES[place], []
    monkeypatch.setattr(os, "fsync", lambda _: half_written.extend(texts_in(tmp_path)))
    kept = save_recording(Fixture(planted), tmp_path / "one.yaml")
    assert kept.replaced
    assert half_written
    written = [*texts_in(tmp_path), *half_written]
    assert any("REDACTED" in text for text in written) or place.startswith(("one character", "escaped", "a short key"))
    for secret in SECRETS:
        assert not [text for text in written if secret in text]
    loaded = load(kept.path).exchange
    if "decompressed" not in " ".join(kept.replaced):
        assert len(loaded.payload) == len(planted.payload)
        assert [len(write.data) for write in loaded.writes] == [len(write.data) for write in planted.writes]
    assert [name for name, _ in loaded.headers if name != "Content-Encoding"] in (
        [name for name, _ in planted.headers if name != "Content-Encoding"],
        ["Content-Type"],
    )


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("place", PLACES)
def test_the_scanner_finds_what_was_not_taken_out(place: str) -> None:
    planted = PLACES[place]
    known = known_values(planted)
    assert scan(planted, known)
    clean = redact(planted)
    assert scan(clean.exchange, known) == []
    assert redact(clean.exchange).exchange == clean.exchange


def test_a_scanner_that_finds_something_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "fake_server.relay.saving.redact_found", lambda one, *_: type("R", (), {"exchange": one, "replaced": ()})
    )
    with pytest.raises(SaveError, match=r"one is not saved: .* credential \(.*request body: sk-proj-R7k…"):
        save_recording(Fixture(PLACES["request JSON"]), tmp_path / "one.yaml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["title", "notes", "source"])
def test_words_about_a_recording_are_looked_at_too(part: str, tmp_path: Path) -> None:
    words: dict[str, Any] = {part: f"see https://x/?key={KEY}"}
    with pytest.raises(SaveError, match="credential"):
        save_recording(Fixture(exchange(), **words), tmp_path / "one.yaml")
    assert scan_text("an ordinary title, org-free, with sk-fake") == []


def test_a_coding_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    brotli = exchange(b"\x0b\x02\x80hello\x03", headers=(("Content-Encoding", "br"),))
    with pytest.raises(Unreadable, match=r"'br'.*Accept-Encoding: gzip"):
        redact(brotli)
    with pytest.raises(SaveError, match="cannot be searched for secrets"):
        save_recording(Fixture(brotli), tmp_path / "one.yaml")


def test_a_clean_compressed_body_stays_byte_for_byte() -> None:
    body = gzip.compress(b'{"a":"nothing to see"}')
    clean = redact(exchange(body, headers=GZIP, request=(("Authorization", f"Bearer {KEY}"),)))
    assert clean.exchange.payload == body
    assert clean.exchange.header("content-encoding") == "gzip"
    assert clean.replaced == ("request header Authorization",)


def test_json_and_streams_stay_readable() -> None:
    clean = redact(PLACES["split over two deltas"]).exchange
    [text] = [one for one in strings_in(clean.payload) if one.startswith("it is")]
    assert text.startswith("it is sk-proj-")
    assert len(text) == len(f"it is {KEY}.")
    assert json.loads(redact(PLACES["JSON escapes"]).exchange.payload)


def test_raw_bytes_are_cleaned_in_place_or_left_out() -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=%s\r\nTransfer-Encoding: chunked\r\n\r\n" % PLAIN.encode()
    odd = head + b"0A\r\n0123456789\r\n0\r\n\r\n"
    base = exchange().but(
        headers=(("Set-Cookie", f"a={PLAIN}"), ("Transfer-Encoding", "chunked")),
        framing=Framing.CHUNKED,
        writes=(Write(b"0123456789"),),
    )
    clean = redact(base.but(raw=(Write(odd),)))
    assert b"a=REDACTED" in clean.exchange.raw[0].data
    assert b"0A\r\n" in clean.exchange.raw[0].data
    body = KEY.encode()
    halves = b"12\r\n%s\r\n12\r\n%s\r\n0\r\n\r\n" % (body[:18], body[18:])
    split = base.but(
        writes=(Write(body[:18]), Write(body[18:])),
        raw=(Write(head + halves),),
    )
    clean = redact(split)
    assert clean.exchange.raw == ()
    assert "the raw bytes, which are omitted" in clean.replaced
    garbage = exchange().but(status=None, headers=(), writes=(), framing=None, ending=Ending.MALFORMED, reason="")
    clean = redact(garbage.but(raw=(Write(b"hello " + body),)))
    assert body not in clean.exchange.raw[0].data


@settings(max_examples=60, deadline=None)
@given(
    st.text("ABCDEFGHkmnpqrst23456789-_", min_size=10, max_size=40),
    st.lists(st.integers(1, 40), max_size=6),
    st.lists(st.integers(1, 300), max_size=6),
)
def test_a_known_secret_is_found_however_it_is_cut(secret: str, parts: list[int], sizes: list[int]) -> None:
    pieces, rest = [], f"Say {secret}!"
    for size in parts:
        pieces.append(rest[:size])
        rest = rest[size:]
    whole = stream(*deltas(*pieces, rest))
    clean = redact(whole.but(writes=cut(whole.payload, sizes)), [secret]).exchange
    assert len(clean.payload) == len(whole.payload)
    for text in (clean.payload.decode(), *strings_in(clean.payload)):
        assert secret not in text or set(secret) <= set("xX0*.-_…#/%")


INNOCENT = [
    b'{"id":"chatcmpl-B7oTreePoem0abcdefghijklmno","system_fingerprint":"fp_06737a9306"}',
    b'{"call_id":"call_jQ0VnT6Ug1GzGk3ZfPqYx1aB","file":"file-9Qk2bY7mZp4LxW1cVt8sRn"}',
    b'{"max_tokens":5,"token":" sk","prompt_tokens":3,"next_page_token":null}',
    b'{"message":"Incorrect API key provided: sk-proj-********************7Ha5."}',
    b'{"text":"the task-force-asked-for-a-disk-image-of-the-risk-register"}',
    b'{"token":"supercalifragilistic","key":"a-prompt-of-2026","signature":"Zq81abcdefghijklmnopqrstuv77"}',
    base64.b64encode(bytes(range(256)) * 4),
]


@pytest.mark.parametrize("body", INNOCENT)
def test_what_is_no_secret_stays(body: bytes) -> None:
    clean = redact(exchange(body))
    assert (clean.exchange.payload, clean.replaced) == (body, ())
    assert scan(clean.exchange) == []


def test_replies_are_proven_after_it() -> None:
    for planted in PLACES.values():
        clean = redact(planted).exchange
        assert b"".join(write.data for write in serialize_from_values(clean))


@pytest.mark.parametrize("folder", ["conforming", "broken"])
def test_the_kits_own_fixtures_hold_nothing(folder: str) -> None:
    heads = find(Path(__file__).resolve().parents[2] / "fixtures" / folder)
    assert len(heads) > 30
    for head in heads:
        exchange = load(head).exchange
        if head.stem in ("with-key-dict", "http.key-kept"):  # they are about a key, which is made up
            writes = serialize_from_values(redact(exchange).exchange)
            assert b"sk-example-2f7c41d09b6e" not in b"".join(write.data for write in writes)
            continue
        assert redact(exchange).replaced == ()
        assert scan(exchange) == []


@pytest.mark.skipif(not RECORDINGS.is_file(), reason=f"the shared recordings are not at {SHARED}")
def test_of_genuine_recordings_only_what_is_named_secret_is_replaced() -> None:
    lines = RECORDINGS.read_bytes().splitlines()[::9]
    bodies = [json.loads(line)["response"]["body"] for line in lines]
    exchanges = [exchange(body.encode() if isinstance(body, str) else json.dumps(body).encode()) for body in bodies]
    changed = [exchange for exchange in exchanges if redact(exchange).replaced]
    assert len(changed) < len(exchanges) / 50
    assert not any(scan(redact(one).exchange) for one in changed)


@pytest.mark.security("work of one request")
@pytest.mark.parametrize(
    "part",
    [
        b"sk-",
        b"eyJ-",
        b"-eyJ.",
        b"://a:",
        b"api_key=",
        b'"api_key":',
        b"\\u0041",
        b"%41",
        b"&lt;",
        b"&#65;",
        b"sk-proj-a1b2c3d4e5f6g7h8 ",
    ],
    ids=repr,
)
def test_hostile_text_takes_time_in_proportion(part: bytes) -> None:
    hostile = exchange(part * (200_000 // len(part)))
    started = time.process_time()
    scan(redact(hostile).exchange)
    assert time.process_time() - started < 5  # about 0.3 s; a quadratic expression takes minutes


def test_a_long_stream_is_cleaned_in_about_a_second() -> None:
    words = stream(*deltas(*("word " for _ in range(5000))), b"[DONE]")
    keys = stream(*deltas(*(part for _ in range(1000) for part in (f" {KEY[:12]}", KEY[12:]))))
    started = time.process_time()
    assert redact(words).exchange == words
    assert KEY[12:].encode() not in redact(keys).exchange.payload
    assert time.process_time() - started < 5  # about 0.6 s


def test_a_faulty_compressed_body_is_kept_where_nothing_readable_is_secret() -> None:
    faulty = exchange(wrong_checksum(gzip.compress(b'{"a":"nothing to see"}')), headers=GZIP)
    assert redact(faulty).exchange == faulty
    many = exchange(gzip.compress(b"x" * 20_000_000), headers=GZIP)
    with pytest.raises(Unreadable, match="more than 16777216 bytes"):
        redact(many)


@pytest.mark.parametrize("shift", range(3))
def test_base64_is_read_from_where_it_begins(shift: int) -> None:
    short = "hunter2-7abc"
    among_bytes = base64.b64encode(b"\xff" * shift + short.encode() + b"\xff\xff")
    clean = redact(exchange(among_bytes), [short]).exchange.payload
    assert short.encode() not in base64.b64decode(clean)
    glued = b"abc"[: shift + 1] + base64.b64encode(f"some words, {KEY}".encode())
    clean = redact(exchange(glued)).exchange.payload
    assert KEY[8:].encode() not in base64.b64decode(clean[shift + 1 :])


def test_an_opaque_blob_holds_no_key_by_chance() -> None:
    blob = b'{"encrypted_content":"gAAAAABozcPV8NxzVAMDdbpqK7_ltYa5-sk-VsbnSW9OMWGRwlnwasaLvuaC4XlgGm"}'
    assert redact(exchange(blob)).exchange.payload == blob


def test_small_letters_keep_their_places() -> None:
    assert not [code for code in range(sys.maxunicode + 1) if len(fold_case(chr(code))) != 1]
    turkish = exchange(f'{{"a":"\u0130 \\u0130 {PLAIN} {PLAIN.upper()}"}}'.encode())
    assert scan(turkish, [PLAIN])
    assert PLAIN.lower().encode() not in redact(turkish, [PLAIN]).exchange.payload.lower()
