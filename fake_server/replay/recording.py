"""Replay what is known and record the rest: what `fake-server --replay DIR --record-from URL` serves."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fake_server.relay.recorder import Outcome, Recorder
from fake_server.relay.saving import SaveError
from fake_server.replay.ignoring import Part
from fake_server.replay.known import KnownReplies
from fake_server.replay.matching import Match
from fake_server.wire.exchange import Exchange

MOST_RECORDED = 10_000
"""Recordings that one start makes: an app that asks ever anew must not fill the disk."""


async def serve_and_record(
    folder: Path,
    target: str,
    *,
    port: int = 1337,
    match: Match | str = Match.BODY,
    ignore: Part | Iterable[Part] = (),
    speed: float = 1.0,
    secrets: Iterable[str] = (),
    ready: Callable[[str, int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
    allow_hosts: Iterable[str] = (),
    allow_origins: Iterable[str] = (),
) -> None:
    """Serve the recordings of `folder` until cancelled or ended; pass on other requests to `target`, and save them.

    A request goes to the target as it came, with the client's own key, which no recording holds. Its reply is saved
    if it came whole; where the target cannot be reached, the client gets status 502 with OpenAI's error object, and
    nothing is saved. `ready` is given the base URL and the number of recordings, `say` a line about each request that
    was passed on. `allow_hosts` and `allow_origins` are those of a Relay. Raises FixtureError for recordings that
    cannot be read, ValueError for what cannot be ignored, for a target that cannot be used and for what is no name or
    origin, OSError for a folder that cannot be made or a port in use.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    known = KnownReplies(folder, match=match, ignore=ignore, speed=speed)

    def saved(exchange: Exchange, outcome: Outcome) -> None:
        asked = f"{exchange.request.method} {exchange.request.path}"
        if isinstance(outcome, SaveError):
            say(f"{asked}: {outcome}")
        else:
            say(f"{asked}: status {exchange.status}, recorded in {outcome.path.name}")

    stop = asyncio.Event()
    recorder = Recorder(
        target,
        folder,
        secrets=secrets,
        on_saved=saved,
        whole_only=True,
        most=MOST_RECORDED,
        answer=known.answer,
        reserved=known.paths,
        port=port,
        allow_hosts=allow_hosts,
        allow_origins=allow_origins,
    )
    with _calling(stop.set):
        async with recorder:
            if ready:
                ready(recorder.base_url, len(known.answering))
            await stop.wait()


@contextlib.contextmanager
def _calling(end: Callable[[], object]) -> Iterator[None]:
    """SIGTERM and SIGHUP call `end` inside. A loop that ends closes what they write to before it lets them go."""
    loop, numbers = asyncio.get_running_loop(), []
    with contextlib.suppress(NotImplementedError):  # Windows
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, end)
                numbers.append(number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
