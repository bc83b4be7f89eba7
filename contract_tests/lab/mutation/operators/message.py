"""Operators on the reply as an HTTP message: header fields, status, how the body is framed, as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.framing import TYPES
from contract_tests.lab.mutation.operators.kind import Kind, Site
from contract_tests.lab.mutation.reply import Reply
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Exchange
from fake_server.wire.outgoing import serialize_reply

STATUSES = (200, 201, 204, 301, 400, 401, 403, 404, 405, 415, 422, 429, 500, 502, 503)
Edited = tuple[str, str, bytes, str]
"""(operator, header or part, the whole message, what stands there now)."""


def _sites(reply: Reply) -> Iterator[Site]:
    if reply.exchange.knows(Aspect.HEADERS):
        yield Site()


def _mutants(reply: Reply, site: Site, seed: int, only: str = "") -> Iterator[Mutant]:
    """Every header field dropped, renamed, doubled and given other values, every status, other framings.

    The original is the reply as it is captured when a server sends it: then all of its bytes are known.
    """
    exchange = reply.exchange
    message = b"".join(write.data for write in serialize_reply(exchange))
    original = captured(exchange, message)
    head, gap, body = message.partition(b"\r\n\r\n")
    for edits in (_fields, _starts, _framings):
        for operator, shape, changed, after in edits(head, gap + body):
            if changed != message and only in ("", operator):
                yield Mutant(
                    "http",
                    operator,
                    shape,
                    shape,
                    original,
                    partial(captured, exchange, changed),
                    after=after,
                )


def captured(exchange: Exchange, message: bytes) -> Exchange:
    """What a recorder sees where the server answers this request with these bytes and hangs up."""
    capture = ReplyCapture(exchange.request)
    capture.feed(message)
    capture.eof()
    return capture.exchange.but(label=exchange.label)


def _fields(head: bytes, rest: bytes) -> Iterator[Edited]:
    lines = head.split(b"\r\n")
    for place, line in enumerate(lines[1:], 1):
        name, _, value = line.partition(b": ")
        shape = name.decode("latin-1").lower()

        def with_line(*new: bytes, place: int = place) -> bytes:
            return b"\r\n".join([*lines[:place], *new, *lines[place + 1 :]]) + rest

        yield "header-drop", shape, with_line(), "(absent)"
        yield "header-rename", shape, with_line(b"X-Was-" + line), "another name"
        yield "header-twice", shape, with_line(line, line), "twice"
        yield "header-empty", shape, with_line(name + b": "), "no value"
        yield "header-retype", shape, with_line(name + b": made-up"), "made-up"
        yield "header-line", shape, with_line(name + b" : " + value), "a space before the colon"
        yield "header-line", shape, with_line(name + b" " + value), "no colon"
        yield "header-line", shape, with_line(name + b":\r\n " + value), "folded over two lines"
        yield (
            "header-line",
            shape,
            b"\n".join([b"\r\n".join(lines[: place + 1]), *lines[place + 1 :]]) + rest,
            "LF",
        )
        if shape == "content-type":
            for other in TYPES:
                if not value.startswith(other.encode()):
                    yield "header-retype", shape, with_line(name + b": " + other.encode()), other
            latin = value.partition(b";")[0] + b"; charset=iso-8859-1"
            yield "header-retype", shape, with_line(name + b": " + latin), "charset=iso-8859-1"
        if shape == "content-length":
            for by, size in (("less", int(value) - 1), ("more", int(value) + 1), ("none", 0), ("below", -1)):
                yield "header-retype", shape, with_line(b"%s: %d" % (name, size)), by


def _starts(head: bytes, rest: bytes) -> Iterator[Edited]:
    start, _, fields = head.partition(b"\r\n")
    version, status, *_ = start.split(b" ")
    for other in STATUSES:
        if str(other).encode() != status:
            line = b"%s %d Other" % (version, other)
            yield "status", f"status {status.decode()}", line + b"\r\n" + fields + rest, str(other)
    for broken in (b"HTTP/2 " + status, b"HTTP/1.1 OK", status, b"", b"HTTP/1.1 " + status + b"x"):
        yield "status-line", "status line", broken + b"\r\n" + fields + rest, repr(broken)[1:]


def _framings(head: bytes, rest: bytes) -> Iterator[Edited]:
    body = rest.removeprefix(b"\r\n\r\n")
    yield "framing", "head", head + b"\r\n", "the head has no end"
    yield "framing", "end", head + rest + b"HTTP/1.1 200 OK\r\n\r\n", "bytes follow the end"
    if re.search(rb"(?im)^transfer-encoding:\s*chunked", head):
        both = head + b"\r\nContent-Length: %d" % len(body)
        yield "framing", "chunked", both + rest, "a length beside the chunks"
        yield "framing", "chunked", head + b"\r\n\r\n" + body.removesuffix(b"0\r\n\r\n"), "no last chunk"
        yield "framing", "chunked", head + b"\r\n\r\n" + body.removesuffix(b"\r\n"), "no last line"
        for place, after in ((b"zz\r\n", "a size that is no number"), (b"-1\r\n", "a size below zero")):
            yield "framing", "chunked", head + b"\r\n\r\n" + place + body, after
        size, _, data = body.partition(b"\r\n")
        for by in (-1, 1):
            wrong = b"%x\r\n%s" % (int(size, 16) + by, data)
            yield "framing", "chunked", head + b"\r\n\r\n" + wrong, f"the first size {by:+d}"
    elif re.search(rb"(?im)^content-length:", head):
        chunked = head + b"\r\nTransfer-Encoding: chunked"
        yield "framing", "content-length", chunked + rest, "chunked is announced"
        yield "framing", "content-length", head + rest[:-1], "the last byte is missing"
        yield "framing", "content-length", head + rest[: len(rest) // 2], "the second half is missing"


MESSAGE = Kind(
    "message",
    (
        "header-drop",
        "header-rename",
        "header-twice",
        "header-empty",
        "header-retype",
        "header-line",
        "status",
        "status-line",
        "framing",
    ),
    _sites,
    _mutants,
)
