"""The final check before a recording is saved: decodes everything in every possible way and searches it.

Redaction reads each text twice, with two separate decoders. The first (`body`, `views`, `codings`,
`stream`) tracks offsets so that it can replace secrets in place. This second one (`decodings`) only has to
find them. They share the patterns and nothing else: a mistake in one decoder is caught by the other, and
the recording is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from urllib.parse import unquote

from fake_server.relay.redact.clock import check_clock
from fake_server.relay.redact.decodings import Text, texts_in
from fake_server.relay.redact.dummies import is_dummy
from fake_server.relay.redact.joinings import Joinings, bare, read_codes
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.relay.redact.known import FEWEST, ShortWord, base85_forms, encoded_forms, fold_case, occurrences
from fake_server.relay.redact.names import is_secret_field, is_secret_parameter
from fake_server.relay.redact.patterns import credentials_over, find_suspicious, skip_prefix
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Exchange, Headers, Write

SHOWN = 3
"""Characters of a secret that a message quotes."""
MAX_LEAKS = 20
MAX_HEAD = 1 << 16
"""Bytes of a raw reply that are searched for header fields."""
_SCHEMES = frozenset({"basic", "bearer", "digest", "token", "key", "apikey", "negotiate"})
_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "version", "priority", "comment"})


@dataclass(frozen=True)
class Leak:
    """Something that looks like a credential: where it is, and its first characters."""

    where: str
    shown: str


def scan(exchange: Exchange, secrets: Iterable[str] = (), kept: Kept = NOTHING) -> list[Leak]:
    """Every place that looks like a credential or holds one of `secrets`, at most MAX_LEAKS of them."""
    known = _needles(secrets)
    leaks: dict[Leak, None] = {}
    for leak in _all(exchange, known, kept):
        leaks[leak] = None
        if len(leaks) == MAX_LEAKS:
            break
    return list(leaks)


def scan_text(text: str, secrets: Iterable[str] = (), where: str = "the text", kept: Kept = NOTHING) -> list[Leak]:
    """Places in a title, a note or a name that look like a credential or hold one of `secrets`."""
    known = _needles(secrets)
    leaks = (leak for part in texts_in(text) for leak in _leaks(part, where, known, kept))
    return list(dict.fromkeys(leaks))[:MAX_LEAKS]


def _needles(secrets: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Each form of each secret to search for, with the secret itself."""
    return tuple(
        (form, secret)
        for secret in secrets
        for form in dict.fromkeys((secret, *(() if isinstance(secret, ShortWord) else _encoded(secret))))
    )


def _encoded(secret: str) -> Iterator[str]:
    return chain(encoded_forms(secret), base85_forms(secret))


def _all(exchange: Exchange, known: tuple[tuple[str, str], ...], kept: Kept) -> Iterator[Leak]:
    for where, headers in _header_fields(exchange):
        yield from _in_fields(where, headers, NOTHING if where == "request header" else kept)
        values = [value for _, value in headers]
        joined = Text("".join(values), "joined", Joinings(values, [(0, "joined")]))
        yield from _leaks(joined, f"{where}s", known, kept)
    for name, candidate in _query(exchange.request.target):
        if is_secret_parameter(name) and not is_dummy(candidate[skip_prefix(candidate) :]):
            yield Leak(f"request target, {name}", f"{candidate[:SHOWN]}…")
    for where, value in _places(exchange):
        for part in texts_in(value):
            yield from _leaks(part, where, known, kept)


def _leaks(part: Text, where: str, known: tuple[tuple[str, str], ...], kept: Kept) -> Iterator[Leak]:
    check_clock()
    items = part.joinings
    found = credentials_over(part.text, part.pieces, kept) if items else find_suspicious(part.text, kept)
    for start, stop in found:
        begin = max(0, start - 8)
        yield Leak(_place(where, part.where(start)), f"{part.text[begin : min(start + SHOWN, stop)]}…")
    small = fold_case(part.text)
    letters = bare(small)
    codes = [bare(fold_case(code)) for code in read_codes(small)] if not (part.joinings or part.how) else []
    for form, secret in known:
        core = bare(fold_case(form[skip_prefix(form) :])) if form.isascii() else ""
        is_long = len(core) >= FEWEST and not isinstance(form, ShortWord)
        shown = f"{secret[:SHOWN]}…"
        if span := next(occurrences(part.text, small, form), None):
            yield Leak(_place(where, part.where(span[0])), shown)
        elif is_long and core in letters:
            yield Leak(_place(where, part.how or "with other characters between"), shown)
        elif is_long and any(core in inner for inner in codes):
            yield Leak(_place(where, "as codes of characters"), shown)


def _place(where: str, how: str) -> str:
    return f"{where}, {how}" if how else where


def _header_fields(exchange: Exchange) -> Iterator[tuple[str, Headers]]:
    yield "request header", exchange.request.headers or ()
    yield "response header", exchange.headers
    yield "trailer", exchange.trailers
    for _, headers in exchange.informational:
        yield "1xx header", headers
    yield "raw header", tuple(_raw_fields(b"".join(read.data for read in exchange.raw)))


def _raw_fields(raw: bytes) -> Iterator[tuple[str, str]]:
    """The lines of raw bytes that look like header fields; folded lines are joined."""
    text = raw[:MAX_HEAD].decode("latin-1").replace("\r\n", "\n")
    for line in text.replace("\n ", " ").replace("\n\t", " ").split("\n"):
        name, colon, value = line.partition(":")
        if colon and not set(name) & set(' \t{"'):
            yield name, value.strip()


def _query(target: str) -> Iterator[tuple[str, str]]:
    """The parameters of a request target."""
    for part in target.partition("?")[2].split("&"):
        name, _, candidate = part.partition("=")
        yield unquote(name), candidate


def _in_fields(where: str, headers: Headers, kept: Kept) -> Iterator[Leak]:
    """Fields made for credentials whose value is not a dummy."""
    for name, value in headers:
        if not is_secret_field(name):
            continue
        cookie = "cookie" in name.lower()
        for candidate in _crumbs(value) if cookie else [_without_scheme(value)]:
            start = skip_prefix(candidate)
            dummy = is_dummy(candidate[start:]) or kept.holds(candidate, start, len(candidate), name)
            if candidate and not dummy:
                yield Leak(f"{where} {name}", f"{candidate[:SHOWN]}…")


def _without_scheme(value: str) -> str:
    first, _, rest = value.strip().partition(" ")
    return rest.strip() if rest and (first.lower() in _SCHEMES or is_dummy(rest.strip())) else value.strip()


def _crumbs(value: str) -> Iterator[str]:
    """The values of cookies, without attributes."""
    for part in value.split(";"):
        name, equals, candidate = part.strip().rpartition("=")
        if name.strip().lower() not in _ATTRIBUTES and (equals or len(part.strip()) > 12):
            yield candidate.strip().strip('"')


def _places(exchange: Exchange) -> Iterator[tuple[str, str | bytes]]:
    """Every part of the exchange that a fixture would hold, with its name."""
    request = exchange.request
    yield "request method", request.method
    yield "request target", request.target
    yield "request body", request.body
    as_reply = Exchange(request, 200, request.headers or (), (Write(request.body),))
    for where, body in (("request body", as_reply), ("response body", exchange)):
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
