"""Bytes in flight, of bodies that arrive and of replies that are not read: what has no room waits, or is refused.

A reply counts where it is made, in the thread too: replies that wait for their faults, or for the event loop, are
held as those that wait for their clients are.
"""

from __future__ import annotations

import asyncio

from fake_server.api import errors
from fake_server.server.deliveries import refuse
from fake_server.server.state.memory import IN_FLIGHT, SMALL
from fake_server.server.state.space import Spaces
from fake_server.wire.delivery import Delivery

ROOM_SECONDS, _LOOK = 5.0, 0.05
"""Seconds that a body waits for room beside others, and between two looks."""
_WRITE = 150
"""Bytes that a write takes beside its data."""


class InFlight:
    """The bytes in flight of one request, until `release`; safe between threads.

    Its members have defaults, so that making one calls nothing.
    """

    size = _reply = 0
    _released = False

    async def wait_for_room(self, spaces: Spaces, size: int, *, large: bool) -> bool:
        """Count bytes of a body once there is room; False, and nothing is counted, where there is none for too long."""
        waited = 0.0
        while not self._add(spaces, size, large=large):
            if waited >= ROOM_SECONDS:
                spaces.budget.refused[IN_FLIGHT] += 1
                return False
            await asyncio.sleep(_LOOK)
            waited += _LOOK
        return True

    def hold(self, spaces: Spaces, size: int, *, large: bool = True) -> bool:
        """Count bytes that are about to be made; False, and nothing is counted, where there is no room."""
        if self._add(spaces, size, large=large):
            return True
        spaces.budget.refused[IN_FLIGHT] += 1
        return False

    def hold_part(self, spaces: Spaces, size: int) -> bool:
        """Count bytes that the reply is being made of, until `hold_reply`; False where there is no room."""
        if not self.hold(spaces, size):
            return False
        self._reply += size
        return True

    def hold_reply(self, spaces: Spaces, delivery: Delivery) -> Delivery:
        """The reply, which counts in place of what it was made from; a refusal where there is no room for it."""
        writes = delivery.writes
        if not isinstance(writes, tuple):
            return delivery
        size = sum(len(write.data) + _WRITE for write in writes)
        if size <= SMALL + _WRITE and not self._reply:
            return delivery
        if size > self._reply and not self.hold(spaces, size - self._reply):
            return refuse(errors.busy("replies that clients do not read take all the room"))
        if size < self._reply:
            spaces.budget.release(self._reply - size)
            self.size -= self._reply - size
        self._reply = size
        return delivery

    def _add(self, spaces: Spaces, size: int, *, large: bool) -> bool:
        budget = spaces.budget
        if self._released or not budget.reserve(size, large=large):
            return False
        with spaces.budget.lock:
            self.size += size
        if self._released:  # the request ended while the thread worked for it
            self.release(spaces)
        spaces.make_room()
        return True

    def release(self, spaces: Spaces) -> None:
        """Count nothing more: the request has ended."""
        self._released = True
        with spaces.budget.lock:
            size, self.size = self.size, 0
        spaces.budget.release(size)
