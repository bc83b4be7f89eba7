"""Replays recordings: over a socket for any client, or in the process for httpx and httpx2 clients.

Names are imported on first use: `ReplayTransport` needs httpx2, `mocked` needs respx.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_server.replay.clock import VirtualClock
    from fake_server.replay.server import ReplayServer
    from fake_server.replay.through_respx import mocked
    from fake_server.replay.transport import ReplayTransport

__all__ = ["ReplayServer", "ReplayTransport", "VirtualClock", "mocked"]

_HOMES = {
    "ReplayServer": "server",
    "ReplayTransport": "transport",
    "VirtualClock": "clock",
    "mocked": "through_respx",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
