"""A fake OpenAI server: scripted, seeded, and true to the wire.

Users write `from openai_contract_kit import FakeServer`; `ReplayServer` serves recordings instead. Both are
imported only when first used, so the modules below this package stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_server.replay import ReplayServer
    from fake_server.testing.server import FakeServer

__all__ = ["FakeServer", "ReplayServer"]


def __getattr__(name: str) -> Any:
    if name == "FakeServer":
        from fake_server.testing.server import FakeServer

        return FakeServer
    if name == "ReplayServer":
        from fake_server.replay import ReplayServer

        return ReplayServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
