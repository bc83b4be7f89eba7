"""What `curl -i` and `curl -v` print: heads and a body, and of the request what they or the user say.

curl takes off chunks (but not with `--raw`) and, with `--compressed`, content codings; the bytes show both.
"""

from __future__ import annotations

import re
from dataclasses import replace

from contract_tests.recordings.importing.bodies import GUESSED, CurlRequest, guess_request
from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Reply,
    Skipped,
    errors_at,
    exchange_of,
    is_decoded,
    place_of,
    target_of,
)
from contract_tests.recordings.importing.messages import STATUS, read_fields, read_head, take_off_chunks
from contract_tests.recordings.importing.printed import reason_against
from contract_tests.recordings.recording import InputError
from fake_server.wire.exchange import Aspect, Exchange, Headers, Request, header
from fake_server.wire.jsontext import is_json

NOTES = (
    "curl prints heads as they came and the body without its transfer coding: chunk boundaries, pauses and "
    "how the connection ended are lost."
)
RAW_NOTES = "curl --raw printed the reply as it came; the pauses are lost."
_SIGN = re.compile(rb"([<>])(?: |(?=\r?\n|\Z))|()")
"""What curl -v writes before each line of a head; an editor takes off the blank of a line that has no more."""
_PROGRESS = re.compile(rb"[{}] \[\d+ bytes data\]\r?\n")
_INFO = re.compile(rb"(?:^|(?<=\n))\* [^\n]*\n|\* (?:Connection #\d+|Closing connection|transfer closed)[^\n]*\n?")


def entries(data: bytes, where: str, asked: CurlRequest, endpoint: str | None = None) -> Entries:
    """The replies that curl printed; redirects and a proxy's own head are counted as skipped."""
    lost, number = set() if asked.data is not None else {Aspect.REQUEST}, 0
    with errors_at(where):
        request = asked.request()
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
            if not reason and (edited := reason_against(exchange.payload)):
                reason = f"a reply that cannot be read: {edited}"
            imported = ImportedEntry(exchange, f"reply {number}", notes, place_of(asked.url))
            yield Skipped(reason) if reason else imported
            number += 1


def _heads(data: bytes) -> tuple[tuple[tuple[int, Headers], ...], Reply, int, list[str]]:
    """The 1xx heads, the last head and where its body begins; heads that another follows are passed by."""
    informational: list[tuple[int, Headers]] = []
    passed: list[str] = []
    position = 0
    while True:
        head, position = read_head(data, position)
        if STATUS.match(data, position) is None:
            return tuple(informational), head, position, passed
        if head.status < 200:
            informational.append((head.status, head.headers))
        else:
            passed.append(f"status {head.status} that another reply follows (a proxy, a redirect, a log-in)")


def _body(head: Reply, data: bytes, start: int) -> tuple[bytes, bytes]:
    """The body, and what follows it where that is another reply (curl was given several URLs).

    Content-Length says where JSON ends: curl writes no more, so what follows is a shell's prompt or the like.
    """
    length = header(head.headers, "content-length") or ""
    end = start + int(length) if re.fullmatch(r"\d{1,12}", length) else len(data)
    if STATUS.match(data, end):
        return data[start:end], data[end:]
    if end < len(data) and not header(head.headers, "content-encoding") and is_json(data[start:end]):
        return data[start:end], b""
    return data[start:], b""


def _exchange(
    request: Request | None, head: Reply, body: bytes, lost: set[Aspect], whole_reply: bool
) -> tuple[Exchange, str]:
    more_notes = "" if request else GUESSED
    streamed = (header(head.headers, "content-type") or "").startswith("text/event-stream")
    request = request or guess_request(body, streamed) or Request("POST", "/", None)
    if whole_reply and (raw := take_off_chunks(request, head, body)):
        more_notes += " The body of the request was not kept." if Aspect.REQUEST in lost else ""
        return raw.but(unknown=frozenset(lost | {Aspect.TIMING})), RAW_NOTES + more_notes
    reply = replace(head, body=body, decoded=is_decoded(head.headers, body), lost=lost)
    return exchange_of(request, reply, NOTES + more_notes)


def _verbose(data: bytes, where: str, request: Request | None) -> tuple[bytes, Request]:
    """What `curl -v` mixed: the heads and the body as `curl -i` prints them, and the request's head."""
    lines = [(match[1], line[match.end() :]) for line in data.splitlines(keepends=True) if (match := _SIGN.match(line))]
    sent = [line for sign, line in lines if sign == b">"]
    request_line = re.match(rb"([A-Z]+) (\S+) HTTP/", sent[0]) if sent else None
    received = [number for number, (sign, _) in enumerate(lines) if sign == b"<"]
    first = next((number for number in received if lines[number][1].startswith(b"HTTP/")), None)
    if request_line is None or first is None:
        raise InputError(f"{where}: what curl -v prints has lines that begin with `> ` and `< HTTP/`; there are none")
    head = b"".join(lines[number][1] for number in received if number >= first)
    rest = b"".join(line for sign, line in lines[received[-1] + 1 :])
    body = _INFO.sub(b"", _PROGRESS.sub(b"", rest))
    headers = read_fields(line.rstrip(b"\r\n") for line in sent[1:] if line.strip())
    known = Request(request_line[1].decode(), target_of(request_line[2].decode("latin-1")), headers)
    return head + body, replace(known, body=request.body) if request else known
