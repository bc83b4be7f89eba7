"""HAR 1.2 files, as browsers, mitmproxy and Charles write them (http://www.softwareishard.com/blog/har-12-spec)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Reply,
    Skipped,
    errors_at,
    exchange_of,
    fields,
    from_base64,
    place_of,
    require,
    target_of,
    time_of,
    to_bytes,
    wrong_type,
)
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect, Headers, Request

NOTES = "A HAR keeps decoded text: chunk boundaries, pauses between writes, header case and compressed bytes are lost."

_GZIP = b"\x1f\x8b"


def entries(document: Any, where: str, endpoint: str | None = None) -> Entries:
    """The entries of a parsed HAR. Raises InputError with the entry's number."""
    with errors_at(where):
        listed = require(document, "log.entries", list)
    for number, entry in enumerate(listed):
        with errors_at(f"{where}: entry {number}"):
            yield _entry(entry, number, endpoint)


def _entry(entry: Any, number: int, endpoint: str | None) -> ImportedEntry | Skipped:
    request, url = require(entry, "request", dict), require(entry, "request.url", str)
    method, scheme = require(request, "method", str).upper(), url.partition(":")[0].lower()
    if scheme not in ("http", "https"):
        return Skipped(f"a {scheme[:20]}: URL, not HTTP")
    target = target_of(url)
    if reason := reason_to_skip(method, target, endpoint, url):
        return Skipped(reason)
    status = require(entry, "response.status", int)
    if status < 100:
        return Skipped(f"no reply came{_why(entry)}")
    content = require(entry, "response.content", dict)
    body = _content(content)
    if body is None:
        return Skipped("the body of the reply was not kept")
    reply = Reply(
        status,
        str(entry["response"].get("statusText") or ""),
        _headers(entry["response"]),
        body,
        decoded=not body.startswith(_GZIP),
        lost=set() if content.get("encoding") == "base64" else {Aspect.BODY_BYTES},
    )
    sent = _post_data(request)
    if sent is None:
        reply.lost.add(Aspect.REQUEST)
    exchange, notes = exchange_of(Request(method, target, _headers(request), sent or b""), reply, NOTES)
    exchange = exchange.but(recorded=time_of(entry.get("startedDateTime")))
    return ImportedEntry(exchange, f"entry {number}", notes, place_of(url))


def _headers(message: dict[str, Any]) -> Headers:
    headers = require(message, "headers", list)
    return fields((require(field, "name", str), require(field, "value", str)) for field in headers)


def _content(content: dict[str, Any]) -> bytes | None:
    """The body of a reply without content coding; None where there was one and it was not kept."""
    text = content.get("text")
    if text is None:
        return None if _number(content.get("size")) > 0 else b""
    if not isinstance(text, str):
        raise ValueError(wrong_type("'content.text'", "a string", text))
    if content.get("encoding") == "base64":
        pieces = json.loads(text) if text.startswith("[") else [text]  # Polly.JS keeps a list of what it read
        return b"".join(from_base64(str(piece), "content.text") for piece in pieces)
    return to_bytes(text)


def _post_data(request: dict[str, Any]) -> bytes | None:
    """The body of a request; None where there was one and it was not kept."""
    posted = request.get("postData")
    if posted is None:
        return None if _number(request.get("bodySize")) > 0 or request["method"] == "POST" else b""
    text = require({"text": "", **posted}, "text", str) if isinstance(posted, dict) else None
    if text is None:
        raise ValueError(wrong_type("'request.postData'", "an object", posted))
    if not text and isinstance(posted.get("params"), list) and posted["params"]:
        members = posted["params"]
        pairs = [(require(item, "name", str), str(item.get("value") or "")) for item in members]
        return None if any("fileName" in item for item in members) else urlencode(pairs, errors="replace").encode()
    if posted.get("encoding") == "base64":
        return from_base64(text, "request.postData.text")
    return to_bytes(text)


def _number(value: Any) -> int | float:
    return value if isinstance(value, int | float) else 0


def _why(entry: dict[str, Any]) -> str:
    error = entry.get("_error") or entry["response"].get("_error")
    return f" ({excerpt(error, 60)})" if isinstance(error, str) else ""
