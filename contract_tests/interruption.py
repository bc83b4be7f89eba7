"""What an interrupted command says; this is imported before everything else."""

from __future__ import annotations

import sys

RUNS = ("run", "baseline", "offline")
"""Commands that are interrupted with the code of a run that did not reach its target."""


def interrupted() -> tuple[str, int]:
    """What a command that is interrupted says, and its exit code."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    return ("the run was interrupted", 3) if command in RUNS else ("interrupted", 130)
