"""Requests and replies as text: httprr's traces, and what HTTPie prints with `--print=HBhb`.

A trace of httprr (golang.org/x/oscar/httprr, also in other repositories) is its first line, then for each
exchange a line with two lengths, the request and the reply as Go writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from contract_tests.recordings.importing.endpoints import reason_to_skip
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
    target_of,
    wrong_type,
)
from contract_tests.recordings.importing.printed import reason_against
from contract_tests.recordings.recording import InputError
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Headers, Request, header
from fake_server.wire.jsontext import is_json

HTTPRR_NOTES = (
    "httprr keeps messages as Go writes them again: chunk boundaries, pauses, header case, compressed bytes and "
    "how the connection ended are lost, and scrubbers may have left fields out."
)
HTTPIE_NOTES = (
    "HTTPie prints decoded text, and JSON that it may have written again itself: chunk boundaries, pauses, "
    "compressed bytes and how the connection ended are lost."
)
STATUS = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?: ([^\r\n]*))?\r?\n")
_HEAD_END = re.compile(rb"\r?\n[ \t]*\r?\n")
_LENGTHS = re.compile(rb"(\d{1,10}) (\d{1,10})\r?\n")
_REQUEST = re.compile(rb"^([A-Z]+) (\S+) HTTP/\d(?:\.\d)?\r?\n", re.MULTILINE)
_REPLY = re.compile(rb"^HTTP/\d(?:\.\d)? \d{3}", re.MULTILINE)
_COLOUR = re.compile(rb"\x1b\[[\d;]*m")
_PROMPT = re.compile(
    rb"^[ \t]*(?:\([\w.-]{1,40}\)[ \t]*)?(?:\[?[\w.-]{1,40}@[\w.-]{1,60}[^\n$#%>]{0,80}[$#%>]"
    rb"|PS [^\n>]{0,120}>|[$%]|-{10,})"
    rb"(?:[ \t][^\n]*)?\r?$",
    re.MULTILINE,
)
"""A line of a shell that asks for the next command, or the line that ends a saved exchange."""
_META = re.compile(rb"Elapsed time: [\d.]+s")
_NOT_SHOWN = b"NOTE: binary data not shown in terminal"


def read_head(data: bytes, position: int = 0) -> tuple[Reply, int]:
    """The head of a reply that begins at a byte, and where its body begins. Raises ValueError."""
    start, end = STATUS.match(data, position), _HEAD_END.search(data, position)
    if start is None:
        raise ValueError(f"byte {position}: a status line is expected, not {data[position : position + 30]!r}")
    if end is None:
        raise ValueError(f"byte {position}: the head has no end (a blank line)")
    headers = read_fields(data[start.end() : end.start()].splitlines())
    return Reply(int(start[2]), (start[3] or b"").decode("latin-1"), headers, b""), end.end()


def read_fields(lines: Iterable[bytes]) -> Headers:
    """The header fields that these lines hold. Raises ValueError."""
    return fields(line.decode("latin-1").partition(":")[::2] for line in lines)


def take_off_chunks(request: Request, head: Reply, body: bytes) -> Exchange | None:
    """The reply where the body still has its chunks, whole; None where they were taken off."""
    if "chunked" not in (header(head.headers, "transfer-encoding") or "").lower():
        return None
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.headers)
    capture = ReplyCapture(request)
    capture.feed(f"HTTP/1.1 {head.status} {head.reason}\r\n{lines}\r\n".encode("latin-1") + body)
    whole = capture.ending is Ending.CLEAN and not capture.leftover
    return capture.exchange if whole else None


def httprr_entries(data: bytes, where: str, endpoint: str | None = None) -> Entries:
    """The exchanges of a trace. Raises InputError with the byte or the entry's number."""
    line, _, _ = data.partition(b"\n")
    if line.rstrip() != b"httprr trace v1":
        raise InputError(f"{where}: must begin with the line 'httprr trace v1', but begins with {line[:30]!r}")
    position, number = len(line) + 1, 0
    while position < len(data):
        lengths = _LENGTHS.match(data, position)
        if lengths is None:
            found = data[position : position + 20]
            raise InputError(f"{where}: byte {position}: two lengths are expected, but {found!r} is here")
        middle = lengths.end() + int(lengths[1])
        end = middle + int(lengths[2])
        if end > len(data):
            there = len(data) - lengths.end()
            raise InputError(f"{where}: byte {position}: {end - lengths.end():,} bytes must follow, but {there:,} do")
        with errors_at(f"{where}: entry {number}"):
            request, url = _request(data[lengths.end() : middle])
            yield _traced(request, url, data[middle:end], number, endpoint)
        position, number = end, number + 1


def _request(data: bytes) -> tuple[Request, str]:
    """A request, and its URL as it was written."""
    start, end = _REQUEST.match(data), _HEAD_END.search(data)
    if start is None or end is None:
        raise ValueError(wrong_type("a request", "a request line, a head and a blank line", data))
    url = start[2].decode("latin-1")
    headers = read_fields(data[start.end() : end.start()].splitlines())
    return Request(start[1].decode(), target_of(url), headers, data[end.end() :]), url


def _traced(request: Request, url: str, reply: bytes, number: int, endpoint: str | None) -> ImportedEntry | Skipped:
    if reason := reason_to_skip(request.method, request.target, endpoint, url):
        return Skipped(reason)
    head, start = read_head(reply)
    chunked = take_off_chunks(request, head, reply[start:])
    head.body = chunked.payload if chunked else reply[start:]
    head.decoded = is_decoded(head.headers, head.body)
    head.lost = {Aspect.ALL_HEADERS}
    exchange, notes = exchange_of(request, head, HTTPRR_NOTES)
    return ImportedEntry(exchange, f"entry {number}", notes, place_of(url))


def httpie_entries(data: bytes, where: str, endpoint: str | None = None) -> Entries:
    """The exchanges that HTTPie printed: request, reply, request, reply. Raises InputError."""
    data = _COLOUR.sub(b"", data).lstrip()
    starts = [match.start() for match in _REQUEST.finditer(data)]
    if not starts:
        raise InputError(f"{where}: no request line, such as 'POST /v1/chat/completions HTTP/1.1'; print all of it")
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True)):
        with errors_at(f"{where}: exchange {number}"):
            yield _printed(data[start:end], number, endpoint)


def _printed(data: bytes, number: int, endpoint: str | None) -> ImportedEntry | Skipped:
    reply = _REPLY.search(data)
    if reply is None:
        raise ValueError("no reply follows the request; print both with `--print=HBhb`")
    request, url = _request(data[: reply.start()])
    host = header(request.headers, "host") or ""
    url = f"//{host}{url}" if host and url.startswith("/") else url
    if reason := reason_to_skip(request.method, request.target, endpoint, url):
        return Skipped(reason)
    head, start = read_head(data, reply.start())
    printed = _without_prompt(data[start:], header(head.headers, "content-length"))
    body, _, last = printed.rstrip().rpartition(b"\n")
    head.body = body if _META.fullmatch(last.strip()) else printed
    if _NOT_SHOWN in head.body:
        return Skipped("the body of the reply was not kept")
    head.decoded = True
    head.lost = {Aspect.BODY_BYTES, Aspect.EVENT_FRAMING}
    sent = _trim(request.body, header(request.headers, "content-length"))
    head.body = _trim(head.body, header(head.headers, "content-length"))
    if edited := reason_against(head.body):
        return Skipped(f"a reply that cannot be read: {edited}")
    exchange, notes = exchange_of(Request(request.method, request.target, request.headers, sent), head, HTTPIE_NOTES)
    return ImportedEntry(exchange, f"exchange {number}", notes, place_of(url))


def _without_prompt(body: bytes, length: str | None) -> bytes:
    """JSON, or a stream, without the line of a shell that follows it, and without what that line is followed by.

    HTTPie writes JSON again with an indent only where the body is JSON to its end, and else as many bytes as
    Content-Length says: what follows is not the server's.
    """
    if length is not None and (end := _end_of_json(body)) and body[end:].strip():
        indented = b"\n    " in body[:end] and not is_json(body[: int(length)] if length.isdigit() else body)
        if indented or str(end) == length:
            return body[:end]
    prompt = _PROMPT.search(body)
    begins = body.lstrip().startswith((b"{", b"[", b"data:", b"event:", b":"))
    if prompt is None or not begins or length == str(len(body.rstrip())):
        return body
    return body[: prompt.start()]


def _end_of_json(body: bytes) -> int:
    """Where the JSON ends with which a body begins; 0 where it begins with none."""
    text = body.decode("utf-8", "surrogateescape")
    start = len(text) - len(text.lstrip())
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return 0
    return len(text[:end].encode("utf-8", "surrogateescape"))


def _trim(body: bytes, length: str | None) -> bytes:
    """A body without the blank lines that HTTPie puts after it; of a stream, one of them is its own."""
    if length is not None and length.isdigit() and not body[int(length) :].strip():
        return body[: int(length)]
    trimmed = body.rstrip(b"\r\n")
    return f"{trimmed.decode('latin-1')}\n\n".encode("latin-1") if b"\ndata:" in b"\n" + body[:4096] else trimmed
