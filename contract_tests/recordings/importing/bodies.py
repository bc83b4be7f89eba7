"""Bodies without their heads, as `curl -N` prints them and as they stand in issues: JSON, or events of a stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract_tests.recordings.files import BOM
from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Reply,
    Skipped,
    errors_at,
    exchange_of,
    place_of,
    target_of,
)
from contract_tests.recordings.recording import InputError
from fake_server.wire.exchange import Aspect, Headers, Request
from fake_server.wire.sse import decode

NOTES = (
    "Only the body was kept: head, chunk boundaries, pauses and how the connection ended are lost, and the status "
    "is assumed."
)
GUESSED = " The path is guessed from the reply."
CHUNKS = (
    "chunks of a stream without `data:` before each, as a program prints what a client has read: nothing says what "
    "the server sent; record the stream with `contract record`, or save what `curl -iN` prints"
)
TAKEN_ONE_BY_ONE = " The blank lines between its events were lost: each data line is taken for an event."
_GOT = re.compile(r"/(?:models|files|batches)(?:/[^/]+)?(?:/content)?$")
"""Paths that are asked by GET where nothing is sent."""
_EVENT = re.compile(rb"(?:data|event|id|retry)?:")
_KINDS = {
    "chat.completion": ("POST", "/v1/chat/completions"),
    "chat.completion.chunk": ("POST", "/v1/chat/completions"),
    "text_completion": ("POST", "/v1/completions"),
    "embedding": ("POST", "/v1/embeddings"),
    "model": ("GET", "/v1/models"),
    "response": ("POST", "/v1/responses"),
}


@dataclass(frozen=True)
class CurlRequest:
    """What is said of a request beside its reply, by the user or by a command: its URL, its body and more."""

    url: str = ""
    data: bytes | None = None
    method: str = ""
    headers: Headers | None = None
    status: int | None = None
    """The status of the reply, where the command printed it."""

    def request(self, endpoint: str | None = None) -> Request | None:
        """The request to this URL, or to this endpoint; None where neither is known."""
        if not self.url and not endpoint:
            return None
        target = target_of(self.url or f"/v1/{(endpoint or '').strip('/')}")
        got = self.data is None and _GOT.search(target.partition("?")[0])
        return Request(self.method or ("GET" if got else "POST"), target, self.headers, self.data or b"")


def entries(data: bytes, where: str, asked: CurlRequest, endpoint: str | None = None) -> Entries:
    """The one exchange of which a body is all that is known. Raises InputError."""
    with errors_at(where):
        body = _unquote(data.removeprefix(BOM))
        streamed = _EVENT.match(body) is not None
        if not streamed and not body.startswith((b"{", b"[")):
            raise InputError(
                f"{where}: a body alone must be JSON or the events of a stream, but begins with {body[:30]!r}"
            )
        parted = with_blank_lines(body) if streamed else body
        request, notes = asked.request(endpoint), NOTES
        if request is None:
            request, notes = guess_request(parted, streamed), NOTES + GUESSED
        if request is None:
            raise InputError(
                f"{where}: a body without its head, which does not say what was asked; "
                "`contract import --url URL [--data @REQUEST]` makes an exchange of it that can be judged"
            )
        if endpoint is not None and (reason := reason_to_skip(request.method, request.target, endpoint)):
            yield Skipped(reason)
            return
        lost = {Aspect.HEADERS, Aspect.ALL_HEADERS, Aspect.BODY_BYTES, Aspect.EVENT_FRAMING}
        lost |= {Aspect.REQUEST} if asked.data is None and request.method == "POST" else set()
        if streamed:
            notes += TAKEN_ONE_BY_ONE if parted != body else ""
            body = parted.rstrip(b"\r\n") + b"\n\n"
        exchange, notes = exchange_of(request, Reply(asked.status or _status(body), "", (), body, lost=lost), notes)
        yield ImportedEntry(exchange, "body", notes, place_of(asked.url))


def _unquote(text: bytes) -> bytes:
    """The text without blank lines before it, and without the indent or the `>` before each of its lines."""
    text = re.sub(rb"\A(?:[ \t]*\r?\n)+", b"", text)
    mark = re.match(rb"(?:> ?|[ \t]+)*", text)
    prefix = mark[0] if mark else b""
    if not prefix:
        return text
    return re.sub(rb"^(?:%s|%s$)" % (re.escape(prefix), re.escape(prefix.rstrip())), b"", text, flags=re.M)


def with_blank_lines(body: bytes) -> bytes:
    """The events of a stream that lost all its blank lines, as issues and mails have it; else the same."""
    first = re.search(rb"^data:(.*)$", body, re.M)
    if not first or _parse(first[1]) is None or re.search(rb"\n\r?\n", body.strip()):
        return body
    return re.sub(rb"^(data:[^\n]*\n)(?=(?:data|event|id|retry)?:)", rb"\1\n", body, flags=re.M)


def holds_chunks(text: str) -> bool:
    """Whether a text begins with a chunk of a stream, or a list of them, that stands alone."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return False
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and str(first.get("object")).endswith(".chunk")


def is_reply(value: Any, asked: CurlRequest, endpoint: str | None) -> bool:
    """Whether a JSON document is the body of a reply: it says so, or the user says what was asked."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return False
    return asked.request(endpoint) is not None or first.get("object") in _KINDS or "error" in first


def _status(body: bytes) -> int:
    """200, or of an error the status that it names, else 400."""
    value = _parse(body)
    value = value[0] if isinstance(value, list) and value else value
    error = value.get("error") if isinstance(value, dict) else None
    if error is None:
        return 200
    named = [str(error.get(name)) for name in ("status", "code")] if isinstance(error, dict) else []
    return next((int(code) for code in named if re.fullmatch(r"[45]\d\d", code)), 400)


def guess_request(body: bytes, streamed: bool) -> Request | None:
    """A request to the endpoint whose replies are of this kind, None where the reply does not say."""
    guess = next((_KINDS[kind] for kind in _kinds(body, streamed) if kind in _KINDS), None)
    return Request(*guess, None) if guess else None


def _kinds(body: bytes, streamed: bool) -> Iterator[str]:
    """The `object` of the reply, of its first item, or of its first events; of a Response its type."""
    texts = [event.raw_data or b"" for event in decode(body[:65536])[:3]] if streamed else [body]
    for value in map(_parse, texts):
        items = value.get("data") if isinstance(value, dict) else None
        for item in (items[0] if isinstance(items, list) and items else None, value):
            if isinstance(item, dict) and isinstance(item.get("object"), str):
                yield item["object"]
            elif isinstance(item, dict) and str(item.get("type")).startswith("response."):
                yield "response"


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
