"""What one request may cost: steps of work, seconds of a processor, and bytes that are held for it.

Whatever a request can make large calls `spend` or `hold` before it does the work. A request begins on the event
loop, where it may take LITTLE; `RequestContext.work` begins what needs more again in a thread of the server, so
that other clients are answered meanwhile. Outside a request nothing is counted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

STEPS = 1_000_000
"""Steps of one request: each takes some microseconds, or goes through a few hundred characters."""
SECONDS = 10.0
"""Processor seconds of one piece of work: a bound on steps that are dearer than they look."""
HELD = 64 * 1024 * 1024
"""Bytes that a request may hold at once, replies that are not sent as they are made included."""
SENT = 256 * 1024 * 1024
"""Bytes of a stream, which is sent as it is made."""
LITTLE, LITTLE_SECONDS = 5_000, 0.05
"""Steps and processor seconds that one piece of work may take on the event loop."""
_BYTES = 400
"""Bytes that are one step of work."""
_LOOK = 50
"""Steps between two looks at the clock."""

Result = TypeVar("Result")


class TooMuch(Exception):
    """More than one request may cost; the message says what was too much and names the bound."""


class Heavy(BaseException):
    """More than may be done on the event loop; no handler of errors is to take it for one."""


class Budget:
    """What a request has spent. `heavy` tells that it is worked for in the thread, no longer on the event loop.

    Its members have defaults, so that making one calls nothing.
    """

    steps = held = looked = reused = 0
    began: float | None = None
    heavy = given_up = False
    results: tuple[Any, ...] = ()

    def spend(self, steps: int, of: str) -> None:
        """Spend steps on something. Raises TooMuch, or on the event loop Heavy."""
        self.steps += steps
        if self.steps > STEPS or self.given_up:
            raise TooMuch(f"{of} would take more than {STEPS:,} steps of work")
        if self.steps - self.looked < _LOOK:
            return
        if not self.heavy and self.steps > LITTLE:
            raise Heavy
        self.looked, now = self.steps, time.thread_time()
        if self.began is None:
            self.began = now
        if not self.heavy and now - self.began > LITTLE_SECONDS:
            raise Heavy
        if now - self.began > SECONDS:
            raise TooMuch(f"{of} would take more than {SECONDS:g} seconds of work")

    def hold(self, size: int, of: str) -> None:
        """Note that so many bytes are about to be held. Raises TooMuch."""
        self.held += size
        if self.held > HELD:
            raise TooMuch(f"{of} would take more than {HELD // 1024**2} MiB at once")

    def move(self, steps: int, held: int, reused: int) -> None:
        """Go on in the thread, from where these were spent: the work after that is begun again."""
        self.heavy, self.steps, self.held, self.reused = True, steps, held, reused

    def run(self, function: Callable[..., Result], *given: Any) -> Result:
        """Call a function in the thread."""
        self.began, self.looked = None, self.steps
        token = CURRENT.set(self)
        try:
            return function(*given)
        finally:
            CURRENT.reset(token)

    def once(self, make: Callable[[], Result]) -> Result:
        """What `make` gives, which is called once although the work may be begun again."""
        if self.reused == len(self.results):
            self.results = (*self.results, make())
        self.reused += 1
        result: Result = self.results[self.reused - 1]
        return result


CURRENT: ContextVar[Budget | None] = ContextVar("CURRENT", default=None)
"""The budget of the request that this thread works for."""


def spend(steps: int, of: str) -> None:
    """Spend steps of the current request on something. Raises TooMuch, Heavy."""
    if (budget := CURRENT.get()) is not None:
        budget.spend(steps, of)


def spend_bytes(size: int, of: str) -> None:
    """Spend the steps of going through so many bytes of what is kept. Raises TooMuch, Heavy."""
    spend(1 + size // _BYTES, of)


def hold(size: int, of: str) -> None:
    """Note that so many bytes are about to be held for the current request. Raises TooMuch."""
    if (budget := CURRENT.get()) is not None:
        budget.hold(size, of)


def check_room(size: int, of: str) -> None:
    """Raises TooMuch if the current request may not hold so many more bytes."""
    if (budget := CURRENT.get()) is not None and budget.held + size > HELD:
        budget.hold(size, of)


def once(make: Callable[[], Result]) -> Result:
    """What `make` gives: something that must not happen twice for the current request."""
    budget = CURRENT.get()
    return make() if budget is None else budget.once(make)


def check_sent(size: int, of: str) -> None:
    """Raises TooMuch for a stream that would be larger than SENT bytes."""
    if size > SENT:
        raise TooMuch(f"{of} would make a stream of more than {SENT // 1024**2} MiB")
