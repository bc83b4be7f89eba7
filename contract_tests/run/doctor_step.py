"""One step of `contract doctor`: how it ended, what was seen and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a step ended."""

    OK = "ok"
    WARNING = "warning"  # a run works all the same
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Step:
    """One step: what was seen in how many seconds, and what to do next, '' where nothing is."""

    name: str
    state: State
    seconds: float
    seen: str
    todo: str = ""


Seen = tuple[State, str, str]
"""The state of a step, what was seen and what to do."""


def ok(seen: str) -> Seen:
    return State.OK, seen, ""


def warning(seen: str, todo: str) -> Seen:
    return State.WARNING, seen, todo


def failed(seen: str, todo: str) -> Seen:
    return State.FAILED, seen, todo
