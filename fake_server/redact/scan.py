"""What still looks like a credential: everything decoded to plain text and searched, place by place."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote_plus

from fake_server.redact.dummy import is_dummy
from fake_server.redact.patterns import after_prefix, is_secret_field, suspicious
from fake_server.wire.coding import decoded
from fake_server.wire.exchange import Exchange, Headers, Write
from fake_server.wire.jsontext import parse
from fake_server.wire.sse import Decoder

SHOWN = 3
"""Characters of a secret that a message tells."""
MAX_LEAKS = 20


@dataclass(frozen=True)
class Leak:
    """Something that looks like a credential: where, and its first characters."""

    where: str
    shown: str


def scan(exchange: Exchange, secrets: Iterable[str] = ()) -> list[Leak]:
    """Every place that looks like a credential or holds one of `secrets`, at most MAX_LEAKS of them."""
    known = tuple(secrets)
    in_texts = (leak for where, text in _texts(exchange) for leak in _leaks(where, text, known))
    leaks: dict[Leak, None] = {}
    for leak in chain(_in_fields(exchange), in_texts):
        leaks[leak] = None
        if len(leaks) == MAX_LEAKS:
            break
    return list(leaks)


def scan_text(text: str, where: str = "the text") -> list[Leak]:
    """What looks like a credential in a title, a note, a name."""
    return list(dict.fromkeys(_leaks(where, text, ())))


def _leaks(where: str, text: str, known: Collection[str]) -> Iterator[Leak]:
    for start, stop in suspicious(text):
        begin = max(0, start - 8)
        yield Leak(where, f"{text[begin : min(start + SHOWN, stop)]}…")
    for secret in known:
        if secret in text:
            yield Leak(where, f"{secret[:SHOWN]}…")


def _in_fields(exchange: Exchange) -> Iterator[Leak]:
    """Fields made for credentials, cookies aside, that hold more than a dummy."""
    for where, headers in (("request", exchange.request.headers or ()), ("response", exchange.headers)):
        for name, value in headers:
            held = value.split(" ")[-1]
            secret = is_secret_field(name) and "cookie" not in name.lower()
            if secret and not is_dummy(held[after_prefix(held) :]):
                yield Leak(f"{where} header {name}", f"{held[:SHOWN]}…")


def _texts(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Every text of the exchange in each form it can be read in, with where it stands."""
    request = exchange.request
    yield from _plain("request target", request.target)
    yield from _fields("request header", request.headers or ())
    yield from _body("request body", request.body)
    asked = Exchange(request, 200, request.headers or (), (Write(request.body),))
    yield from _decompressed("request body", asked)
    yield from _fields("response header", exchange.headers)
    yield from _fields("trailer", exchange.trailers)
    for _, headers in exchange.informational:
        yield from _fields("1xx header", headers)
    yield from _body("response body", exchange.payload)
    yield from _decompressed("response body", exchange)
    yield from _body("raw bytes", b"".join(read.data for read in exchange.raw))
    for name in ("reason", "problem", "label"):
        yield from _plain(name, getattr(exchange, name))


def _decompressed(where: str, exchange: Exchange) -> Iterator[tuple[str, str]]:
    plain, _ = decoded(exchange)
    if plain != exchange.payload:
        yield from _body(f"decompressed {where}", plain)


def _fields(where: str, headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield from _plain(f"{where} {name}", value)


def _plain(where: str, text: str) -> Iterator[tuple[str, str]]:
    yield where, text
    if "%" in text:
        yield where, unquote_plus(text)


def _body(where: str, body: bytes) -> Iterator[tuple[str, str]]:
    text = body.decode("utf-8", "replace")
    yield from _plain(where, text)
    for inner in _from_base64(body):
        yield f"{where}, in base64", inner
    if body[:1] in (b"{", b"["):
        value = parse(body).value
        yield where, json.dumps(value, ensure_ascii=False)
        yield where, "\n".join(_strings(value))
    elif b"data:" in body:
        yield from _stream(where, body)


def _stream(where: str, body: bytes) -> Iterator[tuple[str, str]]:
    """The strings of all events one by one, and those of one choice and member put together."""
    together: dict[tuple[Any, ...], list[str]] = {}
    decoder = Decoder()
    for event in (*decoder.feed(body), *decoder.close()):
        if event.raw_data:
            for key, text in _leaves(parse(event.raw_data).value):
                together.setdefault(key, []).append(text)
    for parts in together.values():
        yield f"{where}, over several events", "".join(parts)
        yield where, "\n".join(parts)


def _strings(value: Any) -> Iterator[str]:
    yield from (text for _, text in _leaves(value))


def _leaves(value: Any, key: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
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


def _from_base64(body: bytes) -> Iterator[str]:
    for match in re.finditer(rb"[A-Za-z0-9+/_-]{20,}", body):
        run = match.group().translate(bytes.maketrans(b"-_", b"+/"))
        for shift in range(4):
            part = run[shift : shift + (len(run) - shift) // 4 * 4]
            try:
                inner = base64.b64decode(part, validate=True)
            except binascii.Error:
                continue
            if re.search(rb"[\x20-\x7e]{12}", inner):
                yield inner.decode("latin-1")
