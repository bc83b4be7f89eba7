"""Reading a JSON request body: bounded in size, time and depth, strict where Python's parser is lenient."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from starlette.requests import ClientDisconnect, Request

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.wire import jsontext

_TOLERATED = frozenset({"bom", "duplicate"})
_SUSPICIOUS = re.compile(rb"\\[uU][dD]|[eE]\+?\d{3}|\d{300}")
_DRAIN_SECONDS = 2.0


ARRIVED = "fake_server.arrived"
"""The member of a scope that says that the whole body is there, so that nobody need watch the clock."""


class Refused(Exception):
    """A request that gets `reply` instead of an answer."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.message)
        self.reply = reply


async def read(request: Request, fields: Mapping[str, str], limit: int, seconds: float) -> bytes:
    """The whole body. Raises Refused for too many bytes, or too much time; ClientDisconnect.

    `fields` are the request's header fields, names in lower case.
    """
    declared = fields.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        if "expect" not in fields:
            await drain(request, limit)
        raise Refused(errors.body_too_large(limit))
    pieces: list[bytes] = []
    size = 0
    arrived = request.scope.get(ARRIVED, False)
    try:
        async with nullcontext() if arrived else asyncio.timeout(seconds):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                piece = message.get("body", b"")
                size += len(piece)
                more = message.get("more_body", False)
                if size > limit:
                    break
                pieces.append(piece)
                if not more:
                    return b"".join(pieces)
    except TimeoutError:
        raise Refused(errors.body_too_slow(seconds)) from None
    if more:
        await drain(request, limit)
    raise Refused(errors.body_too_large(limit))


async def drain(request: Request, limit: int) -> None:
    """Read on for a moment, so that a client still writing sees the answer instead of a reset."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while size <= limit:
                message = await request.receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def check_type(fields: Mapping[str, str]) -> None:
    """Raises Refused unless the body claims to be plain JSON; saying nothing is tolerated."""
    sent = fields.get("content-type", "")
    if sent == "application/json" and "content-encoding" not in fields:
        return
    media = sent.partition(";")[0].strip().lower()
    if media and media != "application/json" and not (media.startswith("application/") and "+json" in media):
        raise Refused(errors.unsupported_type(sent))
    coding = fields.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise Refused(errors.unsupported_encoding(coding))


def parse(body: bytes) -> Mapping[str, Any]:
    """The JSON object a body holds. Raises Refused with what is wrong and at which byte."""
    document = jsontext.parse(body)
    for problem in document.problems:
        if problem.kind not in _TOLERATED:
            raise Refused(errors.invalid_json(f"{problem.detail} (byte {problem.offset})"))
    if _SUSPICIOUS.search(body):
        for detail in _unusable(document.value):
            raise Refused(errors.invalid_json(detail))
    if not isinstance(document.value, dict):
        raise Refused(errors.invalid_json("a JSON object is expected"))
    return document.value


def _unusable(value: Any) -> Iterator[str]:
    """What JSON can spell but UTF-8 or IEEE 754 cannot hold."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, float) and not math.isfinite(one):
            yield "a number is too large"
        elif isinstance(one, str) and not _encodes(one):
            yield "a string holds half of a surrogate pair"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
