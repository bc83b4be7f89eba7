"""Credentials in two codings at once (UTF-16 in base64 or hex), and in the longest escapes of programs."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from fake_server.relay.redact import mask_excerpt, redact, scan
from fake_server.tests.planted_secrets import KEY, PLAIN, SENT, exchange, stream

Write = Callable[[str], str]
"""Writes a text in some way."""


def _wide(coding: str, encode: Callable[[bytes], str]) -> tuple[Write, Write]:
    return lambda text: encode(text.encode(coding)), lambda text: encode(f"it is {text}, dear".encode(coding))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _each(form: str) -> tuple[Write, Write]:
    def write(text: str) -> str:
        return "".join(form.format(ord(char)) for char in text)

    return write, lambda text: write(f"it is {text}, dear")


WAYS: dict[str, tuple[Write, Write]] = {
    f"{coding} in {name}": _wide(coding, encode)
    for coding in ("utf-16-le", "utf-16-be", "utf-16")
    for name, encode in (("base64", _base64), ("hex", bytes.hex), ("HEX", lambda data: data.hex().upper()))
}
WAYS |= {form: _each(form) for form in (r"\U{:08x}", r"\U{:08X}", "%u{:04x}", "%u{:04X}", r"\u{:04x}", r"\x{:02x}")}
SAMPLES = [(way, number) for way in WAYS for number in (0, 1)]


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize(("way", "number"), SAMPLES)
def test_a_key_in_two_codings_is_replaced_and_the_scanner_finds_it_too(way: str, number: int) -> None:
    for key, sent in ((KEY, ()), (PLAIN, SENT)):
        written = WAYS[way][number](key)
        for made in (exchange(f"say <{written}>".encode(), request=sent), stream({"a": written}, request=sent)):
            assert list(scan(made, (key,)))
            clean = redact(made, (key,)).exchange
            assert not list(scan(clean, (key,)))
            half = WAYS[way][0](key[8:])
            assert half[4:-4] not in clean.payload.decode()
            assert len(clean.payload) == len(made.payload)


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(("way", "number"), SAMPLES)
def test_a_key_in_two_codings_is_not_printed(way: str, number: int) -> None:
    for key in (KEY, PLAIN):
        written = WAYS[way][number](key)
        for text in (written, f"the target says {written}", f'"{written}" is no model'):
            assert WAYS[way][0](key[8:])[4:-4] not in mask_excerpt(text, (key,))
