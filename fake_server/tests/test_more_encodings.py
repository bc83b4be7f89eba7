"""Keys in encodings that a server or a language may produce beside base64, hex and the escapes of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from fake_server.relay.redact import excerpt, mask_excerpt, redact, scan, scan_text
from fake_server.wire.exchange import Exchange, Request, Write

KEY = "sk-proj-Zq8Xv7Tn4Lw2Rb9Kd3Hf6Jm1Pc5Gs0Yt"
PLAIN = "Zq8Xv7-Tn4Lw2_Rb9Kd3"
"""A key without any mark, which only this run knows."""
Encode = Callable[[str], str]


def _based(encode: Callable[[bytes], bytes], before: int) -> Encode:
    return lambda key: encode(b"p" * before + key.encode() + b" and more").decode()


def _alphabet(capital: int, small: int, digit: int) -> Encode:
    def encode(key: str) -> str:
        starts = {"A": capital, "a": small, "0": digit}
        kinds = (
            (char, next((k for k in "Aa0" if k <= char <= chr(ord(k) + 25) and char.isalnum()), "")) for char in key
        )
        return "".join(
            chr(starts[kind] + ord(char) - ord(kind)) if kind and starts[kind] else char for char, kind in kinds
        )

    return encode


def _wide(key: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in key)


KNOWN_ONLY: dict[str, Encode] = {
    **{f"base32, {shift} before": _based(base64.b32encode, shift) for shift in range(6)},
    "base32 in small letters": lambda key: base64.b32encode(key.encode()).decode().lower().rstrip("="),
    **{f"base85, {shift} before": _based(base64.b85encode, shift) for shift in range(5)},
    **{f"Ascii85, {shift} before": _based(base64.a85encode, shift) for shift in range(5)},
    "Ascii85 of Adobe": lambda key: base64.a85encode(key.encode(), adobe=True).decode(),
    "octal escapes": lambda key: "".join(f"\\{ord(char):03o}" for char in key),
}
BY_FORM: dict[str, Encode] = {
    "full width": _wide,
    "bold": _alphabet(0x1D400, 0x1D41A, 0x1D7CE),
    "sans-serif": _alphabet(0x1D5A0, 0x1D5BA, 0x1D7E2),
    "typewriter": _alphabet(0x1D670, 0x1D68A, 0x1D7F6),
    "double-struck digits": _alphabet(0x1D63C, 0x1D656, 0x1D7D8),
    "circles": _alphabet(0x24B6, 0x24D0, 0),
    "octal escapes of Perl": lambda key: "".join(f"\\o{{{ord(char):o}}}" for char in key),
    "full width, in percent": lambda key: "".join(f"%{byte:02X}" for byte in _wide(key).encode()),
}
ENCODINGS = KNOWN_ONLY | BY_FORM
PLACES: dict[str, Callable[[str], bytes]] = {
    "JSON": lambda text: json.dumps({"choices": [{"message": {"content": f"it is {text}."}}]}).encode(),
    "JSON in UTF-8": lambda text: json.dumps({"error": {"message": text}}, ensure_ascii=False).encode(),
    "text": lambda text: f"no such key: {text}\n".encode(),
    "event": lambda text: f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n".encode(),
    "JSON in JSON": lambda text: json.dumps({"arguments": json.dumps({"key": f"a {text}"})}).encode(),
}


def reply(body: bytes) -> Exchange:
    return Exchange(Request("POST", "/v1/chat/completions", (), b"{}"), 200, (), (Write(body),))


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_recording_holds_a_known_key_in_it(encoding: str, place: str) -> None:
    for key in (KEY, PLAIN):
        exchange = reply(PLACES[place](ENCODINGS[encoding](key)))
        assert scan(exchange, [key]), "the second decoder finds it by itself"
        clean = redact(exchange, [key]).exchange
        assert not scan(clean, [key])
        assert len(clean.payload) == len(exchange.payload)
        assert PLACES[place](ENCODINGS[encoding](key)) != clean.payload


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("encoding", BY_FORM)
def test_no_recording_holds_a_credential_of_others_in_it(encoding: str) -> None:
    exchange = reply(PLACES["JSON"](BY_FORM[encoding](KEY.replace("proj", "proj"))))
    assert scan(exchange)
    assert not scan(redact(exchange).exchange)


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("form", [str, json.dumps, ascii], ids=["plain", "JSON", "Python"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_output_holds_a_known_key_in_it(encoding: str, form: Encode) -> None:
    for key in (KEY, PLAIN):
        written = form(f"it is {ENCODINGS[encoding](key)}.")
        masked = mask_excerpt(written, [key])
        assert len(masked) == len(written)
        assert not scan_text(masked, [key])
        assert masked != written
        assert masked == excerpt(written + " " * 9999, len(written), [key])


@pytest.mark.parametrize(
    "text",
    [
        "ＡＢＣ全角の文字１２３と普通の文字。",
        "𝐁𝐨𝐥𝐝 𝐰𝐨𝐫𝐝𝐬 𝒂𝒏𝒅 𝟏𝟐𝟑 𝒅𝒊𝒈𝒊𝒕𝒔",
        "ⓐⓑⓒⓓ and ①②③",
        r"regular expressions: (\w)\1\100 \o{101} C:\101\new",
        base64.b32encode(b"nothing that anybody keeps secret").decode(),
        base64.a85encode(b"nothing that anybody keeps secret").decode(),
        base64.b85encode(b"nothing that anybody keeps secret").decode(),
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    for place in PLACES.values():
        exchange = reply(place(text))
        assert redact(exchange, [KEY, PLAIN]).exchange == exchange
        assert not scan(exchange, [KEY, PLAIN])
    assert mask_excerpt(text, [KEY, PLAIN]) == text
