"""Faults between requests, and those that deny what browsers need."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import Fault, Positive, Seconds
from fake_server.faults.replies import OwnReply, error_delivery, with_headers
from fake_server.wire.delivery import Delivery, fixed_length
from fake_server.wire.exchange import Write


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
    slots: ClassVar[int] = 1
    abandoned: ClassVar[bool] = True


class Slots(Fault):
    """The server works on `slots` replies at a time, which share one pace: `each` seconds for each write of one reply,
    twice as long for two. Others wait for a slot. A client that disconnects frees its slot; if `abandoned` is true, the
    server goes on until that reply would have ended. Of several such faults the one with the fewest slots counts.
    """

    fault: Literal["slots"] = "slots"
    slots: Positive = 4
    each: Seconds = 0.02
    abandoned: bool = False


class Preflight(OwnReply):
    """The preflight request (OPTIONS) of a browser is answered with `status`, without the CORS headers that it asks for
    (`headers` can have some). The body is `json` or `text`; without either it is an error in OpenAI's form, or empty
    if `status` is below 400.
    """

    fault: Literal["preflight"] = "preflight"
    status: Annotated[int, Field(ge=200, le=599)] = 405
    for_browsers: ClassVar[bool] = True

    def answer(self) -> Delivery:
        """The reply to the preflight request."""
        if self.model_fields_set & {"json_", "text"}:
            return self.own_reply()
        if self.status < 400:
            return with_headers(fixed_length(self.status, (), b""), self.headers)
        message = "Requests of other origins are not answered here."
        return error_delivery(self.status, message, "invalid_request_error", None, None, self.headers)


class NoCors(Fault):
    """Replies lack the CORS headers that let pages of other origins read them: those with this `status`, or all."""

    fault: Literal["no-cors"] = "no-cors"
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    for_browsers: ClassVar[bool] = True


class Turn:
    """A reply that is being made, or waits for a slot. `is_over` tells whether it ended or its client left, `ends`
    when an abandoned one would have ended.
    """

    def __init__(self, fault: OneSlot | Slots, is_over: Callable[[], bool]) -> None:
        self.fault, self._is_over, self.ends = fault, is_over, 0.0

    @property
    def goes_on(self) -> bool:
        return not self._is_over() or (self.fault.abandoned and time.monotonic() < self.ends)


class Queue:
    """The replies that are being made, and behind them those that wait for a slot, in the order of their requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: list[Turn] = []

    def enter(self, turn: Turn) -> None:
        """Put a reply at the end of the queue."""
        with self._lock:
            self._turns.append(turn)

    def has_slot(self, turn: Turn) -> bool:
        """Whether one of the fault's slots is this reply's."""
        with self._lock:
            self._turns = [other for other in self._turns if other is turn or other.goes_on]
            return turn in self._turns[: turn.fault.slots]

    def pace(self, turn: Turn, writes: Iterable[Write]) -> Iterator[Write]:
        """The writes of a reply that has a slot; each pause depends on how many replies are being made then."""
        plain = list(writes)
        rest = sum(write.pause for write in plain)
        for number, write in enumerate(plain):
            with self._lock:
                busy = sum(other.goes_on for other in self._turns[: turn.fault.slots])
            step = turn.fault.each * busy
            turn.ends = time.monotonic() + rest + step * (len(plain) - number)
            rest -= write.pause
            yield Write(write.data, write.pause + step)
        turn.ends = 0.0
