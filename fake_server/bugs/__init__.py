"""The catalogue of known bugs of OpenAI-compatible servers: each by name, with its sources, to be played.

It is read by `known` when somebody asks for a bug; what stands here costs nothing at start.
"""

from __future__ import annotations

from fake_server.faults import FaultError

HEADER = "x-fake-bug"
"""The request header that plays a bug, or several with commas between them, for one request."""


class BugError(FaultError):
    """A bug that the catalogue does not have; the message says which one is near."""
