"""Removes the secrets of header fields and request targets, and collects them."""

from __future__ import annotations

import base64
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from urllib.parse import unquote

from fake_server.relay.redact.body import clean_text
from fake_server.relay.redact.dummies import dummy, fill, is_dummy
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.relay.redact.known import SHORTEST, Known, ShortWord
from fake_server.relay.redact.names import is_secret_field, is_secret_parameter
from fake_server.relay.redact.patterns import Span, is_distinctive, named_secrets, skip_prefix
from fake_server.relay.redact.views import apply_edits, unescaped_readings
from fake_server.wire.exchange import Exchange, Headers

_SCHEME = re.compile(r"\s*(?:[A-Za-z]{2,12}|Api[-_]Key|AWS4-[A-Z0-9-]{1,30}|SCRAM-[A-Z0-9-]{1,30})[ \t]+", re.I)
_PAIR = re.compile(r"\s*(?:([^=;,\s]*)[ \t]*=)?[ \t]*\"?([^;\"]*)")
_QUERY = re.compile(r"[?&;]([^=&;]{1,100})=([^&]+)")
_COOKIES = re.compile(r",\s*(?=[^=;,\s]+=)")
"""A comma between two cookies joined in one field; dates have commas as well."""
_ATTRIBUTE = re.compile("path|domain|expires|max-age|samesite|secure|httponly|partitioned|priority|version|comment")
"""Attributes of Set-Cookie (RFC 6265 section 4.1.1), which are no secrets."""
_SHORT_KEY = re.compile(r"sk-(?=[a-z]*[0-9])[A-Za-z0-9_-]{3,}")
"""`sk-1234`: `1234` alone is too common to search for, the whole key is not."""
SHORTEST_GIVEN = 4
MAX_KNOWN = 200
"""Known values that are searched for, longest first: a target may set any number of cookies."""


def clean_fields(headers: Headers, known: Collection[str], kept: Kept = NOTHING, *, sent: bool = False) -> Headers:
    """The fields with their credentials replaced; names, schemes and cookie attributes stay.

    Nothing keeps a credential that was `sent`.
    """
    clean = tuple(
        (name, clean_text(_replace(value, secret_spans(name, value, NOTHING if sent else kept)), known, kept))
        for name, value in headers
    )
    return _clean_joined(clean, known) if len(clean) > 1 else clean


def _clean_joined(fields: Headers, known: Collection[str]) -> Headers:
    """The fields without the known values that several values of fields form together, one after the other."""
    text = "".join(value for _, value in fields)
    ends = list(accumulate(len(value) for _, value in fields))
    search = Known(known)
    for run in search.runs(text):
        start, stop = run[0][0], run[-1][1]
        if bisect_right(ends, start) < bisect_left(ends, stop):
            text = apply_edits(text, ((first, last, fill(text[first:last])) for first, last in run))
    starts = (0, *ends)
    return tuple((name, text[begin:end]) for (name, _), begin, end in zip(fields, starts, ends, strict=False))


def clean_target(target: str, known: Collection[str], kept: Kept = NOTHING) -> str:
    """A request target with the values of credential parameters replaced."""
    spans = ((skip_prefix(target, start, stop), stop) for start, stop in _parameter_spans(target))
    return clean_text(_replace(target, spans), known, kept)


def _parameter_spans(target: str) -> Iterator[Span]:
    """The values of the parameters of a request target that are made for credentials."""
    return (match.span(2) for match in _QUERY.finditer(target) if is_secret_parameter(unquote(match[1])))


def _replace(text: str, spans: Iterable[Span]) -> str:
    for start, stop in spans:
        if not is_dummy(text[start:stop]):
            text = text[:start] + dummy(stop - start) + text[stop:]
    return text


def secret_spans(name: str, value: str, kept: Kept = NOTHING) -> Iterator[Span]:
    """The spans of secrets in the value of a field; none for a field that is not made for credentials."""
    if is_secret_field(name):
        yield from (span for span in _field_spans(name, value) if not kept.holds(value, *span, name))


def _field_spans(name: str, value: str) -> Iterator[Span]:
    if "cookie" in name.lower():
        yield from _cookies(value, sets="set-" in name.lower())
        return
    scheme = _SCHEME.match(value) if re.search("auth", name, re.I) else None
    start = scheme.end() if scheme else len(value) - len(value.lstrip())
    yield skip_prefix(value, start), len(value)


def _cookies(value: str, *, sets: bool) -> Iterator[Span]:
    """The values of cookies, and parts without a name."""
    position = 0
    for folded in _COOKIES.split(value) if sets else [value]:
        start, first = value.index(folded, position), True
        for part in folded.split(";"):
            pair = _PAIR.match(part)
            if pair and pair[2].strip():
                attribute = _ATTRIBUTE.fullmatch((pair[1] or pair[2].strip()).lower())
                if first or not (sets and attribute):
                    yield start + pair.start(2), start + pair.start(2) + len(pair[2].rstrip())
            start, first = start + len(part) + 1, False
        position = start - 1


def sent_credentials(exchange: Exchange, secrets: Collection[str] = ()) -> frozenset[str]:
    """The credentials that the request sends in its header fields and its target, and `secrets`."""
    request = exchange.request
    values = [value for name, text in request.headers or () for value in _field_secrets(name, text, NOTHING)]
    values += [request.target[start:stop] for start, stop in _parameter_spans(request.target)]
    values += [unquote(value) for value in values if "%" in value]
    values += [part for secret in secrets for part in (secret, secret[skip_prefix(secret) :])]
    return frozenset(value for value in values if value and not is_dummy(value))


def without_credentials(kept: Kept, exchange: Exchange, secrets: Collection[str] = ()) -> Kept:
    """What is kept, but never a credential that the request sends, nor one of `secrets`."""
    if not (kept.values or kept.names):
        return kept
    return replace(kept, never=kept.never | sent_credentials(exchange, secrets))


def known_values(exchange: Exchange, secrets: Collection[str] = (), kept: Kept = NOTHING) -> tuple[str, ...]:
    """The values that are secret because of their place in the exchange, and `secrets`; longest first.

    Values that many texts contain by chance (`lm-studio`) are not among them: they are replaced in their
    place. Up to seven characters are searched for where a credential stands. Values of `secrets` need only four
    characters to be replaced everywhere.
    """
    request = exchange.request
    kept = without_credentials(kept, exchange, secrets)
    fields = [
        *exchange.headers,
        *exchange.trailers,
        *(field for _, headers in exchange.informational for field in headers),
    ]
    values = [value for name, text in request.headers or () for value in _field_secrets(name, text, NOTHING)]
    values += [value for name, text in fields for value in _field_secrets(name, text, kept)]
    for text in (request.target, request.body.decode("latin-1")):
        for reading in (text, *(view.text for view in unescaped_readings(text))):
            values += [reading[start:stop] for start, stop in named_secrets(reading, kept)]
    values += [request.target[start:stop] for start, stop in _parameter_spans(request.target)]
    values += [unquote(value) for value in values if "%" in value]
    known = {value for value in values if is_distinctive(value[skip_prefix(value) :]) or _SHORT_KEY.match(value)}
    known |= {value for value in secrets if len(value) >= SHORTEST_GIVEN}
    sent = [value for name, text in request.headers or () for value in _field_secrets(name, text, NOTHING)]
    known |= {ShortWord(value) for value in (*sent, *secrets) if value and value not in known and len(value) < SHORTEST}
    real = {value for value in known if not is_dummy(value[skip_prefix(value) :])}
    return tuple(sorted(real, key=lambda value: (-len(value), value))[:MAX_KNOWN])


@dataclass(frozen=True)
class Secrets:
    """What is secret in one exchange: the `known` values, longest first, and what is `kept` all the same."""

    known: tuple[str, ...]
    kept: Kept = NOTHING


def find_secrets(
    exchange: Exchange, secrets: Iterable[str] = (), keep: Iterable[str] = (), keep_names: Iterable[str] = ()
) -> Secrets:
    """Look an exchange up for its secrets; the options are those of `save_recording`."""
    secrets = tuple(secrets)
    kept = without_credentials(Kept.of(keep, keep_names), exchange, secrets)
    return Secrets(known_values(exchange, secrets, kept), kept)


def _field_secrets(name: str, value: str, kept: Kept) -> Iterator[str]:
    """The secrets of one field, and the user name and password of Basic authentication."""
    for start, stop in secret_spans(name, value, kept):
        secret = value[start:stop]
        yield secret
        if value[:start].endswith("sk-"):
            yield f"sk-{secret}"
        if value[:start].strip().lower() == "basic":
            try:
                user, _, password = base64.b64decode(secret, validate=True).partition(b":")
            except ValueError:  # no base64, or not even ASCII
                continue
            yield from (part.decode("latin-1") for part in (user, password))
