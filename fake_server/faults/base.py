"""What every fault has: a name, parameters that are checked, and what it does to a delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

Count = Annotated[int, Field(ge=0, le=100_000_000)]
Positive = Annotated[int, Field(ge=1, le=100_000_000)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


HEADER = "x-fake-fault"
"""The request's header field that names faults."""


class Fault(BaseModel):
    """A thing that goes wrong. `probability` is how likely, by the server's seed; 1 is always."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
    fault: str
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    pages: ClassVar[bool] = False
    """Whether it is about what browsers need for pages of other origins, and about no reply."""
    instead: ClassVar[bool] = False
    """Whether it replaces the answer, so that none is made."""
    last: ClassVar[bool] = False
    """Whether it is about how the bytes leave, so that it comes after those that change them."""

    def apply(self, delivery: Delivery) -> Delivery:
        """The delivery with this fault. Raises NotPossible where the reply has nothing to break so."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The fault as it is written in a script, without what is left at its default."""
        return self.model_dump(exclude_defaults=True, by_alias=True) | {"fault": self.fault}


class NotPossible(ValueError):
    """A fault that this reply cannot have; the message says why."""


class Placed(Fault):
    """A fault at a place: after so many bytes of the body, whole events, or seconds since the head."""

    after_bytes: Count | None = None
    after_events: Count | None = None
    after_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _at_one_place(self) -> Placed:
        given = [
            name
            for name in ("after_bytes", "after_events", "after_seconds")
            if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise PydanticCustomError(
                "places", "{given} exclude each other: keep one", {"given": " and ".join(given)}
            )
        return self

    def split(self, delivery: Delivery) -> tuple[list[Write], list[Write]]:
        """The writes before the place and those after it; without a place all are after it."""
        writes = list(delivery.writes)
        if self.after_bytes is not None:
            return at_byte(writes, self.after_bytes)
        if self.after_seconds is not None:
            return at_second(writes, self.after_seconds)
        if self.after_events:
            place = after_event(delivery, writes, self.after_events)
            return writes[:place], writes[place:]
        return [], writes


def is_comment(write: Write) -> bool:
    return write.data.startswith(b":")


def events(delivery: Delivery, writes: list[Write]) -> list[int]:
    """The indexes of the writes that are events. Raises NotPossible for a reply that is no stream."""
    if not delivery.streams:
        raise NotPossible("the reply is no event stream")
    return [index for index, write in enumerate(writes) if write.data and not is_comment(write)]


def after_event(delivery: Delivery, writes: list[Write], count: int) -> int:
    """The index behind the event of this number, 1 being the first. Raises NotPossible without it."""
    return the_event(delivery, writes, count) + 1


def the_event(delivery: Delivery, writes: list[Write], number: int) -> int:
    """The index of an event: 1 is the first, -1 the last. Raises NotPossible where there is none."""
    found = events(delivery, writes)
    place = number - 1 if number > 0 else number
    if not -len(found) <= place < len(found):
        raise NotPossible(f"the stream has {len(found)} events, not {abs(number)}")
    return found[place]


def at_byte(writes: list[Write], place: int) -> tuple[list[Write], list[Write]]:
    """Writes before and after a byte of the body; one that it falls into is divided."""
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


def at_second(writes: list[Write], place: float) -> tuple[list[Write], list[Write]]:
    """Writes that left by a time and those still to leave; an empty one lets what is left of it pass."""
    passed = 0.0
    for index, write in enumerate(writes):
        if passed + write.pause > place:
            left = place - passed
            return [*writes[:index], Write(b"", left)], [
                Write(write.data, write.pause - left),
                *writes[index + 1 :],
            ]
        passed += write.pause
    return [*writes, Write(b"", place - passed)], []


def each(delivery: Delivery, change: Callable[[bytes], bytes]) -> Iterator[Write]:
    """The writes with their bytes changed."""
    return (Write(change(write.data), write.pause) for write in delivery.writes)


def with_body(delivery: Delivery, writes: list[Write]) -> Delivery:
    """The delivery with these writes, and with their length where it tells one."""
    length = None if delivery.length is None else sum(len(write.data) for write in writes)
    return delivery.but(writes=tuple(writes), length=length)
