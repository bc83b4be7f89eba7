"""A fake OpenAI server: scripted, seeded, and true to the wire.

`from fake_server import FakeServer` is the way in; it is imported only when asked for, so
`import fake_server.wire` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_server.server import FakeServer

__all__ = ["FakeServer"]


def __getattr__(name: str) -> Any:
    if name == "FakeServer":
        from fake_server.server import FakeServer

        return FakeServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
