"""How many bytes several messages may take together."""

from __future__ import annotations

import math

from fake_server.wire.head import TooLarge

SMALL = 64 * 1024
"""Bytes of a message that are kept even where there is no room."""
WRITE = 128
"""Bytes that a write or a read takes beside its own."""


class NoRoom(TooLarge):
    """Other messages take all the room."""


class Room:
    """Holds at most `most` bytes, and SMALL of each message beside them; `what` names the messages."""

    def __init__(self, most: float = math.inf, what: str = "") -> None:
        self.most, self.what, self.held = most, what, 0


class Share:
    """What one message holds of a room, until `release`."""

    def __init__(self, room: Room | None) -> None:
        self._room, self._held = room or Room(), 0

    def take(self, size: int) -> None:
        """Count `size` more bytes. Raises NoRoom."""
        room = self._room
        if self._held + size > SMALL and room.held + size > room.most:
            raise NoRoom("room", f"{room.what} take more than {room.most} bytes together")
        self.count(size)

    def count(self, size: int) -> None:
        """Count `size` bytes that are there already."""
        self._held += size
        self._room.held += size

    def release(self) -> None:
        """Count what is held no more."""
        self._room.held -= self._held
        self._held = 0
