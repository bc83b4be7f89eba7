"""Clients in all their habits: streamed requests, early leaving, other hosts, no httpx2 at all."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest
import respx

from fake_server.replay import ReplayServer, ReplayTransport, VirtualClock, mocked
from fake_server.tests.replays import INVALID
from fake_server.wire import fixture
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.fixture import FixtureError

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}


def event(text: str) -> bytes:
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


WRITES = (Write(event("Hel"), 0.5), Write(event("lo"), 1.0), Write(b"data: [DONE]\n\n"))
STREAM = Exchange(
    Request("POST", "/v1/chat/completions", (), json.dumps(ASK).encode()),
    200,
    (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")),
    WRITES,
    framing=Framing.CHUNKED,
    label="stream",
)
WORDS = ["Hel", "lo"]


OLD: Any = httpx.Client
OLD_ASYNC: Any = httpx.AsyncClient
"""The SDK takes clients of httpx too, though its types do not say so."""


def said(client: openai.OpenAI) -> list[str | None]:
    with client, client.chat.completions.create(**ASK) as stream:
        return [chunk.choices[0].delta.content for chunk in stream]


async def asaid(client: openai.AsyncOpenAI) -> list[str | None]:
    async with client:
        stream = await client.chat.completions.create(**ASK)
        return [chunk.choices[0].delta.content async for chunk in stream]


def test_the_sdk_reads_a_recording_every_way() -> None:
    clock = VirtualClock()
    replaying = ReplayTransport(STREAM, clock=clock)
    assert said(openai.OpenAI(api_key="any", http_client=httpx2.Client(transport=replaying))) == WORDS
    http_client = httpx2.AsyncClient(transport=replaying)
    assert asyncio.run(asaid(openai.AsyncOpenAI(api_key="any", http_client=http_client))) == WORDS
    with mocked(STREAM, clock=clock) as replay:
        assert said(openai.OpenAI(api_key="any")) == WORDS
        assert said(openai.OpenAI(api_key="any", http_client=OLD())) == WORDS
        assert asyncio.run(asaid(openai.AsyncOpenAI(api_key="any"))) == WORDS
        client = openai.AsyncOpenAI(api_key="any", http_client=OLD_ASYNC())
        assert asyncio.run(asaid(client)) == WORDS
        assert not replay.misses
    assert clock.slept == [0.5, 1.0] * 6
    with ReplayServer(STREAM, speed=0) as server:
        direct = openai.DefaultHttpxClient(trust_env=False)
        assert said(openai.OpenAI(api_key="any", base_url=server.base_url, http_client=direct)) == WORDS
        assert not server.unplayed


def test_the_sdk_sees_a_cut_as_it_does_on_a_socket() -> None:
    cut = STREAM.but(ending=Ending.CUT, writes=WRITES[:1])
    client = openai.OpenAI(api_key="any", http_client=httpx2.Client(transport=ReplayTransport(cut, speed=0)))
    with pytest.raises(openai.APIConnectionError) as raised:
        said(client)
    assert isinstance(raised.value.__cause__, httpx2.RemoteProtocolError)
    assert "incomplete chunked read" in str(raised.value.__cause__)


def test_streamed_request_bodies_are_matched_whole() -> None:
    def pieces() -> Iterator[bytes]:
        yield STREAM.request.body[:9]
        yield STREAM.request.body[9:]

    async def apieces() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    async def main() -> None:
        async with httpx2.AsyncClient(transport=replaying) as two, httpx.AsyncClient() as one:
            for client in (two, one):
                assert (await client.post(url, content=apieces())).content == STREAM.payload

    url = f"{INVALID}/chat/completions"
    replaying = ReplayTransport(STREAM, speed=0)
    with mocked(STREAM, base_url=INVALID, speed=0) as replay:
        with httpx2.Client() as two, httpx.Client() as one:
            assert two.post(url, content=pieces()).content == STREAM.payload
            assert one.post(url, content=pieces()).content == STREAM.payload
        asyncio.run(main())
        assert not replay.misses


def test_a_client_may_leave_early_and_ask_again() -> None:
    url = f"{INVALID}/chat/completions"
    clock = VirtualClock()
    client = httpx2.Client(transport=ReplayTransport(STREAM, clock=clock))
    for _ in range(2):
        with client.stream("POST", url, content=STREAM.request.body) as response:
            assert next(response.iter_raw()) == WRITES[0].data
    assert clock.slept == [0.5, 0.5]
    client.close()
    with ReplayServer(STREAM) as server, httpx2.Client(trust_env=False) as client:
        at = f"{server.base_url}/chat/completions"
        with client.stream("POST", at, content=STREAM.request.body) as response:
            assert response.status_code == 200
        assert client.post(at, content=b"{}").status_code == 404


def test_mocked_lets_nothing_out_and_leaves_nothing_behind() -> None:
    def refused(url: str) -> None:
        with pytest.raises(AssertionError, match="not mocked"):
            httpx.get(url)
        with pytest.raises(AssertionError, match="not mocked"):
            httpx2.get(url)

    with mocked(STREAM, base_url=INVALID, speed=0):
        refused("https://other.invalid/v1/models")
        refused("http://api.example.invalid/v1/models")
        refused("https://api.example.invalid/v2/models")
        refused("https://api.example.invalid/v1x/models")
        with respx.mock(base_url="https://mine.invalid") as mine:
            mine.get("/").respond(201)
            assert httpx.get("https://mine.invalid/").status_code == 201
            assert httpx.post(f"{INVALID}/chat/completions", json=ASK).status_code == 200
    for library in (httpx, httpx2):
        with pytest.raises(library.ConnectError), library.Client(trust_env=False) as client:
            client.get("https://api.example.invalid/v1/models")


def test_mocked_stands_below_any_path_and_is_entered_again() -> None:
    async def main() -> None:
        async with replaying as replay, httpx2.AsyncClient() as client:
            assert (await client.post(url, json=ASK)).status_code == 200
            assert (await client.post(url, json={})).status_code == 404
            assert "POST /v1/chat/completions with this body" in replay.misses[0]

    url = "https://api.example.invalid/deep/v1/chat/completions"
    replaying = mocked(STREAM, base_url="https://api.example.invalid/deep/v1/", speed=0)
    asyncio.run(main())
    with replaying as replay:
        assert httpx.post(url, json=ASK).status_code == 200
        assert len(replay.misses) == 1
    with pytest.raises(TypeError, match="not callable"):
        replaying(main)  # type: ignore[operator]  # around an async function it would end too early


def test_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    for number in (2, 1):
        fixture.save(fixture.Fixture(STREAM.with_payload(b"%d" % number)), tmp_path / f"r{number}.yaml")
    replaying = ReplayTransport([tmp_path / "r2.yaml", str(tmp_path), STREAM, fixture.Fixture(STREAM)])
    assert [recording.label for recording in replaying.unplayed] == ["r2", "r1", "stream", "stream"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("openai-contract-fixture: 9\n")
    for path, says in (
        ("nope", "there is no recording"),
        ("empty", "there is no recording in"),
        ("bad.yaml", "version 9"),
    ):
        with pytest.raises(FixtureError, match=says):
            ReplayTransport(tmp_path / path)


def test_the_server_starts_again_and_says_what_is_wrong() -> None:
    server = ReplayServer(STREAM, speed=0)
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    with httpx2.Client(trust_env=False) as client:
        for _ in range(2):
            with server:
                assert client.post(f"{server.url}/chat/completions", json=ASK).content == STREAM.payload
                with pytest.raises(RuntimeError, match="already"):
                    server.start()
                with pytest.raises(OSError, match="in use"):
                    ReplayServer(STREAM, port=int(server.url.rpartition(":")[2])).start()
                client.post(f"{server.url}/chat/completions", json={})
                assert (len(server.misses), server.unplayed) == (1, [])
                server.reset()
                assert (server.misses, server.unplayed) == ([], [STREAM])
        server.stop()

    async def main() -> None:
        async with ReplayServer(STREAM, speed=0) as running, httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.post(f"{running.base_url}/chat/completions", json=ASK)).status_code == 200

    asyncio.run(main())
    with pytest.raises(ValueError, match="speed"):
        ReplayServer(STREAM, speed=-1)
    with pytest.raises(OverflowError, match="port"):
        ReplayServer(STREAM, port=70_000).start()


def test_without_httpx2_the_rest_still_works() -> None:
    code = """
import sys
sys.modules["httpx2"] = sys.modules["httpcore2"] = None
import fake_server, fake_server.cli, fake_server.replay.playback, fake_server.replay as replay
replay.ReplayServer, replay.VirtualClock
assert not {"openai", "respx", "httpx"} & set(sys.modules), sys.modules.keys()
import httpx
from fake_server.wire.exchange import Exchange, Request, Write
recording = Exchange(Request("GET", "/v1/models"), 200, (("Content-Length", "2"),), (Write(b"{}"),))
with replay.mocked(recording):
    print(httpx.get("https://api.openai.com/v1/models").text)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("{}\n", "")


@pytest.mark.parametrize("match", ["body", "exact", "order", "any"])
def test_a_client_that_tries_a_web_socket_first_goes_on_by_post(match: str) -> None:
    fields = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "x" * 24,
        "Sec-WebSocket-Version": "13",
    }
    with ReplayServer(STREAM, match=match, speed=0) as server:
        for path in ("chat/completions", "responses", "realtime?model=m"):
            refused = httpx.get(f"{server.base_url}/{path}", headers=fields)
            assert (refused.status_code, refused.headers["upgrade"]) == (426, "HTTP/1.1")
            assert refused.json()["error"]["code"] == "websocket_not_supported"
        assert not server.misses
        assert [exchange.label for exchange in server.unplayed] == ["stream"]
        assert httpx.post(f"{server.base_url}/chat/completions", json=ASK).status_code == 200


def test_a_recorded_answer_to_an_upgrade_is_played() -> None:
    fields = (("Sec-WebSocket-Key", "x" * 24),)
    gone = Exchange(Request("GET", "/v1/responses", fields), 410, (("Content-Length", "0"),), framing=Framing.LENGTH)
    with ReplayServer(gone, speed=0) as server:
        assert httpx.get(f"{server.base_url}/responses", headers=dict(fields)).status_code == 410
