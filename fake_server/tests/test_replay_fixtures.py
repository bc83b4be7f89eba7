"""Every committed fixture is replayed as it was, and in process as a real client sees it on a socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from fake_server.replay import ReplayServer, ReplayTransport
from fake_server.replay.playback import Playback
from fake_server.tests.replays import Seen, async_client, captured, sync_client
from fake_server.wire import fixture
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending, Exchange, Framing
from fake_server.wire.proof import differences

FIXTURES = Path(__file__).parents[2] / "fixtures"
FOLDERS = ("conforming", "broken", "bugs", "recordings")
OUR_BOUNDS = (Ending.TIMED_OUT, Ending.OVERSIZED)
"""Replies that had no end of their own; played, they stop where the recording does."""
BRIEF = Bounds(exchange=0.05)
"""A reply that timed out is silent only so long."""


def recordings(folder: str) -> list[Exchange]:
    return [fixture.load(path).exchange for path in fixture.find(FIXTURES / folder)]


def body(seen: Seen) -> tuple[object, ...]:
    """What does not depend on how the kernel joins writes, and the kind of the error."""
    return seen.status, seen.reason, seen.version, seen.headers, seen.body, seen.error.partition(":")[0]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_raw_socket_gets_each_fixture_as_it_was(folder: str) -> None:
    shelf = recordings(folder)

    async def main() -> None:
        async with Playback(shelf, speed=0, match="any", bounds=BRIEF) as playback:
            for exchange in shelf:
                again = await captured(playback.port, exchange.request)
                wanted = Ending.CUT if exchange.ending in OUR_BOUNDS else exchange.ending
                assert (again.status, again.payload) == (exchange.status, exchange.payload), exchange.label
                assert exchange.ending is Ending.UNKNOWN or again.ending is wanted, exchange.label
                if exchange.framing is Framing.CHUNKED:
                    sizes = [len(write.data) for write in exchange.writes]
                    assert [len(write.data) for write in again.writes] == sizes, exchange.label

    assert [recording.label for recording in shelf if differences(recording)] == []
    asyncio.run(main())


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_transport_shows_each_fixture_as_a_socket_does(folder: str) -> None:
    shelf = [recording for recording in recordings(folder) if recording.ending is not Ending.TIMED_OUT]
    replaying = ReplayTransport(shelf, speed=0, match="any")
    with (
        ReplayServer(shelf, speed=0, match="any") as server,
        httpx2.Client(trust_env=False, verify=False) as real,
        httpx2.Client(transport=replaying) as ours,
    ):
        for exchange in shelf:
            on_a_socket = sync_client(real, exchange.request, server.url)
            seen = sync_client(ours, exchange.request)
            assert body(seen) == body(on_a_socket), exchange.label
            if exchange.ending is not Ending.RESET:
                assert seen.error == on_a_socket.error, exchange.label
            if not seen.error:
                assert seen.pieces == tuple(write.data for write in exchange.writes if write.data)
    assert not replaying.unplayed
    assert not replaying.misses


def test_the_async_transport_shows_the_same() -> None:
    shelf = recordings("broken")
    sync, other = (ReplayTransport(shelf, speed=0, match="any") for _ in range(2))

    async def main() -> list[Seen]:
        async with httpx2.AsyncClient(transport=other) as client:
            return [await async_client(client, exchange.request) for exchange in shelf]

    with httpx2.Client(transport=sync) as client:
        assert [sync_client(client, exchange.request) for exchange in shelf] == asyncio.run(main())
