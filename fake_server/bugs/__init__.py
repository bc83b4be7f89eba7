"""The catalogue of known bugs of OpenAI-compatible servers: each by name, with its sources, to be played.

It is read by `known` when somebody asks for a bug; what stands here costs nothing at start.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fake_server.faults import FaultError

if TYPE_CHECKING:
    from fake_server.bugs.catalogue import Bug

HEADER = "x-fake-bug"
"""The request header that plays a bug, or several with commas between them, for one request."""


class BugError(FaultError):
    """A bug that the catalogue does not have; the message says which one is near."""


def find_bugs(names: Iterable[str]) -> tuple[Bug, ...]:
    """The bugs of these ids; the catalogue is read where there is one. Raises BugError."""
    wanted = tuple(names)
    if not wanted:
        return ()
    from fake_server.bugs.catalogue import find

    return tuple(find(name) for name in wanted)
