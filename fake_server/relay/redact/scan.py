"""What still looks like a credential: everything is read in every way it can be, and searched.

It shares what credentials look like with the cleaning and nothing else: it decodes by other means, so
that a mistake in one is seen by the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from fake_server.relay.redact.decodings import Text, texts_in
from fake_server.relay.redact.dummy import is_dummy
from fake_server.relay.redact.known import encoded_forms, fold_case, occurrences
from fake_server.relay.redact.names import is_secret_field, is_secret_parameter
from fake_server.relay.redact.patterns import find_suspicious, skip_prefix
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Exchange, Headers, Write

SHOWN = 3
"""Characters of a secret that a message tells."""
MAX_LEAKS = 20
MAX_HEAD = 1 << 16
"""Bytes of a raw reply in which header fields are looked for."""
_SCHEMES = frozenset({"basic", "bearer", "digest", "token", "key", "apikey", "negotiate"})
_ATTRIBUTES = frozenset(
    {"path", "domain", "expires", "max-age", "samesite", "version", "priority", "comment"}
)


@dataclass(frozen=True)
class Leak:
    """Something that looks like a credential: where, and its first characters."""

    where: str
    shown: str


def scan(exchange: Exchange, secrets: Iterable[str] = ()) -> list[Leak]:
    """Every place that looks like a credential or holds one of `secrets`, at most MAX_LEAKS of them."""
    known = _needles(secrets)
    leaks: dict[Leak, None] = {}
    for leak in _all(exchange, known):
        leaks[leak] = None
        if len(leaks) == MAX_LEAKS:
            break
    return list(leaks)


def scan_text(text: str, secrets: Iterable[str] = (), where: str = "the text") -> list[Leak]:
    """What looks like a credential in a title, a note, a name, or holds one of `secrets`."""
    known = _needles(secrets)
    found = (leak for part in texts_in(text) for leak in _leaks(part, where, known))
    return list(dict.fromkeys(found))[:MAX_LEAKS]


def _needles(secrets: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Each form of each secret to look for, with the secret."""
    return tuple(
        (form, secret) for secret in secrets for form in dict.fromkeys((secret, *encoded_forms(secret)))
    )


def _all(exchange: Exchange, known: tuple[tuple[str, str], ...]) -> Iterator[Leak]:
    for where, headers in _header_fields(exchange):
        yield from _in_fields(where, headers)
    for name, held in _query(exchange.request.target):
        if is_secret_parameter(name) and not is_dummy(held[skip_prefix(held) :]):
            yield Leak(f"request target, {name}", f"{held[:SHOWN]}…")
    for where, value in _places(exchange):
        for part in texts_in(value):
            yield from _leaks(part, where, known)


def _leaks(part: Text, where: str, known: tuple[tuple[str, str], ...]) -> Iterator[Leak]:
    where = f"{where}, {part.how}" if part.how else where
    for start, stop in find_suspicious(part.text):
        begin = max(0, start - 8)
        yield Leak(where, f"{part.text[begin : min(start + SHOWN, stop)]}…")
    small = fold_case(part.text)
    for form, secret in known:
        if any(occurrences(part.text, small, form)):
            yield Leak(where, f"{secret[:SHOWN]}…")


def _header_fields(exchange: Exchange) -> Iterator[tuple[str, Headers]]:
    yield "request header", exchange.request.headers or ()
    yield "response header", exchange.headers
    yield "trailer", exchange.trailers
    for _, headers in exchange.informational:
        yield "1xx header", headers
    yield "raw header", tuple(_raw_fields(b"".join(read.data for read in exchange.raw)))


def _raw_fields(raw: bytes) -> Iterator[tuple[str, str]]:
    """The lines of raw bytes that look like header fields, those of a fold as one."""
    text = raw[:MAX_HEAD].decode("latin-1").replace("\r\n", "\n")
    for line in text.replace("\n ", " ").replace("\n\t", " ").split("\n"):
        name, colon, value = line.partition(":")
        if colon and not set(name) & set(' \t{"'):
            yield name, value.strip()


def _query(target: str) -> Iterator[tuple[str, str]]:
    """The parameters of a request target."""
    for part in target.partition("?")[2].split("&"):
        name, _, held = part.partition("=")
        yield unquote(name), held


def _in_fields(where: str, headers: Headers) -> Iterator[Leak]:
    """Fields made for credentials that hold more than a dummy."""
    for name, value in headers:
        if not is_secret_field(name):
            continue
        cookie = "cookie" in name.lower()
        for held in _crumbs(value) if cookie else [_without_scheme(value)]:
            if held and not is_dummy(held[skip_prefix(held) :]):
                yield Leak(f"{where} {name}", f"{held[:SHOWN]}…")


def _without_scheme(value: str) -> str:
    first, _, rest = value.strip().partition(" ")
    return rest.strip() if rest and (first.lower() in _SCHEMES or is_dummy(rest.strip())) else value.strip()


def _crumbs(value: str) -> Iterator[str]:
    """The values of cookies, without attributes."""
    for part in value.split(";"):
        name, equals, held = part.strip().rpartition("=")
        if name.strip().lower() not in _ATTRIBUTES and (equals or len(part.strip()) > 12):
            yield held.strip().strip('"')


def _places(exchange: Exchange) -> Iterator[tuple[str, str | bytes]]:
    """Every part of the exchange that a file would hold, with its name."""
    request = exchange.request
    yield "request method", request.method
    yield "request target", request.target
    yield "request body", request.body
    asked = Exchange(request, 200, request.headers or (), (Write(request.body),))
    for where, body in (("request body", asked), ("response body", exchange)):
        plain, _ = decode_content(body)
        if plain != body.payload:
            yield f"decompressed {where}", plain
    for where, headers in _header_fields(exchange):
        for name, value in headers:
            yield f"name of a {where}", name
            yield f"{where} {name}", value
    yield "response body", exchange.payload
    yield "raw bytes", b"".join(read.data for read in exchange.raw)
    for name in ("http_version", "reason", "problem", "label"):
        yield name.replace("_", " "), getattr(exchange, name)
