"""Faults between requests: answers change hands, callers are waited for, pages are locked out."""

from __future__ import annotations

import time
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import Fault, Seconds
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

ErrorStatus = Annotated[int, Field(ge=400, le=599)]


class _Between(Fault):
    """What is not done to a reply: who answers asks for it."""

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery


class CrossTalk(_Between):
    """A caller gets the answer to the words of another one who asks within `wait` seconds."""

    fault: Literal["cross-talk"] = "cross-talk"
    wait: Seconds = 0.05


class OneSlot(_Between):
    """Replies are made one after the other, `each` seconds a write, to the end even where the caller left."""

    fault: Literal["one-slot"] = "one-slot"
    each: Seconds = 0.02


class Preflight(_Between):
    """What a browser asks before it sends a page's request (OPTIONS) is refused with `status`."""

    fault: Literal["preflight"] = "preflight"
    status: ErrorStatus = 405
    pages: ClassVar[bool] = True


class NoCors(_Between):
    """Replies of `status`, or of any, do not say that pages of other origins may read them."""

    fault: Literal["no-cors"] = "no-cors"
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    pages: ClassVar[bool] = True


class Slot:
    """The one place where replies are made."""

    def __init__(self) -> None:
        self._free = 0.0

    def turn(self, delivery: Delivery, fault: OneSlot) -> Delivery:
        """The delivery when its turn has come; it keeps the place for as long as it takes."""
        now = time.monotonic()
        begins = max(now, self._free)
        writes = [Write(write.data, write.pause + fault.each) for write in delivery.writes]
        self._free = begins + sum(write.pause for write in writes)
        if writes:
            writes[0] = Write(writes[0].data, writes[0].pause + begins - now)
        return delivery.but(writes=tuple(writes))
