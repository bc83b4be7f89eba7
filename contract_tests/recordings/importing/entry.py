"""What the readers of all formats share: checked members, building the exchange, what a format has lost."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from contract_tests.recordings.recording import InputError
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect, Ending, Exchange, Headers, Request, Write, header
from fake_server.wire.http_date import parse_http_date
from fake_server.wire.text import shorten

Kind = TypeVar("Kind")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLACEHOLDER = re.compile(r"^<[^<>]+>")
"""What recorders are told to write in place of a host."""
VARIABLE = r"\$(?:env:)?(?:\w{1,60}|\{\w{1,60}\})"
"""A variable of a shell."""
_AT_VARIABLE = re.compile(rf"{VARIABLE}(/.*)")
_WORDS = {str: "a string", int: "a whole number", dict: "an object", list: "a list", bytes: "bytes"}


@dataclass(frozen=True)
class ImportedEntry:
    """An exchange of a file: where in the file it stands, notes on it, and the URL or repository it names."""

    exchange: Exchange
    where: str
    notes: str
    source: str = ""


@dataclass(frozen=True)
class Skipped:
    """An entry that is not an exchange with an OpenAI API; `reason` says why."""

    reason: str


Entries = Iterator[ImportedEntry | Skipped]


@dataclass
class Reply:
    """A reply as a format has kept it. `decoded`: the body is kept without its content coding."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    decoded: bool = False
    trailers: Headers = ()
    lost: set[Aspect] = field(default_factory=set)


@contextmanager
def errors_at(where: str) -> Iterator[None]:
    """Turn every error about what an entry holds into an InputError that begins with `where`."""
    try:
        yield
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{where}: the member {error} is missing") from error
    except RecursionError as error:
        raise InputError(f"{where}: nested too deeply") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{where}: {error}") from error


def require(holder: Any, name: str, kind: type[Kind]) -> Kind:
    """The member `name` (`a.b`: a member of a member) if it is of this type. Raises ValueError if not."""
    value = holder
    for step in name.split("."):
        if not isinstance(value, dict) or step not in value:
            raise ValueError(f"the member {name!r} is missing")
        value = value[step]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(wrong_type(repr(name), _WORDS.get(kind, kind.__name__), value))
    return value


def wrong_type(name: str, wanted: str, value: Any) -> str:
    """The message about a value of another type."""
    return f"{name} must be {wanted}, but is {shorten(repr(value), 40)}"


def from_base64(text: str, name: str) -> bytes:
    """The bytes of a member in base64, which may stand in several lines. Raises ValueError naming it."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ValueError(f"{name!r} is not base64: {error}") from error


def to_bytes(text: str) -> bytes:
    """A text in UTF-8; half a surrogate pair, which JSON may hold, stays as it is."""
    return text.encode("utf-8", "surrogatepass")


def fields(pairs: Iterable[Any]) -> Headers:
    """Header fields as they would stand on the wire; pseudo fields of HTTP/2 are left out.

    A pair is a list or tuple of name and value. A value of several lines is several fields: so browsers write
    those that came more than once. Raises ValueError.
    """
    made = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise ValueError(wrong_type("a header field", "a pair of two strings, name and value", pair))
        name, values = pair
        if name.startswith(":"):
            continue
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{excerpt(name, 40)!r} is not the name of a header field")
        made += [(name, _as_bytes(value)) for value in re.split(r"\r\n|\r|\n", values)]
    return tuple(made)


def _as_bytes(value: str) -> str:
    """A value as latin-1 shows its bytes."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        value = to_bytes(value).decode("latin-1")
    return value.strip(" \t")


def with_host(url: str) -> str:
    """A URL of a command in full, or its path where a variable begins it: a base URL that ends in /v1 is assumed."""
    if at := _AT_VARIABLE.fullmatch(url):
        return at[1] if at[1].startswith("/v1/") else f"/v1{at[1]}"
    return url if "://" in url else f"http://{url}"


def target_of(url: str) -> str:
    """Path and query of a URL. Raises ValueError where they cannot stand in a request line."""
    url = _PLACEHOLDER.sub("", url) or "/"
    if url.startswith("/"):
        target = url.partition("#")[0]
    else:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ValueError(f"{excerpt(url, 80)!r} is not a URL: {error}") from error
        if parts.scheme and parts.scheme.lower() not in ("http", "https"):
            raise ValueError(f"{excerpt(url, 80)!r} is not an HTTP URL: it must begin with http:// or https://")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.startswith("/") or re.search(r"[\x00-\x20\x7f]", target):
        raise ValueError(f"{excerpt(url, 80)!r} is not the URL of a request")
    return to_bytes(target).decode("latin-1")


def time_of(value: Any) -> datetime | None:
    """When something was recorded: from ISO 8601, an HTTP date, or seconds since 1970; None if it is none of them.

    A time without a zone is taken for UTC.
    """
    try:
        if isinstance(value, str):
            value = parse_http_date(value) or datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def check_exchange(exchange: Exchange) -> None:
    """Raises ValueError where the method or the status could not stand in a message of HTTP."""
    if not _TOKEN.fullmatch(exchange.request.method):
        raise ValueError(f"{excerpt(exchange.request.method, 40)!r} is not a request method")
    if exchange.status is not None and not 100 <= exchange.status <= 999:
        raise ValueError(f"{str(exchange.status)[:40]} is not an HTTP status, which has three digits")


def host_of(url: str) -> str:
    """The host of a URL, with the port if it names one, without a user."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def place_of(url: str) -> str:
    """The URL without what may be secret in it: user, query and fragment."""
    parts, host = urlsplit(url), host_of(url)
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path


def exchange_of(request: Request, reply: Reply, note: str) -> tuple[Exchange, str]:
    """The exchange of a format that keeps whole bodies, and its notes: `note` and what had to be left out.

    `reply.lost` holds the aspects that the format does not keep.
    """
    headers, left_out = _consistent_headers(reply)
    lost = reply.lost | ({Aspect.HEADERS, Aspect.ALL_HEADERS} if not headers else set())
    notes = [note, *left_out]
    if Aspect.REQUEST in lost:
        notes.append("The body of the request was not kept.")
    exchange = Exchange(
        request,
        reply.status,
        headers=headers,
        writes=(Write(reply.body),) if reply.body else (),
        ending=Ending.UNKNOWN,
        reason=" ".join(reply.reason.split()) if reply.reason.isascii() else "",
        trailers=reply.trailers,
        unknown=frozenset(lost | {Aspect.FRAMING, Aspect.TIMING, Aspect.ENDING}),
    )
    return exchange, " ".join(notes)


def _consistent_headers(reply: Reply) -> tuple[Headers, list[str]]:
    """The header fields less those about other bytes than were kept, and what was left out."""
    out: dict[str, str] = {}
    coding, length, transfer = (
        header(reply.headers, name) for name in ("content-encoding", "content-length", "transfer-encoding")
    )
    if reply.decoded and coding:
        out["Content-Encoding"] = f"{coding} is left out because the body was kept decoded."
    if length is not None and (length != str(len(reply.body)) or "chunked" in (transfer or "").lower()):
        out["Content-Length"] = f"{length} is left out because the body was kept as {len(reply.body)} bytes."
    if transfer is not None and transfer.strip().lower() != "chunked":
        out["Transfer-Encoding"] = f"{transfer} is left out because the body was kept without it."
    headers = tuple(pair for pair in reply.headers if pair[0].title() not in out)
    return headers, [f"{name}: {why}" for name, why in out.items()]


def is_decoded(headers: Headers, body: bytes) -> bool:
    """Whether a body was kept without its content coding: what gzip, deflate, br or zstd write is hardly ever UTF-8."""
    if (header(headers, "content-encoding") or "identity").strip().lower() == "identity":
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def digest(request: Request) -> str:
    """Eight hex digits that identify a request."""
    text = f"{request.method} {request.target}\n".encode("utf-8", "surrogatepass") + request.body
    return hashlib.sha256(text).hexdigest()[:8]
