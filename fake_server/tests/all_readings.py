"""All that a recording can be made to say, by a reader who joins whatever stands in it."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from fake_server.wire.exchange import Exchange

_RUN = re.compile(r"[A-Za-z0-9+/]{16,}")
_HEX = re.compile(r"(?:[0-9a-f]{2}){8,}")


def readings(exchange: Exchange) -> str:
    """Every reading of every part of an exchange, one after the other."""
    request = exchange.request
    fields = [*(request.headers or ()), *exchange.headers, *exchange.trailers]
    fields += [field for _, headers in exchange.informational for field in headers]
    parts = [request.target, *(value for _, value in fields), "".join(value for _, value in fields)]
    parts += [exchange.reason, exchange.problem, exchange.label]
    texts = list(parts)
    for body in (request.body, exchange.payload, b"".join(read.data for read in exchange.raw)):
        texts += _readings_of(body)
    texts = list(dict.fromkeys(texts))
    texts += [unquote(text) for text in texts if "%" in text] + [html.unescape(text) for text in texts if "&" in text]
    texts += [_unescape(text) for text in texts if "\\" in text]
    texts += [inner for text in texts for inner in _encoded(text)]
    return "\n".join(texts)


def leaks(text: str, secret: str) -> bool:
    """Whether a text, or its letters and digits, hold a secret or half of it."""
    bare = re.sub(r"[^A-Za-z0-9\n]", "", text)
    for half in (secret[: len(secret) // 2], secret[len(secret) // 2 :]):
        letters = re.sub("[^A-Za-z0-9]", "", half)
        if len(letters) >= 8 and (half in text or letters in bare):
            return True
    return False


def _readings_of(body: bytes) -> list[str]:
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    text = body.decode("utf-8", "replace")
    found = [text, body.replace(b"\0", b"").decode("utf-8", "replace")]
    found += ["".join(map(chr, map(int, re.findall(r"\b\d{2,3}\b", text))))] if len(text) < 100_000 else []
    found += ["".join(re.findall(r"\b(?:0x)?([2-7][0-9a-f])\b", text))]
    values = [value for line in (text, *text.splitlines()) if (value := _json(line.removeprefix("data:"))) is not None]
    joined: dict[str, list[str]] = {}
    for value in values:
        for path, leaf in _leaves(value, ""):
            joined.setdefault(path, []).append(leaf)
            joined.setdefault(re.sub(r"\[\d+\]", "[]", path), []).append(leaf)
            joined.setdefault(re.sub(r"\[\d+\](?=.*\[)", "[]", path), []).append(leaf)
            joined.setdefault("", []).append(leaf)
    for pieces in joined.values():
        found += ["".join(pieces), "".join(map(_decode, pieces))]
        inner = _json(found[-2]) if found[-2][:1] in ("{", "[") else None
        found += ["".join(leaf for _, leaf in _leaves(inner, ""))] if inner is not None else []
    return found


def _unescape(text: str) -> str:
    return re.sub(r"\\+(?:u00|x)([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, member in value.items():
                yield f"{path}<name>", name
                yield from _leaves(member, f"{path}.{name}")
        case list():
            for number, item in enumerate(value):
                yield from _leaves(item, f"{path}[{number}]")
        case str():
            yield path, value
            inner = _json(value) if value[:1] in ("{", "[") else None
            if inner is not None:
                yield from _leaves(inner, f"{path}!")
            if re.fullmatch(r"(?:0x[0-9a-f]{2}|[0-9]{2,3})", value):
                yield f"{path}#", chr(int(value, 16 if value[1] == "x" else 10))
        case bool():
            pass
        case int() | float() if 9 <= value < 256:
            yield path, chr(int(value))


def _decode(piece: str) -> str:
    try:
        return base64.b64decode(piece, validate=True).decode("ascii")
    except ValueError:
        return ""


def _encoded(text: str) -> Iterator[str]:
    for run in _RUN.findall(text.replace("-", "+").replace("_", "/")):
        for shift in range(4):
            data = base64.b64decode(run[shift : shift + (len(run) - shift) // 4 * 4])
            yield (
                zlib.decompressobj(31).decompress(data).decode()
                if data[:3] == b"\x1f\x8b\x08"
                else data.decode("latin-1")
            )
    for run in _HEX.findall(text.lower()):
        yield bytes.fromhex(run).decode("latin-1")
