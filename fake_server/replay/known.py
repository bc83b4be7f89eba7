"""Answers what recordings answer, for a recorder that asks its target only what is not known yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from fake_server.connection import Connection
from fake_server.replay.clock import Pace
from fake_server.replay.ignoring import Part
from fake_server.replay.matching import Match, RecordingMatcher
from fake_server.replay.playback import play
from fake_server.wire import fixture
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, in_turn


class KnownReplies:
    """The recordings of a folder, as they are now: `answer` is the option of that name of a Relay or Recorder.

    `paths` are its files, `answering` those that can answer: not a recording that did not keep its request, or
    whose target could not be reached. They answer in turn. `on_answer` is called with the file of each recording
    that answers. `match`, `ignore` and `speed` are those of a replay. Raises
    FixtureError for a fixture that cannot be read, ValueError for what cannot be ignored.
    """

    def __init__(
        self,
        folder: Path,
        *,
        match: Match | str = Match.BODY,
        ignore: Part | Iterable[Part] = (),
        speed: float = 1.0,
        on_answer: Callable[[Path, Exchange], None] | None = None,
    ) -> None:
        loaded = [(path, fixture.load(path).exchange) for path in fixture.find(folder)]
        known = in_turn(exchange for _, exchange in loaded if _answers(exchange))
        self.paths = [path for path, _ in loaded]
        self.answering = [path for path, exchange in loaded if _answers(exchange)]
        self.answered = 0
        self._paths = {id(exchange): path for path, exchange in loaded}
        self._used: set[Path] = set()
        self._matcher = RecordingMatcher(known, match=match, ignore=ignore)
        self._pace = Pace(speed)
        self._on_answer = on_answer

    @property
    def unused(self) -> list[Path]:
        """The files of the recordings that have answered no request."""
        return [path for path in self.paths if path not in self._used]

    async def answer(self, client: Connection, request: Request) -> bool | None:
        """Answer a request that is known; returns whether the connection stays open, None if it is not known."""
        exchange = await asyncio.to_thread(self._matcher.find, request)
        if exchange is None:
            return None
        path = self._paths[id(exchange)]
        self.answered += 1
        self._used.add(path)
        if self._on_answer:
            self._on_answer(path, exchange)
        return await play(client, exchange, request, self._pace, Bounds())


def _answers(exchange: Exchange) -> bool:
    return exchange.knows(Aspect.REQUEST) and exchange.ending is not Ending.UNREACHABLE
