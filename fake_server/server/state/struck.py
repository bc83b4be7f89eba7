"""What faults made of a reply, so that a copy of it can be made to break in the same way."""

from __future__ import annotations

from dataclasses import dataclass

from fake_server.faults import Fault
from fake_server.wire.delivery import Delivery

_EACH = 1024
"""Bytes that a fault, or the head of a reply, takes in memory, a little more than measured."""


@dataclass(frozen=True)
class Struck:
    """The faults that struck, in their order, and the reply as it was to leave, without its writes."""

    faults: tuple[Fault, ...]
    reply: Delivery

    @property
    def size(self) -> int:
        """Bytes held."""
        return _EACH * (len(self.faults) + 1)
