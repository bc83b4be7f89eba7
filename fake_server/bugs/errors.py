"""What is wrong with the name of a bug."""

from __future__ import annotations

from fake_server.faults import FaultError


class BugError(FaultError):
    """A bug that the catalogue does not have; the message suggests the nearest one."""
