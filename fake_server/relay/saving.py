"""Saving recordings: every recording is redacted, checked and written atomically here, and only here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from fake_server.relay.redact import (
    Kept,
    OutOfTime,
    Secrets,
    Unreadable,
    clean_text,
    find_secrets,
    redact_found,
    redacting_until,
    replace_known,
    scan,
    scan_text,
)
from fake_server.relay.redact.answer import changed_members
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Exchange, Headers, Write
from fake_server.wire.files import Taken, require_version
from fake_server.wire.fixture import Fixture, FixtureError, load, save
from fake_server.wire.fixture_writing import ANY, Replaceable
from fake_server.wire.proof import differences

MAX_NAME = 120
"""Characters of a fixture's name. Its body files have 18 more, and file systems allow 255 bytes."""
CLEANING = 300.0
"""Seconds for which one recording is cleaned of its secrets."""
MANY = 5
"""Strings that a fixture's notes name."""
_VOLATILE = frozenset({"date", "x-request-id", "openai-processing-ms", "cf-ray", "set-cookie", "age"})
"""Header fields that differ with every reply and say nothing about the server."""

_TEXT_FIELDS = ("title", "source", "notes")
"""A fixture's prose."""


class SaveError(ValueError):
    """A recording was not saved; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Saved:
    """A saved fixture: what was redacted, what changed since the previous one, and whether it is new.

    `answer` names the strings inside a successful reply that were redacted: a client that acts on one of them takes
    another course in a replay. `breaks` are the rules that the redacted exchange breaks.
    """

    path: Path
    replaced: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    new: bool = True
    answer: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


def save_recording(
    fixture: Fixture,
    path: Path,
    *,
    secrets: Iterable[str] = (),
    keep: Iterable[str] = (),
    keep_names: Iterable[str] = (),
    breaks: Callable[[Exchange], Iterable[str]] | None = None,
    inline: int = 0,
    found: Secrets | None = None,
    over: Replaceable = ANY,
) -> Saved:
    """Save a recording without its secrets; an older one at `path` is replaced.

    `secrets` are values to remove wherever they occur. `keep` are values that are no secrets, `keep_names` names
    (of members, parameters, reply headers) whose values are none; they never override `secrets`, nor what the
    request sends as its credential. `breaks` returns the rules that the redacted exchange
    breaks. A reply's body of up to `inline` bytes stands in the head. `found` are the secrets of the exchange where it
    was looked up before, in place of `secrets`, `keep` and `keep_names`. Raises files.Taken if another version of the
    file stands there than `over`, SaveError if something still looks like a credential, if a replay would differ
    from the recording, if it is not clean after CLEANING seconds, or if the file cannot be written.
    """
    deadline = monotonic() + CLEANING
    try:
        with redacting_until(deadline):
            found = found or find_secrets(fixture.exchange, secrets, keep, keep_names)
            clean, replaced, answer = _clean(fixture, path, found, breaks)
    except Unreadable as error:
        raise SaveError(f"{path.name} is not saved: {error}") from error
    except OutOfTime:
        if monotonic() < deadline:
            raise  # the time of the caller is up
        raise SaveError(
            f"{path.name} is not saved: its {fixture.exchange.size:,} bytes could not be cleaned of secrets within "
            f"{CLEANING:g} s; record a shorter reply, or cut it down and try again"
        ) from None
    try:
        if over != ANY:
            require_version(path, over)
        before = _load_previous(path)
        save(clean, path, inline, over)
        again = load(path).exchange
    except Taken:
        raise
    except OSError as error:
        raise SaveError(f"{path} cannot be written: {error.strerror or error}; the previous file is intact") from error
    if again != clean.exchange.but(label=path.stem):
        raise SaveError(f"{path} does not load as it was saved; please report this and attach the file")
    changes = tuple(_changes(before, again)) if before else ()
    return Saved(path, replaced, changes, before is None, answer, clean.breaks if breaks else ())


def _clean(
    fixture: Fixture, path: Path, found: Secrets, breaks: Callable[[Exchange], Iterable[str]] | None
) -> tuple[Fixture, tuple[str, ...], tuple[str, ...]]:
    """The fixture without its secrets, where they were, and the `answer` of Saved. Raises Unreadable, SaveError."""
    known, kept = found.known, found.kept
    redacted = redact_found(_round_pauses(fixture.exchange), found)
    words: dict[str, Any] = {name: replace_known(getattr(fixture, name), known) for name in _TEXT_FIELDS}
    clean = replace(fixture, exchange=redacted.exchange, **words)
    answer = _changed_answer(fixture.exchange, clean.exchange)
    if answer:
        where = ", ".join(answer[:MANY]) + (", …" if len(answer) > MANY else "")
        changed = f"Redacted inside the answer ({where}): a client that acts on it takes another course in a replay."
        clean = replace(clean, notes=" ".join(filter(None, (clean.notes, changed))))
    if breaks is not None:
        clean = replace(clean, breaks=tuple(breaks(clean.exchange)))
    _refuse_leaks(clean, path, known, kept)
    if faults := differences(clean.exchange):
        raise SaveError(f"{path.name} is not saved: a replay would differ ({'; '.join(faults)})")
    return clean, redacted.replaced, answer


def _changed_answer(before: Exchange, after: Exchange) -> tuple[str, ...]:
    """The strings of a successful reply that differ."""
    if not 200 <= (before.status or 0) < 300:
        return ()
    return changed_members(decode_content(before)[0], decode_content(after)[0])


def recording_name(exchange: Exchange, found: Secrets | None = None) -> str:
    """A file name for a recording: its label, else method, path and a hash of the request.

    The name holds no secret of the exchange; `found` are its secrets where it was looked up before.
    """
    found = found or find_secrets(exchange)
    request, known, kept = exchange.request, found.known, found.kept
    if exchange.label:
        return to_file_name(clean_text(exchange.label, known, kept))
    digest = hashlib.sha256(request.target.encode() + b"\n" + request.body).hexdigest()[:8]
    path = clean_text(request.path, known, kept).strip("/").removeprefix("v1/")
    return to_file_name(f"{request.method.lower()}-{path}-{digest}")


def to_file_name(text: str) -> str:
    """`text` as a file name without suffix: `a/b.py::c[d]` becomes `a-b.py-c-d`.

    A name that comes out empty or too long gets a hash, so that different texts get different names.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    if len(name) > MAX_NAME:
        return f"{name[: MAX_NAME - 9]}-{digest}"
    return name or ("recording" if text.isascii() else f"recording-{digest}")


def _round_pauses(exchange: Exchange) -> Exchange:
    """The exchange with its pauses rounded to the microseconds of a fixture."""

    def rounded(writes: tuple[Write, ...]) -> tuple[Write, ...]:
        return tuple(Write(write.data, round(write.pause, 6)) for write in writes)

    return exchange.but(
        writes=rounded(exchange.writes), raw=rounded(exchange.raw), head_pause=round(exchange.head_pause, 6)
    )


def _refuse_leaks(fixture: Fixture, path: Path, known: tuple[str, ...], kept: Kept) -> None:
    """Raise SaveError if something still looks like a credential or holds a known one."""
    words = (*(getattr(fixture, name) for name in _TEXT_FIELDS), path.name)
    leaks = [
        *scan(fixture.exchange, known, kept),
        *(leak for text in words for leak in scan_text(text, known, kept=kept)),
    ]
    if leaks:
        shown = "; ".join(f"{leak.where}: {leak.shown}" for leak in leaks[:3])
        more = f" and {len(leaks) - 3} more" if len(leaks) > 3 else ""
        name = replace_known(path.stem, known)
        raise SaveError(
            f"{name} is not saved: it still seems to hold a credential ({shown}{more}); "
            "declare the value as a secret, or remove it from the request"
        )


def _load_previous(path: Path) -> Exchange | None:
    """The fixture to be replaced, None if there is none. Raises SaveError for any other file."""
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return load(path, follow=False).exchange
    except FixtureError as error:
        raise SaveError(f"{path} exists and is not replaced: {error}") from error


def _changes(was: Exchange, now: Exchange) -> Iterator[str]:
    """What differs between two recordings of the same name, in words."""
    if was.request.body != now.request.body:
        yield "the request body differs"
    if was.status != now.status:
        yield f"status {was.status} is now {now.status}"
    yield from _header_changes(was.headers, now.headers)
    if was.framing != now.framing:
        yield f"framing {was.framing or 'unknown'} is now {now.framing or 'unknown'}"
    if was.payload != now.payload:
        now_size = f", now {_size(now)}" if _size(now) != _size(was) else ", as before"
        yield f"the body differs: {_size(was)}{now_size}"
    elif len(was.writes) != len(now.writes):
        yield f"the same body arrived in {len(was.writes)} writes, now in {len(now.writes)}"
    if was.ending != now.ending:
        yield f"ending {was.ending.value!r} is now {now.ending.value!r}"


def _header_changes(was: Headers, now: Headers) -> Iterator[str]:
    old, new = ({name.lower(): value for name, value in headers} for headers in (was, now))
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"header {name} is gone"
        elif name not in old:
            yield f"header {name} is new"
        elif old[name] != new[name] and name not in _VOLATILE:
            yield f"header {name} differs"


def _size(exchange: Exchange) -> str:
    return f"{len(exchange.payload):,} bytes in {len(exchange.writes):,} writes"
