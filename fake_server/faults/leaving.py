"""Faults in how the bytes leave: cut, held back, slow, in other pieces."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from fake_server.faults.base import Fault, NotPossible, Placed, Positive, Seconds, at_byte, events
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending, Write

How = Literal["fin", "rst"]
_ENDINGS = {"fin": Ending.CUT, "rst": Ending.RESET}


class _Leaving(Fault):
    last: ClassVar[bool] = True


class _LeavingAt(Placed):
    last: ClassVar[bool] = True


class Cut(_LeavingAt):
    """The connection ends there, with FIN or RST; exactly the bytes before are delivered."""

    fault: Literal["cut"] = "cut"
    ending: How = "fin"

    def apply(self, delivery: Delivery) -> Delivery:
        before, _ = self.split(delivery)
        return delivery.but(writes=tuple(before), ending=_ENDINGS[self.ending])


class Stall(_LeavingAt):
    """Nothing comes for so many seconds, or, without `seconds`, until the client leaves.

    With `silent` not even a head comes until then.
    """

    fault: Literal["stall"] = "stall"
    seconds: Seconds | None = None
    silent: bool = False

    @model_validator(mode="after")
    def _silent_for_good(self) -> Stall:
        if self.silent and self.model_fields_set - {"fault", "silent", "probability"}:
            raise PydanticCustomError("silent", "silent goes without seconds and a place: nothing ever comes")
        return self

    def apply(self, delivery: Delivery) -> Delivery:
        if self.silent:
            return delivery.but(writes=(), silent=True, ending=Ending.TIMED_OUT)
        before, after = self.split(delivery)
        if self.seconds is None:
            return delivery.but(writes=tuple(before), ending=Ending.TIMED_OUT)
        first = after[0] if after else Write(b"")
        waiting = Write(first.data, first.pause + self.seconds)
        return delivery.but(writes=(*before, waiting, *after[1:]))


class NoLastChunk(_Leaving):
    """The whole body comes, but for the chunk that says that it ended: FIN stands there instead."""

    fault: Literal["no-last-chunk"] = "no-last-chunk"

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery.but(length=None, ending=Ending.CUT)


class Close(_Leaving):
    """The connection ends before any byte of a reply, with FIN or RST."""

    fault: Literal["close"] = "close"
    ending: How = "fin"
    instead: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery.but(writes=(), silent=True, ending=_ENDINGS[self.ending])


class SlowHead(_Leaving):
    """The head comes in pieces of so many bytes, so many seconds apart."""

    fault: Literal["slow-head"] = "slow-head"
    piece: Positive = 20
    seconds: Seconds = 0.2

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery.but(head_piece=self.piece, head_pause=self.seconds)


class Slow(_Leaving):
    """The body comes at so many bytes a second, in steps of a tenth of a second."""

    fault: Literal["slow"] = "slow"
    bytes_per_second: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1000

    def apply(self, delivery: Delivery) -> Delivery:
        size = max(self.bytes_per_second // 10, 1)
        pause = size / self.bytes_per_second
        pieces = [
            Write(write.data[start : start + size], pause + (write.pause if not start else 0.0))
            for write in delivery.writes
            for start in range(0, len(write.data), size)
        ]
        return delivery.but(writes=tuple(pieces), exact=True)


class Split(_Leaving):
    """Every write is cut into pieces of `every` bytes."""

    fault: Literal["split"] = "split"
    every: Positive = 7

    def apply(self, delivery: Delivery) -> Delivery:
        pieces = [
            Write(write.data[start : start + self.every], 0.0 if start else write.pause)
            for write in delivery.writes
            for start in range(0, len(write.data), self.every)
        ]
        return delivery.but(writes=tuple(pieces), exact=True)


class SplitUtf8(_Leaving):
    """Every character of several bytes is cut in two by a boundary of writes."""

    fault: Literal["split-utf8"] = "split-utf8"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        made: list[Write] = []
        for write in writes:
            rest = [write]
            while rest and (place := _inside(rest[0].data)) is not None:
                before, rest = at_byte(rest, place)
                made += before
            made += rest
        if len(made) == len(writes):
            raise NotPossible("the reply has no character of several bytes")
        return delivery.but(writes=tuple(made), exact=True)


class Merge(_Leaving):
    """The whole body, or its first `events` only, leaves in one write, after all its pauses."""

    fault: Literal["merge"] = "merge"
    events: Positive | None = None

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        rest: list[Write] = []
        if self.events is not None:
            places = events(delivery, writes)
            if len(places) < self.events:
                raise NotPossible(f"the stream has {len(places)} events, not {self.events}")
            end = places[self.events - 1] + 1
            writes, rest = writes[:end], writes[end:]
        body, pause = b"".join(write.data for write in writes), sum(write.pause for write in writes)
        return delivery.but(writes=(Write(body, pause), *rest), exact=True)


def _inside(data: bytes) -> int | None:
    """A place inside the first character of several bytes whose beginning stands in `data`."""
    for index, byte in enumerate(data):
        if byte >= 0xC0 and index + 1 < len(data):
            return index + 1
    return None
