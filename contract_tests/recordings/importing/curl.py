"""What `curl -i` and `curl -v` print: heads and a body, and of the request what they or the user say.

curl takes off chunks (but not with `--raw`) and, with `--compressed`, content codings; the bytes show both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Reply,
    Skipped,
    errors_at,
    exchange_of,
    fields,
    is_decoded,
    place_of,
    reason_to_skip,
    target_of,
)
from contract_tests.recordings.recording import InputError
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Headers, Request, header
from fake_server.wire.sse import decode

NOTES = (
    "curl prints heads as they came and the body without its transfer coding: chunk boundaries, pauses and "
    "how the connection ended are lost."
)
RAW_NOTES = "curl --raw printed the reply as it came; the pauses are lost."
_STATUS = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?: ([^\r\n]*))?\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_PROGRESS = re.compile(rb"[{}] \[\d+ bytes data\]\r?\n")
_INFO = re.compile(rb"(?:^|(?<=\n))\* [^\n]*\n|\* (?:Connection #\d+|Closing connection|transfer closed)[^\n]*\n?")


@dataclass(frozen=True)
class CurlRequest:
    """What the user says of the request: its URL and its body."""

    url: str = ""
    data: bytes | None = None


def entries(data: bytes, where: str, asked: CurlRequest, endpoint: str | None = None) -> Entries:
    """The replies that curl printed; redirects and a proxy's own head are counted as skipped."""
    lost, number = set() if asked.data is not None else {Aspect.REQUEST}, 0
    with errors_at(where):
        request = None
        if asked.url:
            method = "GET" if asked.data is None else "POST"
            request = Request(method, target_of(asked.url), None, asked.data or b"")
        if not data.startswith(b"HTTP/"):
            data, request = _verbose(data, where, request)
            lost |= {Aspect.BODY_BYTES, Aspect.EVENT_FRAMING}
        while data:
            informational, head, start, passed = _heads(data)
            yield from (Skipped(reason) for reason in passed)
            body, data = _body(head, data, start)
            exchange, notes = _exchange(request, head, body, lost, whole_reply=not data and not informational)
            exchange = exchange.but(informational=exchange.informational or informational)
            sent, reason = exchange.request, ""
            if endpoint is not None:
                reason = reason_to_skip(sent.method, sent.target, endpoint)
            imported = ImportedEntry(exchange, f"reply {number}", notes, place_of(asked.url))
            yield Skipped(reason) if reason else imported
            number += 1


def _heads(data: bytes) -> tuple[tuple[tuple[int, Headers], ...], Reply, int, list[str]]:
    """The 1xx heads, the last head and where its body begins; heads that another follows are passed by."""
    informational: list[tuple[int, Headers]] = []
    passed: list[str] = []
    position = 0
    while True:
        head, position = _head(data, position)
        if _STATUS.match(data, position) is None:
            return tuple(informational), head, position, passed
        if head.status < 200:
            informational.append((head.status, head.headers))
        else:
            passed.append(f"status {head.status} that another reply follows (a proxy, a redirect, a log-in)")


def _head(data: bytes, position: int) -> tuple[Reply, int]:
    start, end = _STATUS.match(data, position), _HEAD_END.search(data, position)
    if start is None:
        raise ValueError(f"byte {position}: a status line is expected, not {data[position : position + 30]!r}")
    if end is None:
        raise ValueError(f"byte {position}: the head has no end (a blank line)")
    lines = data[start.end() : end.start()].splitlines() if start.end() < end.start() else []
    pairs = [line.decode("latin-1").partition(":")[::2] for line in lines]
    return Reply(int(start[2]), (start[3] or b"").decode("latin-1"), fields(pairs), b""), end.end()


def _body(head: Reply, data: bytes, start: int) -> tuple[bytes, bytes]:
    """The body, and what follows it where that is another reply (curl was given several URLs)."""
    length = header(head.headers, "content-length") or ""
    end = start + int(length) if re.fullmatch(r"\d{1,12}", length) else len(data)
    if _STATUS.match(data, end):
        return data[start:end], data[end:]
    return data[start:], b""


def _exchange(
    request: Request | None, head: Reply, body: bytes, lost: set[Aspect], whole_reply: bool
) -> tuple[Exchange, str]:
    request, more_notes = (request, "") if request else (_guessed(body, head), " The path is guessed from the reply.")
    if whole_reply and (raw := _unchunked(request, head, body)):
        more_notes += " The body of the request was not kept." if Aspect.REQUEST in lost else ""
        return raw.but(unknown=frozenset(lost | {Aspect.TIMING})), RAW_NOTES + more_notes
    reply = replace(head, body=body, decoded=is_decoded(head.headers, body), lost=lost)
    return exchange_of(request, reply, NOTES + more_notes)


def _unchunked(request: Request, head: Reply, body: bytes) -> Exchange | None:
    """The reply where the body still has its chunks, whole; None where curl took them off."""
    if "chunked" not in (header(head.headers, "transfer-encoding") or "").lower():
        return None
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.headers)
    capture = ReplyCapture(request)
    capture.feed(f"HTTP/1.1 {head.status} {head.reason}\r\n{lines}\r\n".encode("latin-1") + body)
    whole = capture.ending is Ending.CLEAN and not capture.leftover
    return capture.exchange if whole else None


def _guessed(body: bytes, head: Reply) -> Request:
    """A request to the endpoint whose replies are of this kind; to `/` where the reply does not say."""
    kinds = {
        "chat.completion": ("POST", "/v1/chat/completions"),
        "chat.completion.chunk": ("POST", "/v1/chat/completions"),
        "text_completion": ("POST", "/v1/completions"),
        "embedding": ("POST", "/v1/embeddings"),
        "model": ("GET", "/v1/models"),
        "response": ("POST", "/v1/responses"),
    }
    guess = next((kinds[kind] for kind in _kinds(body, head) if kind in kinds), ("POST", "/"))
    return Request(*guess, None)


def _kinds(body: bytes, head: Reply) -> Iterator[str]:
    """The `object` of the reply, of its first item, or of its first event."""
    typed = header(head.headers, "content-type") or ""
    texts = [body]
    if typed.startswith("text/event-stream"):
        texts = [event.raw_data or b"" for event in decode(body[:65536])[:3]]
    for text in texts:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        items = value.get("data") if isinstance(value, dict) else None
        for item in (items[0] if isinstance(items, list) and items else None, value):
            if isinstance(item, dict) and isinstance(item.get("object"), str):
                yield item["object"]


def _verbose(data: bytes, where: str, request: Request | None) -> tuple[bytes, Request]:
    """What `curl -v` mixed: the heads and the body as `curl -i` prints them, and the request's head."""
    lines = data.splitlines(keepends=True)
    sent = [line[2:] for line in lines if line.startswith(b"> ")]
    request_line = re.match(rb"([A-Z]+) (\S+) HTTP/", sent[0]) if sent else None
    first = next((number for number, line in enumerate(lines) if line.startswith(b"< HTTP/")), None)
    if request_line is None or first is None:
        raise InputError(f"{where}: what curl -v prints has lines that begin with `> ` and `< HTTP/`; none is here")
    last = max(number for number, line in enumerate(lines) if line.startswith(b"< "))
    head = b"".join(line[2:] for line in lines[first : last + 1] if line.startswith(b"< "))
    body = _INFO.sub(b"", _PROGRESS.sub(b"", b"".join(lines[last + 1 :])))
    pairs = [line.decode("latin-1").rstrip("\r\n").partition(":")[::2] for line in sent[1:] if line.strip()]
    known = Request(request_line[1].decode(), target_of(request_line[2].decode("latin-1")), fields(pairs))
    return head + body, replace(known, body=request.body) if request else known
