"""Faults between requests, and those that deny what browsers need."""

from __future__ import annotations

import time
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import Fault, Seconds
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

ErrorStatus = Annotated[int, Field(ge=400, le=599)]


class CrossTalk(Fault):
    """A client gets the answer to the prompt of another client that asks within `wait` seconds."""

    fault: Literal["cross-talk"] = "cross-talk"
    wait: Seconds = 0.05


class OneSlot(Fault):
    """The server works on one reply at a time, `each` seconds for each write. A client that disconnects does not free
    it: the next reply waits until that one would have ended.
    """

    fault: Literal["one-slot"] = "one-slot"
    each: Seconds = 0.02


class Preflight(Fault):
    """The preflight request (OPTIONS) of a browser is refused with `status`."""

    fault: Literal["preflight"] = "preflight"
    status: ErrorStatus = 405
    for_browsers: ClassVar[bool] = True


class NoCors(Fault):
    """Replies lack the CORS headers that let pages of other origins read them: those with this `status`, or all."""

    fault: Literal["no-cors"] = "no-cors"
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    for_browsers: ClassVar[bool] = True


class Slot:
    """The one slot in which replies are made, one at a time."""

    def __init__(self) -> None:
        self._free = 0.0

    def turn(self, delivery: Delivery, fault: OneSlot) -> Delivery:
        """Delay the delivery until its turn; it takes the slot for as long as its writes last."""
        now = time.monotonic()
        begins = max(now, self._free)
        writes = [Write(write.data, write.pause + fault.each) for write in delivery.writes]
        self._free = begins + sum(write.pause for write in writes)
        if writes:
            writes[0] = Write(writes[0].data, writes[0].pause + begins - now)
        return delivery.but(writes=tuple(writes))
