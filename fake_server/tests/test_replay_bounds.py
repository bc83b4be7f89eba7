"""What a replay and a recorder hold is bounded: misses, uploads, recordings, what clients never read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fake_server import connection
from fake_server.connection import PIECE, Connection
from fake_server.relay import recorder
from fake_server.relay.recorder import Outcome, Recorder
from fake_server.relay.saving import SaveError
from fake_server.replay import playback, sources
from fake_server.replay.matching import MOST_MISSES, RecordingMatcher
from fake_server.replay.playback import Playback
from fake_server.replay.sources import load_exchanges
from fake_server.tests.hostile import fixed, target
from fake_server.tests.raw_client import until
from fake_server.tests.strategies import POST
from fake_server.tests.wire_client import OK, ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Exchange, Framing, Request, Write
from fake_server.wire.fixture import Fixture, FixtureError, find, save

pytestmark = pytest.mark.security("memory")
LARGE = 8 * 1024 * 1024
"""Bytes of a reply that the system's own buffers do not take."""


def reply(size: int, framing: Framing = Framing.LENGTH) -> Exchange:
    field = ("Content-Length", str(size)) if framing is Framing.LENGTH else ("Transfer-Encoding", "chunked")
    return Exchange(POST, 200, (field,), (Write(b"x" * size),), framing=framing)


def test_misses_are_bounded_and_counted() -> None:
    matcher = RecordingMatcher([])
    misses = matcher.misses
    for number in range(MOST_MISSES + 50):
        matcher.answer(Request("GET", f"/v1/{number}"))
    assert (len(misses), matcher.missed) == (MOST_MISSES, MOST_MISSES + 50)
    assert f"/v1/{MOST_MISSES + 49}" in misses[-1]
    matcher.reset()
    assert (misses, matcher.missed) == ([], 0)


@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CHUNKED])
def test_a_client_that_never_reads_is_handed_little_and_left(framing: Framing) -> None:
    async def work() -> None:
        clients: list[Connection] = []

        class Watched(Playback):
            async def serve_connection(self, client: Connection) -> None:
                clients.append(client)
                await super().serve_connection(client)

        exchange = reply(LARGE, framing)
        async with Watched([exchange], match="any", bounds=Bounds(idle=1.0)) as served:
            links = [await asyncio.open_connection("127.0.0.1", served.port, limit=1000) for _ in range(5)]
            for reader, writer in links:
                assert isinstance(writer.transport, asyncio.Transport)
                writer.transport.pause_reading()
                writer.write(post(b"{}"))
                assert not reader.at_eof()
            await until(lambda: len(clients) == 5 and all(client.blocked for client in clients))
            sizes = [client._transport.get_write_buffer_size() for client in clients if client._transport]
            assert max(sizes) < 3 * PIECE
            got = await ask(served.port, post(b"{}"), 30)
            assert len(got.data) > LARGE
            await until(lambda: all(client.lost for client in clients))
            for _, writer in links:
                writer.transport.abort()

    run(work())


def test_uploads_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "MOST_IN_FLIGHT", 1_000_000)

    async def work() -> None:
        async with Playback([reply(2)], match="any") as served:
            links = []
            for _ in range(3):
                _, writer = await asyncio.open_connection("127.0.0.1", served.port)
                writer.write(post(b"x" * 600_000)[:-100_000])
                links.append(writer)
            await until(lambda: sum(served._held.values()) > 900_000)
            assert (await ask(served.port, post(b"{}"))).body == b"xx"
            refused = await ask(served.port, post(b"x" * 600_000))
            assert b" 503 " in refused.head.splitlines()[0]
            assert b'"code": "overloaded"' in refused.body
            for writer in links:
                writer.transport.abort()
            await until(lambda: not served._held)
            assert (await ask(served.port, post(b"x" * 600_000))).body == b"xx"

    run(work())


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize("begun", [b"", b"GET /v1/models HTTP/1.1\r\n"], ids=["silent", "half a head"])
def test_connections_that_wait_are_bounded_and_end(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_WAITING", 10)
    monkeypatch.setattr(playback, "IDLE_SECONDS", 0.5)

    async def work() -> None:
        async with Playback([reply(2)], match="any", bounds=Bounds(idle=0.5)) as served:
            links = []
            for _ in range(30):
                _, writer = await asyncio.open_connection("127.0.0.1", served.port)
                writer.write(begun)
                links.append(writer)
            await until(lambda: served.dropped >= 20)
            assert len(served._waiting) <= 10
            assert (await ask(served.port, post(b"{}"))).body == b"xx"
            await until(lambda: not served._tasks)
            for writer in links:
                writer.transport.abort()

    run(work())


def test_recordings_too_large_together_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_BYTES", 2500)
    for name in ("a", "b", "c"):
        save(Fixture(reply(1000)), tmp_path / f"{name}.yaml")
    assert len(load_exchanges([tmp_path / "a.yaml", tmp_path / "b.yaml"])) == 2
    with pytest.raises(FixtureError, match=r"c\.yaml: with it the recordings have more than .*: replay fewer at once"):
        load_exchanges(tmp_path)


def test_a_recorder_makes_so_many_recordings_and_passes_on_the_rest(tmp_path: Path) -> None:
    async def work() -> None:
        outcomes: list[Outcome] = []
        async with (
            target(fixed(OK)) as url,
            Recorder(url, tmp_path, most=3, on_saved=lambda _, outcome: outcomes.append(outcome)) as recording,
        ):
            port = int(recording.base_url.rpartition(":")[2].partition("/")[0])
            for _ in range(5):
                assert (await ask(port, post(b"{}"))).body == b"{}"
            await recording.wait_until_idle()
        refused = [str(outcome) for outcome in outcomes if isinstance(outcome, SaveError)]
        assert refused == ["not recorded: 3 recordings were made since the start, which is the most"] * 2

    run(work())
    assert len(find(tmp_path)) == 3


def test_replies_that_wait_to_be_saved_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_UNSAVED", 5000)
    outcomes: list[Outcome] = []
    recording = Recorder("http://127.0.0.1:9/v1", tmp_path, on_saved=lambda _, outcome: outcomes.append(outcome))
    for _ in range(5):
        recording._enqueue(reply(2000))
    assert [str(outcome) for outcome in outcomes] == ["not recorded: replies come faster than they can be saved"] * 3
    assert recording._unsaved_bytes <= 5000
