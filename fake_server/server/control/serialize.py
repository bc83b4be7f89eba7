"""The journal as JSON: requests, which script answered or came nearest, replies and times."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from fake_server.api.request import COMPLETIONS, EMBEDDINGS, MODERATIONS, ApiRequest, endpoint_of
from fake_server.api.validate.completions import validate_completion
from fake_server.api.validate.embeddings import validate_embeddings
from fake_server.api.validate.moderations import validate_moderations
from fake_server.faults.active import ActiveFault
from fake_server.relay.redact import replace_known
from fake_server.scripts import match
from fake_server.scripts.model import Script
from fake_server.server.deliveries import to_json
from fake_server.server.routes import completions, embeddings, moderations
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import Space

LISTED, LISTING = 16 * 1024 * 1024, 5.0
"""Bytes of a list, and processor seconds to write it."""
VALUES = 200_000
"""Values of one body that are shown as values."""


def write_list(
    name: str,
    items: Sequence[Any],
    serialize: Callable[[Any], Any],
    hold: Callable[[int], bool],
    *,
    newest: bool = False,
    **numbers: int,
) -> bytes:
    """`{NAME: […], **numbers, left_out}`, where `left_out` counts items that would be too much; without numbers or
    such items it is absent.

    These would make it larger than LISTED bytes, take longer than LISTING seconds, or have no room: `hold` returns
    False. They are the last of the items, or with `newest` the first.
    """
    written: list[bytes] = []
    size, began = 0, time.thread_time()
    for item in reversed(items) if newest else items:
        text = to_json(serialize(item))
        size += len(text)
        too_much = written and (size > LISTED or time.thread_time() - began > LISTING)
        if too_much or not hold(2 * len(text)):  # once as a piece, once in the whole
            break
        written.append(text)
    left_out = len(items) - len(written)
    rest = b"," + to_json({**numbers, "left_out": left_out})[1:] if numbers or left_out else b"}"
    ordered = reversed(written) if newest else written
    pieces = (piece for text in ordered for piece in (b",", text))
    return b"".join([b'{"%b":[' % name.encode(), *itertools.islice(pieces, 1, None), b"]" + rest])


def serialize_request(entry: JournalEntry, space: Space) -> dict[str, Any]:
    """One request: `{id, method, path, space, headers, body, status, script, misses, faults, reply, began, first,
    seconds}`.

    `body` and `reply` are values where they are JSON, else text; JSON of more than VALUES values is text too.
    `misses` are the scripts that came nearest, each with the first condition it failed; there are none where a
    script answered, or for so many values. Values of header fields that are made for credentials are shown nowhere,
    also where a body repeats them.
    """
    known = entry.credentials
    return {
        "id": entry.number,
        "method": entry.method,
        "path": replace_known(entry.path, known),
        "space": entry.space,
        "headers": dict(entry.headers),
        "body": _readable(entry.body, known),
        "status": entry.status,
        "script": entry.script,
        "misses": [] if entry.script or _has_many_values(entry.body) else serialize_misses(entry, space),
        "faults": list(entry.faults),
        "reply": _readable(entry.reply, known),
        "began": round(entry.began, 3),
        "first": _rounded(entry.first),
        "seconds": _rounded(entry.seconds),
    }


def serialize_misses(entry: JournalEntry, space: Space) -> list[dict[str, str]]:
    """The scripts nearest to a request, nearest first: `{script, place, failed}`."""
    request = api_request_of(entry)
    if request is None:
        return []
    misses = match.explain(request, space.book, space.state)
    return [{"script": miss.script.name, "place": miss.script.place, "failed": miss.reason} for miss in misses]


def serialize_script(script: Script, space: Space, *, added: bool) -> dict[str, Any]:
    """A script in use: `{name, place, when, times, used, added}`."""
    return {
        "name": script.name,
        "place": script.place,
        "when": script.when.model_dump(exclude_defaults=True),
        "times": script.times,
        "used": space.state.used(script),
        "added": added,
    }


def serialize_fault(active: ActiveFault) -> dict[str, Any]:
    """A fault in force: `{name, times, struck}` and the fault as it was written."""
    return {"name": active.name, **active.written, "times": active.times, "struck": active.struck}


def api_request_of(entry: JournalEntry) -> ApiRequest | None:
    """The request as scripts see it; None if its body is no JSON object.

    For a text completion it is the first prompt, unless the request is refused.
    """
    return next(iter(api_requests_of(entry)), None)


def api_requests_of(entry: JournalEntry) -> Iterator[ApiRequest]:
    """The request as scripts see it, with what it goes on from; a text completion once for each prompt."""
    endpoint, body = endpoint_of(entry.path), entry.json
    if not isinstance(body, Mapping):
        return
    chats = [body]
    if entry.is_response:
        chats = [entry.chat]
    elif endpoint == COMPLETIONS and validate_completion(body) is None:
        chats = [completions.as_chat(body, prompt) for prompt in completions.prompts(body)]
    elif endpoint == EMBEDDINGS and validate_embeddings(body) is None:
        chats = [embeddings.as_chat(body)]
    elif endpoint == MODERATIONS and validate_moderations(body) is None:
        chats = [moderations.as_chat(body)]
    for chat in chats:
        yield ApiRequest(chat, endpoint, entry.fields, False, entry.method, entry.path)


def _has_many_values(data: bytes) -> bool:
    """Whether JSON text may have so many values that they take much more room than it does."""
    return len(data) > VALUES and data.count(b",") + data.count(b"[") + data.count(b"{") > VALUES


def _readable(data: bytes, known: Collection[str]) -> Any:
    data = replace_known(data.decode("latin-1"), known).encode("latin-1") if known else data
    try:
        if not _has_many_values(data):
            return json.loads(data)
    except (ValueError, RecursionError):
        pass
    return data.decode("utf-8", "replace")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
