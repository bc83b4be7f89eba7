"""Faults in the events of a stream: missing, repeated, cut or badly formatted ones."""

from __future__ import annotations

import json
import re
from itertools import cycle
from typing import Annotated, Any, Literal

from pydantic import Field

from fake_server.faults.base import (
    DATA,
    WRITE,
    Count,
    Edit,
    NotPossible,
    Number,
    Placed,
    Seconds,
    check_streams,
    encode,
    event_indexes,
    index_of_event,
    is_of,
    parse_event,
)
from fake_server.wire.budget import check_room
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

DONE = b"[DONE]"


class DropEvent(Edit):
    """An event is missing: `event` counts from 1, or from the end if it is negative; `of` counts those of a type."""

    fault: Literal["drop-event"] = "drop-event"
    event: Number = 2
    of: str | None = None

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        del writes[index_of_event(delivery, writes, self.event, self.of)]
        return writes


class DoubleEvent(Edit):
    """An event is sent twice."""

    fault: Literal["double-event"] = "double-event"
    event: Number = 2
    of: str | None = None

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        return _double(writes, index_of_event(delivery, writes, self.event, self.of))


class TruncatedEvent(Edit):
    """An event is cut after its first `keep` bytes; the next one follows at once, without a blank line."""

    fault: Literal["truncated-event"] = "truncated-event"
    event: Number = 2
    of: str | None = None
    keep: Count = 20

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        place = index_of_event(delivery, writes, self.event, self.of)
        writes[place] = Write(writes[place].data[: self.keep], writes[place].pause)
        return writes


class NoDone(Edit):
    """The stream ends without `[DONE]`."""

    fault: Literal["no-done"] = "no-done"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        del writes[_index_of_done(delivery, writes)]
        return writes


class DoubleDone(Edit):
    """`[DONE]` is sent twice."""

    fault: Literal["double-done"] = "double-done"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        return _double(writes, _index_of_done(delivery, writes))


class LateDone(Edit):
    """`[DONE]` is sent `seconds` late."""

    fault: Literal["late-done"] = "late-done"
    seconds: Seconds = 5.0

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        place = _index_of_done(delivery, writes)
        writes[place] = Write(writes[place].data, writes[place].pause + self.seconds)
        return writes


class AfterDone(Edit):
    """An event follows `[DONE]`: `data`, or the event before it again."""

    fault: Literal["after-done"] = "after-done"
    data: str | None = None

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        place = _index_of_done(delivery, writes)
        if self.data is None and not place:
            raise NotPossible("there is no event before [DONE]")
        event = writes[place - 1].data if self.data is None else _event(self.data)
        return [*writes, Write(event)]


class ErrorEvent(Placed):
    """The stream sends an error object after that place and ends, with `[DONE]` only if `done` is true.

    The stream of a response sends an `error` event, or with `failed` ends as the API says: in `response.failed`.
    """

    fault: Literal["error-event"] = "error-event"
    after_events: Count | None = 2
    message: str = "The server had an error while processing your request. Sorry about that!"
    type: str = "server_error"
    code: str | None = None
    done: bool = False
    failed: bool = False

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        check_streams(delivery)
        before, _ = self.split(delivery, writes)
        first = event_indexes(delivery, writes)[:1]
        begun = parse_event(writes[first[0]]) if first and is_of("response.created", writes[first[0]]) else None
        response = begun.get("response") if isinstance(begun, dict) else None
        if isinstance(response, dict):
            event = Write(self._of_response(response, len(event_indexes(delivery, before))))
        elif self.failed:
            raise NotPossible("the stream is not that of a response")
        else:
            error = {"message": self.message, "type": self.type, "param": None, "code": self.code}
            event = Write(_event(json.dumps({"error": error}, ensure_ascii=False)))
        return [*before, event, *([Write(_event("[DONE]"))] if self.done else [])]

    def _of_response(self, response: dict[str, Any], number: int) -> bytes:
        error = {"code": self.code or self.type, "message": self.message}
        if self.failed:
            value = {"response": {**response, "status": "failed", "error": error}, "sequence_number": number}
            return _named("response.failed", value)
        return _named("error", {**error, "param": None, "sequence_number": number})


class LineEnds(Edit):
    """Lines of the stream end in `cr`, `crlf`, or in CR, LF and CRLF in turn (`mixed`)."""

    fault: Literal["line-ends"] = "line-ends"
    ends: Literal["cr", "crlf", "mixed"] = "mixed"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        check_streams(delivery)
        ends = {"cr": [b"\r"], "crlf": [b"\r\n"], "mixed": [b"\r", b"\n", b"\r\n"]}[self.ends]
        pairs = zip(writes, cycle(ends), strict=False)
        return [Write(re.sub(rb"\r\n|\r|\n", end, write.data), write.pause) for write, end in pairs]


class NoSpace(Edit):
    """`data:` is not followed by a space."""

    fault: Literal["no-space"] = "no-space"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        check_streams(delivery)
        return [Write(DATA.sub(_closer, write.data, count=1), write.pause) for write in writes]


class Comments(Placed):
    """A flood of SSE comments is inserted: `count` of them, each with `size` bytes of text."""

    fault: Literal["comments"] = "comments"
    count: Annotated[int, Field(ge=1, le=100_000)] = 100
    size: Annotated[int, Field(ge=0, le=10_000)] = 20

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        check_streams(delivery)
        before, after = self.split(delivery, writes)
        comment = Write(b": " + b"x" * self.size + b"\n\n")
        check_room(self.count * (len(comment.data) + WRITE), "the comments of its faults")
        return [*before, *([comment] * self.count), *after]


def _double(writes: list[Write], place: int) -> list[Write]:
    return [*writes[: place + 1], Write(writes[place].data), *writes[place + 1 :]]


def _index_of_done(delivery: Delivery, writes: list[Write]) -> int:
    for index in reversed(event_indexes(delivery, writes)):
        if writes[index].data.rstrip().endswith(DONE):  # also behind what another fault put before it
            return index
    raise NotPossible("the stream has no [DONE]")


def _closer(head: re.Match[bytes]) -> bytes:
    """The beginning of an event without its last space."""
    return head[0][:-1]


def _named(name: str, value: dict[str, Any]) -> bytes:
    data = json.dumps({"type": name, **value}, ensure_ascii=False, separators=(",", ":"))
    return encode(f"event: {name}\ndata: {data}\n\n")


def _event(data: str) -> bytes:
    return encode(f"data: {data}\n\n")
