"""Where a complaint stands in an exchange."""

from __future__ import annotations

from typing import Any

from contract_tests.rules.engine.node import Node, Place
from contract_tests.rules.engine.view import Payload
from fake_server.wire.sse import Event


def place_of(where: Any) -> Place:
    """The place that the first part of a complaint stands for."""
    match where:
        case Place():
            return where
        case Node():
            return where.place
        case Event():
            return Place(where.index, (), where.start)
        case Payload():
            return Place(where.event.index, (), where.event.start)
        case _:
            return Place()
