"""The one door to the disk for what was recorded: secrets out, proven, written whole, with what changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fake_server.relay.redact import (
    Unreadable,
    cleaned_text,
    known_values,
    redact,
    scan,
    scan_text,
    without_known,
)
from fake_server.wire.exchange import Exchange, Headers, Write
from fake_server.wire.fixture import Fixture, FixtureError, load, save
from fake_server.wire.proof import differences

MAX_NAME = 120
"""Characters of a fixture's name; the names of its bodies are longer by 18, and file systems take 255."""
_VARYING = frozenset({"date", "x-request-id", "openai-processing-ms", "cf-ray", "set-cookie", "age"})
"""Header fields that differ each time and say nothing about the server."""

_WORDS = ("title", "source", "notes")
"""What a fixture says in words."""


class SaveError(ValueError):
    """A recording that is not saved: the message says which, why and what to do."""


@dataclass(frozen=True)
class Saved:
    """A saved fixture: the secrets that were replaced, whether it is new, what changed since the last one."""

    path: Path
    replaced: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    new: bool = True


def save_recording(
    fixture: Fixture,
    path: Path,
    *,
    secrets: Iterable[str] = (),
    breaks: Callable[[Exchange], Iterable[str]] | None = None,
) -> Saved:
    """Save a recording without its secrets, in place of an older one of that path.

    `secrets` are values to take out wherever they stand; `breaks` is asked for the rules that the clean
    exchange breaks. Raises KeepError where something still looks like a credential, where a replay would
    not be what was recorded, and where the disk refuses.
    """
    known = known_values(fixture.exchange, tuple(secrets))
    try:
        redacted = redact(_in_microseconds(fixture.exchange), known)
    except Unreadable as error:
        raise SaveError(f"{path.name} is not saved: {error}") from error
    words: dict[str, Any] = {name: without_known(getattr(fixture, name), known) for name in _WORDS}
    clean = replace(fixture, exchange=redacted.exchange, **words)
    if breaks is not None:
        clean = replace(clean, breaks=tuple(breaks(clean.exchange)))
    _refuse_leaks(clean, path, known)
    if faults := differences(clean.exchange):
        raise SaveError(f"{path.name} is not saved: a replay would differ ({'; '.join(faults)})")
    before = _before(path)
    try:
        save(clean, path)
        again = load(path).exchange
    except OSError as error:
        raise SaveError(
            f"{path} cannot be written: {error.strerror or error}; what stood there is whole"
        ) from error
    if again != clean.exchange.but(label=path.stem):
        raise SaveError(f"{path} does not load as it was saved: report this with the file")
    changes = tuple(_changes(before, again)) if before else ()
    return Saved(path, redacted.replaced, changes, before is None)


def name_of(exchange: Exchange, secrets: Iterable[str] = ()) -> str:
    """A file name for a recording: its label, else what it asked with a hash of the request's body.

    What is secret in the exchange, and `secrets`, is in none.
    """
    request, known = exchange.request, known_values(exchange, tuple(secrets))
    if exchange.label:
        return file_name(cleaned_text(exchange.label, known))
    asked = hashlib.sha256(request.target.encode() + b"\n" + request.body).hexdigest()[:8]
    path = cleaned_text(request.path, known).strip("/").removeprefix("v1/")
    return file_name(f"{request.method.lower()}-{path}-{asked}")


def file_name(text: str) -> str:
    """`text` as a file name without suffix, the same each time: `a/b.py::c[d]` becomes `a-b.py-c-d`.

    A name of which nothing is left, or too much, gets a hash, so that two of them stay apart.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    if len(name) > MAX_NAME:
        return f"{name[: MAX_NAME - 9]}-{digest}"
    return name or ("recording" if text.isascii() else f"recording-{digest}")


def _in_microseconds(exchange: Exchange) -> Exchange:
    """The exchange with pauses as a fixture writes them."""

    def rounded(writes: tuple[Write, ...]) -> tuple[Write, ...]:
        return tuple(Write(write.data, round(write.pause, 6)) for write in writes)

    return exchange.but(
        writes=rounded(exchange.writes), raw=rounded(exchange.raw), head_pause=round(exchange.head_pause, 6)
    )


def _refuse_leaks(fixture: Fixture, path: Path, known: tuple[str, ...]) -> None:
    """Raises KeepError where something still looks like a credential, or is one of those known."""
    words = (*(getattr(fixture, name) for name in _WORDS), path.name)
    leaks = [*scan(fixture.exchange, known), *(leak for text in words for leak in scan_text(text, known))]
    if leaks:
        shown = "; ".join(f"{leak.where}: {leak.shown}" for leak in leaks[:3])
        more = f" and {len(leaks) - 3} more" if len(leaks) > 3 else ""
        name = without_known(path.stem, known)
        raise SaveError(
            f"{name} is not saved: it still looks as if it held a credential ({shown}{more}); "
            "name the value as a secret, or take it out of the request"
        )


def _before(path: Path) -> Exchange | None:
    """What stands at `path`. Raises KeepError where that is no fixture of ours to replace."""
    if not path.exists():
        return None
    try:
        return load(path).exchange
    except FixtureError as error:
        raise SaveError(f"{path} is there and would be replaced, but: {error}") from error


def _changes(was: Exchange, now: Exchange) -> Iterator[str]:
    """What differs between two recordings of one name, in words."""
    if was.request.body != now.request.body:
        yield "the request body differs"
    if was.status != now.status:
        yield f"status {was.status} is now {now.status}"
    yield from _header_changes(was.headers, now.headers)
    if was.framing != now.framing:
        yield f"framing {was.framing or 'unknown'} is now {now.framing or 'unknown'}"
    if was.payload != now.payload:
        now_size = f", now {_size(now)}" if _size(now) != _size(was) else " as before"
        yield f"the body differs: {_size(was)}{now_size}"
    elif len(was.writes) != len(now.writes):
        yield f"the same body came in {len(was.writes)} writes, now in {len(now.writes)}"
    if was.ending != now.ending:
        yield f"the ending was {was.ending.value!r}, is now {now.ending.value!r}"


def _header_changes(was: Headers, now: Headers) -> Iterator[str]:
    old, new = ({name.lower(): value for name, value in headers} for headers in (was, now))
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"header {name} is gone"
        elif name not in old:
            yield f"header {name} is new"
        elif old[name] != new[name] and name not in _VARYING:
            yield f"header {name} differs"


def _size(exchange: Exchange) -> str:
    return f"{len(exchange.payload):,} bytes in {len(exchange.writes):,} writes"
