"""Playback for tests: a server on a thread and a port of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Self

from fake_server.replay.clock import Clock
from fake_server.replay.ignoring import Part
from fake_server.replay.matching import Match
from fake_server.replay.playback import Playback
from fake_server.replay.sources import Recording
from fake_server.wire.exchange import Exchange

_PATIENCE = 10.0
"""Seconds that starting and stopping may take."""


class ReplayServer:
    """Serves recordings byte for byte while entered: `with ReplayServer("fixtures/bugs/cut.yaml") as server`.

    `recordings` are fixture files, folders of them, fixtures or exchanges. `match` is exact, body, order or
    any (see Match); `ignore` names parts of requests that do not count: members (`messages[0].content`,
    `messages[*].id`), `iso-time`, `uuid`, or regular expressions. `speed` divides the recorded pauses, 0
    skips them. A request that nothing matches gets a reply with `miss_status` and code no_fixture_match that
    names the nearest recording. `allow_hosts` are names beyond localhost by which clients call it, such as
    host.docker.internal; `*` is any.
    `inspector` False serves no page at /__fake__/. Also works as an async context manager. Raises FixtureError for
    recordings that cannot be read, ValueError for what cannot be ignored and for what is no name, OSError for a
    port in use.
    """

    def __init__(
        self,
        recordings: Recording | Iterable[Recording],
        *,
        match: Match | str = Match.BODY,
        speed: float = 1.0,
        miss_status: int = 404,
        ignore: Part | Iterable[Part] = (),
        port: int = 0,
        clock: Clock | None = None,
        allow_hosts: Iterable[str] = (),
        inspector: bool = True,
    ) -> None:
        self._playback = Playback(
            recordings,
            match=match,
            speed=speed,
            miss_status=miss_status,
            ignore=ignore,
            port=port,
            clock=clock,
            allow_hosts=allow_hosts,
            inspector=inspector,
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without `/v1`. Raises RuntimeError if the server is not running."""
        return self.base_url.removesuffix("/v1")

    @property
    def base_url(self) -> str:
        """The URL with `/v1`, as the SDKs expect it. Raises RuntimeError if the server is not running."""
        if self._thread is None:
            raise RuntimeError("the replay server is not running: enter it with `with` or call start()")
        return self._playback.base_url

    @property
    def misses(self) -> list[str]:
        """The messages sent for requests that nothing matched, oldest first."""
        return list(self._playback.misses)

    @property
    def unplayed(self) -> list[Exchange]:
        """The recordings that have answered no request."""
        return self._playback.unplayed

    def reset(self) -> None:
        """Forget the misses and which recordings were played."""
        self._playback.reset()

    def start(self) -> Self:
        """Start serving on a thread; returns once connections are accepted."""
        if self._thread is not None:
            raise RuntimeError("the replay server is already running")
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(ready),), name="replay-server", daemon=True
        )
        self._thread.start()
        try:
            ready.result(_PATIENCE)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop serving; replies in progress are cut off. Safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._leave is not None:
            self._loop.call_soon_threadsafe(self._leave.set)
        thread.join(_PATIENCE)

    async def _serve(self, ready: Future[None]) -> None:
        leave = asyncio.Event()
        try:
            async with self._playback:
                self._loop, self._leave = asyncio.get_running_loop(), leave
                ready.set_result(None)
                await leave.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            self._loop = self._leave = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)
