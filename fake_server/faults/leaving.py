"""Faults in how the bytes are sent: cut, delayed, slow, or in other pieces."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from fake_server.faults.base import WRITE, Fault, NotPossible, Placed, Positive, Seconds, event_indexes
from fake_server.wire.budget import check_room
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending, Write

How = Literal["fin", "rst"]
_FIRST_OF_CHARACTER = re.compile(rb"[\xc0-\xff]")
"""The first byte of a character that has several in UTF-8."""
_ENDINGS = {"fin": Ending.CUT, "rst": Ending.RESET}


class _Leaving(Fault):
    applied_last: ClassVar[int] = 1


class _LeavingAt(Placed):
    applied_last: ClassVar[int] = 1


class Cut(_LeavingAt):
    """The connection ends at that place, with FIN or RST (`ending`); exactly the bytes before it arrive."""

    fault: Literal["cut"] = "cut"
    ending: How = "fin"

    def apply(self, delivery: Delivery) -> Delivery:
        before, _ = self.split(delivery, list(delivery.writes))
        return delivery.but(writes=tuple(before), ending=_ENDINGS[self.ending])


class Stall(_LeavingAt):
    """Nothing more is sent for `seconds`; if omitted, until the client disconnects.

    With `silent`, nothing is ever sent, not even the head.
    """

    fault: Literal["stall"] = "stall"
    seconds: Seconds | None = None
    silent: bool = False

    @model_validator(mode="after")
    def _check_silent(self) -> Stall:
        if self.silent and self.model_fields_set - {"fault", "silent", "probability"}:
            raise PydanticCustomError("silent", "silent takes neither seconds nor a place: nothing is ever sent")
        return self

    def apply(self, delivery: Delivery) -> Delivery:
        if self.silent:
            return delivery.but(writes=(), silent=True, ending=Ending.TIMED_OUT)
        before, after = self.split(delivery, list(delivery.writes))
        if self.seconds is None:
            return delivery.but(writes=tuple(before), ending=Ending.TIMED_OUT)
        first = after[0] if after else Write(b"")
        waiting = Write(first.data, first.pause + self.seconds)
        return delivery.but(writes=(*before, waiting, *after[1:]))


class NoLastChunk(_Leaving):
    """The whole body is sent, except for the last chunk, which says that it is complete; FIN follows."""

    fault: Literal["no-last-chunk"] = "no-last-chunk"

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery.but(length=None, ending=Ending.CUT)


class Close(_Leaving):
    """The connection ends before any byte of the reply, with FIN or RST (`ending`)."""

    fault: Literal["close"] = "close"
    ending: How = "fin"
    replaces_reply: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery.but(writes=(), silent=True, ending=_ENDINGS[self.ending])


class SlowHead(_Leaving):
    """The head is sent in pieces of `piece` bytes, `seconds` apart."""

    fault: Literal["slow-head"] = "slow-head"
    piece: Positive = 20
    seconds: Seconds = 0.2

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery.but(head_piece=self.piece, head_pause=self.seconds)


class Slow(_Leaving):
    """The body is sent at `bytes_per_second`, in steps of a tenth of a second."""

    fault: Literal["slow"] = "slow"
    bytes_per_second: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1000

    def apply(self, delivery: Delivery) -> Delivery:
        size = max(self.bytes_per_second // 10, 1)
        return _in_pieces(delivery, size, size / self.bytes_per_second)


class Split(_Leaving):
    """Each piece that the server sends is split into pieces of `every` bytes."""

    fault: Literal["split"] = "split"
    every: Positive = 7

    def apply(self, delivery: Delivery) -> Delivery:
        return _in_pieces(delivery, self.every)


class SplitUtf8(_Leaving):
    """Every multi-byte character is split between two writes."""

    fault: Literal["split-utf8"] = "split-utf8"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        pieces: list[Write] = []
        for write in writes:
            inside = [first.end() for first in _FIRST_OF_CHARACTER.finditer(write.data)]
            check_room(len(inside) * WRITE, "its reply, of which every character is split,")
            cuts = [0, *(place for place in inside if place < len(write.data)), len(write.data)]
            pieces += [Write(write.data[start:end], 0.0 if start else write.pause) for start, end in pairwise(cuts)]
        if len(pieces) == len(writes):
            raise NotPossible("the reply has no multi-byte character")
        return delivery.but(writes=tuple(pieces), exact=True)


class Merge(_Leaving):
    """The whole body is sent in one write, when its last event is due; with `events`, only that many of the
    first events.
    """

    fault: Literal["merge"] = "merge"
    events: Positive | None = None

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        rest: list[Write] = []
        if self.events is not None:
            places = event_indexes(delivery, writes)
            if len(places) < self.events:
                raise NotPossible(f"the stream has {len(places)} events, not {self.events}")
            end = places[self.events - 1] + 1
            writes, rest = writes[:end], writes[end:]
        body, pause = b"".join(write.data for write in writes), sum(write.pause for write in writes)
        return delivery.but(writes=(Write(body, pause), *rest), exact=True)


def _in_pieces(delivery: Delivery, size: int, pause: float = 0.0) -> Delivery:
    """Split every write into pieces of at most `size` bytes, each `pause` seconds later than it would be."""
    count = sum(-(-len(write.data) // size) for write in delivery.writes)
    check_room(count * WRITE, f"its reply in pieces of {size} bytes")
    pieces = [
        Write(write.data[start : start + size], pause + (0.0 if start else write.pause))
        for write in delivery.writes
        for start in range(0, len(write.data), size)
    ]
    return delivery.but(writes=tuple(pieces), exact=True)
