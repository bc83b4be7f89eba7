"""Faults in what is sent: events and bytes that are not what they should be."""

from __future__ import annotations

import gzip
import json
import random
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import (
    Count,
    Fault,
    NotPossible,
    Placed,
    Positive,
    Seconds,
    each,
    events,
    the_event,
    with_body,
)
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending, Write

Number = Annotated[int, Field(ge=-100_000, le=100_000)]
DONE = b"[DONE]"


class DropEvent(Fault):
    """An event is missing: `event` counts from 1, or from the end below 0."""

    fault: Literal["drop-event"] = "drop-event"
    event: Number = 2

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        del writes[the_event(delivery, writes, self.event)]
        return with_body(delivery, writes)


class DoubleEvent(Fault):
    """An event comes twice."""

    fault: Literal["double-event"] = "double-event"
    event: Number = 2

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        place = the_event(delivery, writes, self.event)
        return with_body(delivery, [*writes[: place + 1], Write(writes[place].data), *writes[place + 1 :]])


class TruncatedEvent(Fault):
    """An event keeps its first `keep` bytes only; the next one follows at once, without a blank line."""

    fault: Literal["truncated-event"] = "truncated-event"
    event: Number = 2
    keep: Count = 20

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        place = the_event(delivery, writes, self.event)
        writes[place] = Write(writes[place].data[: self.keep], writes[place].pause)
        return with_body(delivery, writes)


class NoDone(Fault):
    """The stream ends without `[DONE]`."""

    fault: Literal["no-done"] = "no-done"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        del writes[_done(delivery, writes)]
        return with_body(delivery, writes)


class DoubleDone(Fault):
    """`[DONE]` comes twice."""

    fault: Literal["double-done"] = "double-done"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        place = _done(delivery, writes)
        return with_body(delivery, [*writes[: place + 1], Write(writes[place].data), *writes[place + 1 :]])


class LateDone(Fault):
    """`[DONE]` comes so many seconds late."""

    fault: Literal["late-done"] = "late-done"
    seconds: Seconds = 5.0

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        place = _done(delivery, writes)
        writes[place] = Write(writes[place].data, writes[place].pause + self.seconds)
        return with_body(delivery, writes)


class AfterDone(Fault):
    """An event follows `[DONE]`: `data`, or else the event before it once more."""

    fault: Literal["after-done"] = "after-done"
    data: str | None = None

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        place = _done(delivery, writes)
        if self.data is None and not place:
            raise NotPossible("no event stands before [DONE]")
        event = writes[place - 1].data if self.data is None else _event(self.data)
        return with_body(delivery, [*writes, Write(event)])


class ErrorEvent(Placed):
    """An error object comes as an event, and nothing after it but `[DONE]` where `done` is true."""

    fault: Literal["error-event"] = "error-event"
    after_events: Count | None = 2
    message: str = "The server had an error while processing your request. Sorry about that!"
    type: str = "server_error"
    code: str | None = None
    done: bool = False

    def apply(self, delivery: Delivery) -> Delivery:
        if not delivery.streams:
            raise NotPossible("the reply is no event stream")
        before, _ = self.split(delivery)
        error = {"message": self.message, "type": self.type, "param": None, "code": self.code}
        told = [Write(_event(json.dumps({"error": error}, ensure_ascii=False)))]
        return with_body(delivery, [*before, *told, *([Write(_event("[DONE]"))] if self.done else [])])


class Garbage(Placed):
    """Bytes that mean nothing stand between the others: `text`, or else so many at random."""

    fault: Literal["garbage"] = "garbage"
    text: str | None = None
    bytes: Positive = 32

    def apply(self, delivery: Delivery) -> Delivery:
        before, after = self.split(delivery)
        made = random.Random(self.bytes).randbytes(self.bytes) if self.text is None else self.text.encode()
        return with_body(delivery, [*before, Write(made), *after])


class Bom(Fault):
    """The body begins with a byte order mark."""

    fault: Literal["bom"] = "bom"

    def apply(self, delivery: Delivery) -> Delivery:
        return _prefixed(delivery, b"\xef\xbb\xbf")


class InvalidUtf8(Placed):
    """A byte that is not UTF-8 stands where a text goes on: behind the first letter of the place."""

    fault: Literal["invalid-utf8"] = "invalid-utf8"

    def apply(self, delivery: Delivery) -> Delivery:
        before, after = self.split(delivery)
        for index, write in enumerate(after):
            place = write.data.find(b'"content"')
            start = write.data.find(b'"', place + 9) + 1 if place >= 0 else 0
            if start:
                data = write.data[:start] + b"\xff" + write.data[start:]
                changed = [*after[:index], Write(data, write.pause), *after[index + 1 :]]
                return with_body(delivery, [*before, *changed])
        raise NotPossible("the reply holds no text of a message")


class LineEnds(Fault):
    """Lines of the stream end in `cr`, `crlf`, or in each of the three in turn (`mixed`)."""

    fault: Literal["line-ends"] = "line-ends"
    ends: Literal["cr", "crlf", "mixed"] = "mixed"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        events(delivery, writes)
        ends = {"cr": [b"\r"], "crlf": [b"\r\n"], "mixed": [b"\r", b"\n", b"\r\n"]}[self.ends]
        return with_body(
            delivery,
            [
                Write(_ended(write.data, ends[index % len(ends)]), write.pause)
                for index, write in enumerate(writes)
            ],
        )


class NoSpace(Fault):
    """`data:` without the space behind it."""

    fault: Literal["no-space"] = "no-space"

    def apply(self, delivery: Delivery) -> Delivery:
        events(delivery, [])
        return with_body(delivery, list(each(delivery, _without_space)))


class Comments(Placed):
    """A flood of comments: `count` of them, each `size` bytes of text."""

    fault: Literal["comments"] = "comments"
    count: Annotated[int, Field(ge=1, le=100_000)] = 100
    size: Annotated[int, Field(ge=0, le=10_000)] = 20

    def apply(self, delivery: Delivery) -> Delivery:
        if not delivery.streams:
            raise NotPossible("the reply is no event stream")
        before, after = self.split(delivery)
        comment = Write(b": " + b"x" * self.size + b"\n\n")
        return with_body(delivery, [*before, *([comment] * self.count), *after])


class BrokenGzip(Fault):
    """The body is called gzip and is broken: `truncated`, `corrupt` inside, or plain (`not-gzip`)."""

    fault: Literal["broken-gzip"] = "broken-gzip"
    how: Literal["truncated", "corrupt", "not-gzip"] = "truncated"

    def apply(self, delivery: Delivery) -> Delivery:
        body = b"".join(write.data for write in delivery.writes)
        packed = gzip.compress(body, mtime=0)
        middle = len(packed) // 2
        made = {
            "truncated": packed[:middle],
            "corrupt": packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :],
            "not-gzip": body,
        }[self.how]
        headers = (*delivery.headers, ("content-encoding", "gzip"))
        return with_body(delivery.but(headers=headers), [Write(made)])


class Empty(Fault):
    """The status and the header fields come, the body is empty."""

    fault: Literal["empty-body"] = "empty-body"

    def apply(self, delivery: Delivery) -> Delivery:
        return with_body(delivery, [])


class Header(Fault):
    """A header field has another value, or is missing where `value` is null."""

    fault: Literal["header"] = "header"
    name: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")] = "content-type"
    value: Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$")] | None = "text/plain"

    def apply(self, delivery: Delivery) -> Delivery:
        kept = tuple(pair for pair in delivery.headers if pair[0].lower() != self.name.lower())
        told = () if self.value is None else ((self.name, self.value),)
        return delivery.but(headers=(*kept, *told))


class WrongLength(Fault):
    """Content-Length is `by` bytes more than the body has, or less below 0; no chunks are used."""

    fault: Literal["wrong-length"] = "wrong-length"
    by: Number = 10
    last: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        writes = tuple(delivery.writes)
        length = max(sum(len(write.data) for write in writes) + self.by, 0)
        return delivery.but(writes=writes, length=length, ending=Ending.CUT)


def _without_space(data: bytes) -> bytes:
    return b"data:" + data[6:] if data.startswith(b"data: ") else data


def _done(delivery: Delivery, writes: list[Write]) -> int:
    for index in reversed(events(delivery, writes)):
        if DONE in writes[index].data:
            return index
    raise NotPossible("the stream has no [DONE]")


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def _prefixed(delivery: Delivery, prefix: bytes) -> Delivery:
    writes = list(delivery.writes)
    first = writes[0] if writes else Write(b"")
    return with_body(delivery, [Write(prefix + first.data, first.pause), *writes[1:]])


def _ended(data: bytes, end: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", end)
