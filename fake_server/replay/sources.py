"""Loads what can be replayed: fixture files, folders of them, fixtures and exchanges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from fake_server.replay.matching import RecordingMatcher
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request, in_turn
from fake_server.wire.fixture import Fixture, FixtureError


@runtime_checkable
class Answers(Protocol):
    """Anything that answers requests with exchanges: a RecordingMatcher, or a fake in the same process."""

    def answer(self, request: Request) -> Exchange: ...


MOST_BYTES = 256 * 1024 * 1024
"""Bytes of bodies that recordings have together; parsed, they take a few times as much."""
Recording = str | Path | Exchange | Fixture
"""A fixture file, a folder of fixture files, a loaded fixture, or an exchange."""


def answers_from(recordings: Recording | Iterable[Recording] | Answers, **options: Any) -> Answers:
    """`recordings` itself if it answers requests, else a RecordingMatcher of them. Raises FixtureError."""
    return recordings if isinstance(recordings, Answers) else RecordingMatcher(load_exchanges(recordings), **options)


def load_exchanges(recordings: Recording | Iterable[Recording]) -> list[Exchange]:
    """The exchanges of recordings in the given order, a folder's as recorded; a file named twice counts once.

    Raises FixtureError for a path that does not exist, holds no fixture, or cannot be read, and for files whose
    bodies have more than MOST_BYTES.
    """
    exchanges: list[Exchange] = []
    loaded: set[Path] = set()
    size = 0
    for recording in [recordings] if isinstance(recordings, Recording) else recordings:
        if isinstance(recording, Exchange):
            exchanges.append(recording)
        elif isinstance(recording, Fixture):
            exchanges.append(recording.exchange)
        else:
            folder: list[Exchange] = []
            for head in _heads(Path(recording)):
                if head.resolve() not in loaded:
                    loaded.add(head.resolve())
                    folder.append(fixture.load(head).exchange)
                    size += folder[-1].size
                    if size > MOST_BYTES:
                        most = f"{MOST_BYTES // 1024**2} MiB"
                        raise FixtureError(
                            f"{head}: with it the recordings have more than {most}: replay fewer at once"
                        )
            exchanges += in_turn(folder)
    return exchanges


def _heads(path: Path) -> list[Path]:
    if not path.exists():
        raise FixtureError(f"there is no recording {path}")
    heads = fixture.find(path)
    if not heads:
        raise FixtureError(f"there is no recording in {path}: it holds no fixture file (*.yaml)")
    return heads
