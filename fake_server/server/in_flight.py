"""Bytes in flight, of bodies that arrive and of replies that are not read: what has no room waits, or is refused."""

from __future__ import annotations

import asyncio

from fake_server.server.state.memory import IN_FLIGHT, SMALL
from fake_server.server.state.space import Spaces
from fake_server.wire.delivery import Delivery

ROOM_SECONDS, _LOOK = 5.0, 0.05
"""Seconds that a body waits for room beside others, and between two looks."""
_WRITE = 150
"""Bytes that a write takes beside its data."""


async def hold(spaces: Spaces, size: int, *, large: bool) -> bool:
    """Count bytes of a body once there is room; False, and nothing is counted, where there is none for too long."""
    budget, waited = spaces.budget, 0.0
    while not budget.reserve(size, large=large):
        if waited >= ROOM_SECONDS:
            budget.refused[IN_FLIGHT] += 1
            return False
        await asyncio.sleep(_LOOK)
        waited += _LOOK
    spaces.make_room()
    return True


def hold_reply(spaces: Spaces, delivery: Delivery) -> int | None:
    """Count the bytes of a reply that is made already, and return them; 0 for a small one, None without room."""
    writes, budget = delivery.writes, spaces.budget
    if not isinstance(writes, tuple):
        return 0
    size = sum(len(write.data) + _WRITE for write in writes)
    if size <= SMALL + _WRITE:
        return 0
    if not budget.reserve(size, large=True):
        budget.refused[IN_FLIGHT] += 1
        return None
    spaces.make_room()
    return size
