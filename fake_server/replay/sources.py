"""What can be replayed: fixture files, folders of them, fixtures and exchanges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from fake_server.replay.matching import RecordingMatcher
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request
from fake_server.wire.fixture import Fixture, FixtureError


@runtime_checkable
class Answers(Protocol):
    """What answers requests with exchanges: a shelf of recordings, or a fake in process."""

    def answer(self, request: Request) -> Exchange: ...


Recording = str | Path | Exchange | Fixture
"""A fixture file, a folder of them, or what was read from one."""


def answers_from(recordings: Recording | Iterable[Recording] | Answers, **options: Any) -> Answers:
    """What answers by itself, or a shelf of recordings with the options of Shelf. Raises FixtureError."""
    return (
        recordings
        if isinstance(recordings, Answers)
        else RecordingMatcher(load_exchanges(recordings), **options)
    )


def load_exchanges(recordings: Recording | Iterable[Recording]) -> list[Exchange]:
    """The exchanges of recordings in the order given, a folder's by name; a file named twice counts once.

    Raises FixtureError for a path that is not there, holds no fixture, or cannot be read.
    """
    given = [recordings] if isinstance(recordings, Recording) else recordings
    found: list[Exchange] = []
    seen: set[Path] = set()
    for one in given:
        if isinstance(one, Exchange):
            found.append(one)
        elif isinstance(one, Fixture):
            found.append(one.exchange)
        else:
            for head in _heads(Path(one)):
                if head.resolve() not in seen:
                    seen.add(head.resolve())
                    found.append(fixture.load(head).exchange)
    return found


def _heads(path: Path) -> list[Path]:
    if not path.exists():
        raise FixtureError(f"there is no recording {path}")
    heads = fixture.find(path)
    if not heads:
        raise FixtureError(f"no recording was found in {path}: it holds no fixture file (*.yaml)")
    return heads
