"""Recordings are replayed in the order in which they were made, wherever they are replayed."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest

from fake_server.relay import relay
from fake_server.relay.recorder import Recorder
from fake_server.replay import ReplayServer, ReplayTransport, mocked
from fake_server.replay.sources import load_exchanges
from fake_server.tests.hostile import read_request, send, target
from fake_server.tests.listening import Handler
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.fixture import Fixture, find, load, save

INVALID = "http://replay.invalid/v1"


def body(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


def recording(answer: str, request: bytes = b"{}", recorded: datetime | int | None = None) -> Exchange:
    request_ = Request("POST", "/v1/chat/completions", (("Content-Type", "application/json"),), request)
    headers = (("Content-Type", "text/plain"), ("Content-Length", str(len(answer))))
    return Exchange(request_, 200, headers, (Write(answer.encode()),), recorded=recorded)


def answers(client: httpx2.Client, base_url: str, requests: Sequence[bytes]) -> list[str]:
    return [client.post(f"{base_url}/chat/completions", content=request).text for request in requests]


def over_a_socket(folder: Path, requests: Sequence[bytes], match: str) -> list[str]:
    with ReplayServer(folder, speed=0, match=match) as server, httpx2.Client(trust_env=False) as client:
        return answers(client, server.base_url, requests)


def through_the_transport(folder: Path, requests: Sequence[bytes], match: str) -> list[str]:
    with httpx2.Client(transport=ReplayTransport(folder, speed=0, match=match)) as client:
        return answers(client, INVALID, requests)


def through_respx(folder: Path, requests: Sequence[bytes], match: str) -> list[str]:
    with mocked(folder, base_url=INVALID, speed=0, match=match), httpx2.Client(trust_env=False) as client:
        return answers(client, INVALID, requests)


WAYS = [over_a_socket, through_the_transport, through_respx]
Way = Callable[[Path, Sequence[bytes], str], list[str]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("match", ["order", "any"])
def test_an_agents_loop_is_answered_in_its_order(tmp_path: Path, way: Way, match: str) -> None:
    begin = datetime(2026, 11, 29, 21, 38, 14, tzinfo=UTC)
    for number, name in enumerate(["d", "b", "a", "c"]):
        at = begin + timedelta(microseconds=number)
        save(Fixture(recording(name, body(name), at)), tmp_path / f"{name}.yaml")
    assert way(tmp_path, [body("?")] * 5, match) == ["d", "b", "a", "c", "d"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dated", [True, False])
def test_the_tenth_repeat_follows_the_ninth(tmp_path: Path, way: Way, dated: bool) -> None:
    for number in range(1, 13):
        stem = f"x-{number}" if number > 1 else "x"
        save(Fixture(recording(str(number), body("x"), number if dated else None)), tmp_path / f"{stem}.yaml")
    assert way(tmp_path, [body("x")] * 12, "body") == [str(number) for number in range(1, 13)]


def test_recordings_that_are_named_one_by_one_keep_their_order(tmp_path: Path) -> None:
    for number in (1, 2):
        save(Fixture(recording(str(number), recorded=number)), tmp_path / f"{number}.yaml")
    second, first = tmp_path / "2.yaml", tmp_path / "1.yaml"
    assert [exchange.recorded for exchange in load_exchanges([second, tmp_path, first])] == [2, 1]


def record(handler: Handler, folder: Path, *requests: tuple[bytes, float]) -> None:
    """Record the requests, each sent so many seconds after the start."""

    async def send_later(port: int, request: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await ask(port, post(request))

    async def main() -> None:
        async with target(handler) as url, Recorder(f"{url}/v1", folder) as recorder:
            port = int(recorder.base_url.removesuffix("/v1").rpartition(":")[2])
            await asyncio.gather(*(send_later(port, *request) for request in requests))

    run(main())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the last message; slow ones are answered after a while."""
    text = json.loads(await read_request(reader))["messages"][-1]["content"].encode()
    await asyncio.sleep(0.3 if text.startswith(b"slow") else 0)
    await send(writer, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))


@pytest.mark.parametrize("way", WAYS)
def test_a_recording_is_as_old_as_its_request(tmp_path: Path, way: Way) -> None:
    record(echo, tmp_path, (body("slow"), 0), (body("b"), 0.1), (body("a"), 0.2))
    assert way(tmp_path, [body("?")] * 3, "order") == ["slow", "b", "a"]


def test_twelve_retries_are_replayed_as_they_were(tmp_path: Path) -> None:
    statuses = iter([*[429] * 11, 200])

    async def retried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await send(writer, b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % next(statuses))

    record(retried, tmp_path, *((body("x"), number / 50) for number in range(12)))
    assert len(find(tmp_path)) == 12
    with ReplayServer(tmp_path, speed=0) as server, httpx2.Client(trust_env=False) as client:
        url = f"{server.base_url}/chat/completions"
        assert [client.post(url, content=body("x")).status_code for _ in range(13)] == [*[429] * 11, 200, 429]


def test_times_differ_although_the_clock_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    still = SimpleNamespace(min=datetime.min, now=lambda zone: datetime(2026, 11, 29, tzinfo=zone))
    monkeypatch.setattr(relay, "datetime", still)
    record(echo, tmp_path, (body("b"), 0), (body("a"), 0.1))
    assert over_a_socket(tmp_path, [body("?")] * 2, "order") == ["b", "a"]


SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", "../shared")) / "reports" / "01-recorded-order"


@pytest.mark.skipif(not SHARED.exists(), reason=f"the shared reports are not in {SHARED.parent}")
def test_recordings_without_a_time_are_replayed_by_name() -> None:
    request = load(find(SHARED / "recorded")[0]).exchange.request.body
    with ReplayServer(SHARED / "recorded", speed=0) as server, httpx2.Client(trust_env=False) as client:
        url = f"{server.base_url}/chat/completions"
        assert [client.post(url, content=request).status_code for _ in range(2)] == [429, 200]
