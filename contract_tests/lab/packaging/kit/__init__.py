"""A fake OpenAI server for tests, and a contract suite that judges servers which speak OpenAI.

    from openai_contract_kit import FakeServer, ReplayServer, ReplayTransport, mocked

The names are imported when first used: a pytest plugin is imported in every run of pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["FakeServer", "ReplayServer", "ReplayTransport", "VirtualClock", "mocked"]

if TYPE_CHECKING:
    from fake_server import FakeServer, ReplayServer
    from fake_server.replay import ReplayTransport, VirtualClock, mocked

    __version__: str
else:  # a type checker that saw this function would take any name

    def __getattr__(name):
        from importlib import import_module
        from importlib.metadata import version

        if name == "__version__":
            return version("openai-contract-kit")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = f"{__name__}.fake_server" + ("" if name == "FakeServer" else ".replay")
        return getattr(import_module(home), name)
