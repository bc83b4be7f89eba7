"""What every fault has: a name, validated parameters, and what it does to a delivery."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from fake_server.wire.budget import hold, spend
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

Count = Annotated[int, Field(ge=0, le=100_000_000)]
Positive = Annotated[int, Field(ge=1, le=100_000_000)]
Number = Annotated[int, Field(ge=-100_000, le=100_000)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
FieldName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_VALUE = "^[\t\x20-\x7e\u00a0-\u00ff]*$"


def _check_value(text: str) -> str:
    wrong = next((char for char in text if char != "\t" and not (" " <= char <= "~" or "\xa0" <= char <= "\xff")), None)
    if wrong is not None:
        message = "must be one line of Latin-1, without {char}: no header field can have that"
        raise PydanticCustomError("field_value", message, {"char": repr(wrong)})
    return text


FieldValue = Annotated[str, AfterValidator(_check_value), WithJsonSchema({"type": "string", "pattern": _VALUE})]
"""Name and value of a header field, as a head can have them."""

DATA = re.compile(rb"(?:event: ?[^\r\n]*(?:\r\n|\r|\n))?data: ")
"""How an event of one line of data begins, which may be named."""
_NAME = re.compile(rb"event: ?([^\r\n]*)")
HEADER = "x-fake-fault"
"""The request header that names faults."""
WRITE = 100
"""Bytes that a write takes in memory beside its data."""


class Fault(BaseModel):
    """One way to go wrong. It strikes with `probability` 0 to 1, drawn with the server's seed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
    fault: str
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    for_browsers: ClassVar[bool] = False
    """Whether it denies what browsers need for pages of other origins, and leaves the reply itself alone."""
    replaces_reply: ClassVar[bool] = False
    """Whether it replaces the reply, so that none is made."""
    applied_last: ClassVar[int] = 0
    """1 if it is about how the bytes are sent and comes after those that change them; 2 if it comes after these too."""

    def apply(self, delivery: Delivery) -> Delivery:
        """Apply the fault. Raises NotPossible if the reply lacks what the fault breaks.

        A fault that the server looks for itself leaves the delivery as it is.
        """
        return delivery

    def to_dict(self) -> dict[str, Any]:
        """The fault as it is written in a script, without parameters at their defaults."""
        return self.model_dump(exclude_defaults=True, by_alias=True) | {"fault": self.fault}


def hold_writes(writes: Iterable[Write]) -> tuple[Write, ...]:
    """Take in all writes of a reply, which is to be changed as a whole. Raises TooMuch."""
    taken = []
    for write in writes:
        hold(len(write.data) + WRITE, "its reply, which faults change as a whole,")
        taken.append(write)
    return tuple(taken)


def size_of(delivery: Delivery) -> int:
    """The bytes that a reply takes, whose writes are a tuple; going through it costs steps. Raises TooMuch."""
    writes = delivery.writes
    size = sum(len(write.data) for write in writes)
    count = len(writes) if isinstance(writes, tuple) else 0
    spend(5 + count // 4 + size // 1000, "what its faults change")
    return size + count * WRITE


class NotPossible(ValueError):
    """A fault that cannot strike this reply; the message says why."""


class Edit(Fault):
    """A fault in the writes of the body."""

    def apply(self, delivery: Delivery) -> Delivery:
        writes = tuple(self.edit(delivery, list(delivery.writes)))
        length = None if delivery.length is None else sum(len(write.data) for write in writes)
        return delivery.but(writes=writes, length=length)

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        """Edit the writes of the delivery, a list that may be changed. Raises NotPossible as `apply` does."""
        raise NotImplementedError


class Placed(Edit):
    """A fault at a place: after so many bytes of the body, whole events (or events `of` a type), or seconds since the
    head.
    """

    after_bytes: Count | None = None
    after_events: Count | None = None
    after_seconds: Seconds | None = None
    of: str | None = None

    @model_validator(mode="after")
    def _at_one_place(self) -> Placed:
        given = [name for name in ("after_bytes", "after_events", "after_seconds") if getattr(self, name) is not None]
        if len(given) > 1:
            raise PydanticCustomError("places", "{given} exclude each other: keep one", {"given": " and ".join(given)})
        return self

    def split(self, delivery: Delivery, writes: list[Write]) -> tuple[list[Write], list[Write]]:
        """Split the writes into those before the place and those after it; without a place, all are after."""
        if self.after_bytes is not None:
            return split_at_byte(writes, self.after_bytes)
        if self.after_seconds is not None:
            return split_at_second(writes, self.after_seconds)
        if self.after_events:
            place = index_of_event(delivery, writes, self.after_events, self.of) + 1
            return writes[:place], writes[place:]
        return [], writes


def bounded_text(least: int, most: int) -> tuple[AfterValidator, WithJsonSchema]:
    """Bounds of a text that may hold half of a surrogate pair, which pydantic's own bounds refuse."""

    def check(text: str) -> str:
        if not least <= len(text) <= most:
            message = "must have {least} to {most} characters"
            raise PydanticCustomError("length", message, {"least": least, "most": most})
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "minLength": least, "maxLength": most})


def encode(text: str) -> bytes:
    """UTF-8; half of a surrogate pair becomes three bytes that are not valid, so that what an author writes is sent."""
    return text.encode("utf-8", "surrogatepass")


def parse_event(write: Write) -> Any:
    """Parse the `data:` of an event as JSON; None if it is no JSON, such as `[DONE]`."""
    spend(1 + len(write.data) // 1000, "the events of its reply")
    head = DATA.match(write.data)
    return parse_json(write.data[head.end() :].strip()) if head else None


def parse_json(data: bytes, otherwise: Any = None) -> Any:
    """The value of JSON text, or `otherwise`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return otherwise


def is_of(kind: str, write: Write) -> bool:
    """Whether an event's name, or else the `type` in its data, is this one; `response.` may be left out."""
    named = _NAME.match(write.data)
    if named:
        name = named[1].decode("utf-8", "replace")
    else:
        value = parse_event(write)
        name = value.get("type") if isinstance(value, dict) else None
    return name is not None and name in (kind, f"response.{kind}")


def check_streams(delivery: Delivery) -> None:
    """Raises NotPossible if the reply is no event stream."""
    if not delivery.streams:
        raise NotPossible("the reply is no event stream")


def event_indexes(delivery: Delivery, writes: list[Write], of: str | None = None) -> list[int]:
    """The indexes of the writes that are events, or events of a type. Raises NotPossible if the reply is no stream."""
    check_streams(delivery)
    found = [index for index, write in enumerate(writes) if write.data and not write.data.startswith(b":")]
    return found if of is None else [index for index in found if is_of(of, writes[index])]


def index_of_event(delivery: Delivery, writes: list[Write], number: int, of: str | None = None) -> int:
    """The index of an event, or of one of a type: 1 is the first, -1 the last. Raises NotPossible if there is none."""
    found = event_indexes(delivery, writes, of)
    place = number - 1 if number > 0 else number
    if not -len(found) <= place < len(found):
        kind = "" if of is None else f" of the type {of[:60]!r}"
        raise NotPossible(f"the stream has {len(found)} events{kind}, not {abs(number)}")
    return found[place]


def split_at_byte(writes: list[Write], place: int) -> tuple[list[Write], list[Write]]:
    """Split the writes at a byte of the body, which may divide a write."""
    before: list[Write] = []
    for index, write in enumerate(writes):
        if place < len(write.data):
            if place:
                before.append(Write(write.data[:place], write.pause))
            rest = Write(write.data[place:], 0.0 if place else write.pause)
            return before, [rest, *writes[index + 1 :]]
        before.append(write)
        place -= len(write.data)
    return before, []


def split_at_second(writes: list[Write], place: float) -> tuple[list[Write], list[Write]]:
    """Split the writes at a time in seconds; an empty write at the end of the first part waits for it."""
    passed = 0.0
    for index, write in enumerate(writes):
        if passed + write.pause > place:
            rest = place - passed
            after = [Write(write.data, write.pause - rest), *writes[index + 1 :]]
            return [*writes[:index], Write(b"", rest)], after
        passed += write.pause
    return [*writes, Write(b"", place - passed)], []
