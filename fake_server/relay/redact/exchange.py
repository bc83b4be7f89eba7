"""Removes the secrets of one exchange."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from fake_server.relay.redact.body import clean_bytes, clean_text
from fake_server.relay.redact.codings import decompress_readable
from fake_server.relay.redact.fields import Secrets, clean_fields, clean_target, known_values, without_credentials
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Aspect, Exchange, Headers, Request, Write, header, recut
from fake_server.wire.proof import differences

_READABLE = frozenset({"gzip", "x-gzip", "deflate", "identity", ""})
_FIELD_LINE = re.compile(rb"^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t]*:[ \t]*)((?:[^\r\n]|\r?\n[ \t])*+)", re.MULTILINE)
"""A header field with its folded lines (RFC 9112 section 5.2)."""
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*")
_TEXTS = ("reason", "problem", "label")
_WINDOWS = (32 + zlib.MAX_WBITS, -zlib.MAX_WBITS)
"""gzip or zlib, and raw deflate (RFC 1951)."""
MAX_UNPACKED = 1 << 24
MANY = 5
"""Places in one body that are listed individually."""


class Unreadable(ValueError):
    """A body cannot be searched for secrets; the message says why and what to do."""


@dataclass(frozen=True)
class Redacted:
    """An exchange without its secrets; `replaced` describes where they were."""

    exchange: Exchange
    replaced: tuple[str, ...] = ()


def redact(exchange: Exchange, secrets: Iterable[str] = (), kept: Kept = NOTHING) -> Redacted:
    """Replace every secret of an exchange by a dummy of the same length. Raises Unreadable.

    Secrets are: the values of header fields and parameters made for credentials, anything that looks like a
    credential, the values in `secrets`, and all of these in encoded form; but not what is `kept`, unless the request
    sends it as a credential. A compressed body stays unchanged
    if it holds no secret; otherwise its decompressed, redacted text replaces it.
    """
    secrets = tuple(secrets)
    kept = without_credentials(kept, exchange, secrets)
    return redact_found(exchange, Secrets(known_values(exchange, secrets, kept), kept))


def redact_found(exchange: Exchange, found: Secrets) -> Redacted:
    """As `redact`, where the exchange was looked up for its secrets before. Raises Unreadable."""
    known, kept = found.known, without_credentials(found.kept, exchange, found.known)
    replaced: list[str] = []
    request = _clean_request(exchange.request, known, kept, replaced)
    clean = exchange.but(
        request=request,
        headers=clean_fields(exchange.headers, known, kept),
        trailers=clean_fields(exchange.trailers, known, kept),
        informational=tuple((code, clean_fields(fields, known, kept)) for code, fields in exchange.informational),
        **{name: clean_text(getattr(exchange, name), known, kept) for name in _TEXTS},
    )
    replaced += _changed_fields("response header", exchange.headers, clean.headers)
    replaced += _changed_fields("trailer", exchange.trailers, clean.trailers)
    others = ("informational", *_TEXTS)
    replaced += [name for name in others if getattr(clean, name) != getattr(exchange, name)]
    clean = _clean_body(clean, known, kept, replaced)
    return Redacted(_with_raw(exchange, clean, known, kept, replaced), tuple(dict.fromkeys(replaced)))


def _changed_fields(where: str, before: Headers, after: Headers) -> list[str]:
    """The fields whose value changed."""
    return [f"{where} {old[0]}" for old, new in zip(before, after, strict=True) if old != new]


def _clean_request(request: Request, known: Collection[str], kept: Kept, replaced: list[str]) -> Request:
    target = clean_target(request.target, known, kept)
    if target != request.target:
        replaced.append("request target")
    headers = None if request.headers is None else clean_fields(request.headers, known, kept, sent=True)
    replaced += _changed_fields("request header", request.headers or (), headers or ())
    body, offsets, fields = _clean_coded(request.headers or (), request.body, "request body", known, kept)
    if fields is not None:
        replaced.append("the request body, which had to be decompressed")
        headers = tuple(pair for pair in headers or () if pair[0].lower() in fields)
    replaced += _places("request body", offsets)
    return replace(request, target=target, headers=headers, body=body)


def _clean_coded(
    headers: Headers, body: bytes, where: str, known: Collection[str], kept: Kept
) -> tuple[bytes, list[int], frozenset[str] | None]:
    """A clean body, the offsets of its dummies, and, if it had to be decompressed, the fields that still apply."""
    plain, fields = _decode(headers, body, where)
    if plain != body:
        clean, offsets = clean_bytes(plain, known, kept)
        if offsets:
            return clean, offsets, fields
    return *clean_bytes(body, known, kept), None


def _decode(headers: Headers, body: bytes, where: str) -> tuple[bytes, frozenset[str]]:
    """A body without its content codings, and the names of the header fields that still apply to it."""
    names = frozenset(name.lower() for name, _ in headers)
    codings = {name.strip().lower() for name in (header(headers, "content-encoding") or "").split(",")}
    if codings <= {"identity", ""} or not body:
        return body, names
    plain, problem = decode_content(Exchange(Request("GET", "/"), 200, headers, (Write(body),)))
    if problem and _is_text(body):
        return body, names
    if not plain and problem and codings <= _READABLE:
        plain = _readable_part(body)
        problem = f"it decompresses to more than {MAX_UNPACKED} bytes" if len(plain) >= MAX_UNPACKED else ""
    if problem and not ("ends early" in problem or "other bytes follow" in problem):
        raise Unreadable(
            f"the {where} cannot be searched for secrets ({problem}); "
            "send `Accept-Encoding: gzip` or `identity` with the request"
        )
    return plain, names - {"content-encoding", "content-length"}


def _readable_part(body: bytes) -> bytes:
    """The text of a faulty compressed body before its fault; nobody can read what follows."""
    return next((plain for window in _WINDOWS if (plain := decompress_readable(body, window, MAX_UNPACKED)[0])), b"")


def _is_text(body: bytes) -> bool:
    """Whether a body that claims to be compressed is plain text."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _TEXT.fullmatch(body) is not None


def _clean_body(exchange: Exchange, known: Collection[str], kept: Kept, replaced: list[str]) -> Exchange:
    """The exchange with a clean body: cut into the same writes, or decompressed if it was compressed."""
    body, offsets, fields = _clean_coded(exchange.headers, exchange.payload, "response body", known, kept)
    replaced += _places("response body", offsets)
    if fields is None:
        return exchange.but(writes=recut(body, exchange.writes)) if offsets else exchange
    replaced.append("the response body, which had to be decompressed")
    return exchange.but(
        headers=tuple(pair for pair in exchange.headers if pair[0].lower() in fields),
        writes=(Write(body),),
        framing=None,
        trailers=(),
        unknown=exchange.unknown | {Aspect.FRAMING, Aspect.ALL_HEADERS, Aspect.TIMING},
    )


def _with_raw(exchange: Exchange, clean: Exchange, known: Collection[str], kept: Kept, replaced: list[str]) -> Exchange:
    """The clean exchange with its raw bytes, if these still agree with it after cleaning."""
    if not exchange.raw:
        return clean
    raw = b"".join(read.data for read in exchange.raw)

    def field(match: re.Match[bytes]) -> bytes:
        name, colon, value = match.groups()
        pair = ((name.decode("latin-1"), value.decode("latin-1")),)
        return name + colon + clean_fields(pair, known, kept)[0][1].encode("latin-1")

    head, blank, body = raw.partition(b"\r\n\r\n")
    body, offsets = clean_bytes(_FIELD_LINE.sub(field, head) + blank + body, known, kept)
    with_raw = clean.but(raw=recut(body, exchange.raw))
    if with_raw.raw == exchange.raw or not differences(with_raw):
        replaced += _places("raw bytes", offsets)
        return with_raw
    replaced.append("the raw bytes, which are omitted")
    return clean


def _places(where: str, offsets: list[int]) -> list[str]:
    more = [f"{where}, {len(offsets) - MANY} more places"] if len(offsets) > MANY else []
    return [*(f"{where}, byte {offset}" for offset in offsets[:MANY]), *more]
