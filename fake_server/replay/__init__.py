"""Replays recordings: over a socket for any client, or in the process for httpx and httpx2 clients.

Names are imported when first used: ReplayTransport and `mocked` need the extra `replay`; without it they
raise ModuleNotFoundError, which says what to install.
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
_REPLAY_EXTRA = ("httpcore", "httpcore2", "httpx", "httpx2", "respx")
"""What the extra `replay` brings; the transport needs httpx2, `mocked` needs respx and httpx."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        try:
            return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        except ModuleNotFoundError as error:
            if error.name not in _REPLAY_EXTRA:
                raise
            what = f"{name} needs the extra replay: pip install 'openai-contract-kit[replay]'"
            raise ModuleNotFoundError(what, name=error.name) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
