"""Header fields and the request target without their secrets, and the secrets that stand in them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator

from fake_server.redact.body import cleaned_text
from fake_server.redact.dummy import SHORTEST, dummy, is_dummy
from fake_server.redact.patterns import after_prefix, is_secret_field, named
from fake_server.wire.exchange import Exchange, Headers

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]*[ \t]+")
_PAIR = re.compile(r"([^=;\s]+=)(\"?)([^;\"]*)")


def clean_fields(headers: Headers, known: Collection[str]) -> Headers:
    """The fields with dummies for credentials; names, schemes and cookie attributes stay."""
    return tuple((name, _clean_value(name, value, known)) for name, value in headers)


def _clean_value(name: str, value: str, known: Collection[str]) -> str:
    if not is_secret_field(name):
        return cleaned_text(value, known)
    for start, stop in _secret_spans(name, value):
        if not is_dummy(value[start:stop]):
            value = value[:start] + dummy(stop - start) + value[stop:]
    return value


def _secret_spans(name: str, value: str) -> Iterator[tuple[int, int]]:
    """Where the secrets stand in the value of a field that holds some."""
    if "cookie" in name.lower():
        pairs = list(_PAIR.finditer(value))
        if name.lower() == "set-cookie":
            pairs = pairs[:1]
        yield from (pair.span(3) for pair in pairs)
        return
    scheme = _SCHEME.match(value) if "authorization" in name.lower() else None
    yield after_prefix(value, scheme.end() if scheme else 0), len(value)


def known_values(exchange: Exchange, secrets: Collection[str] = ()) -> tuple[str, ...]:
    """What is secret because of where it stands in the exchange, and `secrets`; the longest first."""
    request = exchange.request
    fields = [
        *(request.headers or ()),
        *exchange.headers,
        *exchange.trailers,
        *(field for _, headers in exchange.informational for field in headers),
    ]
    values = [*secrets, *(value for name, text in fields for value in _held(name, text))]
    body = request.body.decode("latin-1")
    for text in (request.target, body):
        values += [text[start:stop] for start, stop in named(text)]
    kept = {
        value for value in values if len(value) >= SHORTEST and not is_dummy(value[after_prefix(value) :])
    }
    return tuple(sorted(kept, key=lambda value: (-len(value), value)))


def _held(name: str, value: str) -> Iterator[str]:
    """The secrets of one field: whole, and the password of Basic authentication."""
    if not is_secret_field(name):
        return
    for start, stop in _secret_spans(name, value):
        scheme = _SCHEME.match(value)
        begin = (
            scheme.end() if scheme and start >= scheme.end() else 0 if "cookie" not in name.lower() else start
        )
        yield value[begin:stop]
        if scheme and scheme.group().strip().lower() == "basic":
            try:
                user, _, password = base64.b64decode(value[begin:stop], validate=True).partition(b":")
            except binascii.Error:
                continue
            yield from (one.decode("latin-1") for one in (user, password))
