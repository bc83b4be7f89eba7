"""Genuine recordings played back, read by the official SDK and captured by the relay."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_server.relay.relay import Relay
from fake_server.replay import ReplayTransport
from fake_server.replay.playback import Playback
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / os.environ.get("OPENAI_CONTRACT_SHARED", "../shared") / "recordings" / "openai.jsonl"
UNKNOWN = frozenset({Aspect.ALL_HEADERS, Aspect.FRAMING, Aspect.TIMING, Aspect.ENDING})

pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason=f"no shared recordings at {RECORDINGS.name}")


def chat_recordings() -> Iterator[Exchange]:
    with RECORDINGS.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["endpoint"] == "chat/completions" and record["response"]["status"] == 200:
                yield exchange_of(record)


def exchange_of(record: dict[str, Any]) -> Exchange:
    asked, reply = record["request"], record["response"]
    body = reply["body"]
    payload = body if reply["body_kind"] == "sse" else json.dumps(body, ensure_ascii=False)
    headers = reply["headers"] or {}
    if "content-type" not in headers:
        kind = "text/event-stream" if reply["body_kind"] == "sse" else "application/json"
        headers = {**headers, "content-type": kind}
    return Exchange(
        Request(asked["method"], asked["path"], (), json.dumps(asked["body"]).encode()),
        reply["status"],
        tuple(headers.items()),
        (Write(payload.encode()),),
        Ending.UNKNOWN,
        unknown=UNKNOWN,
        label=record["id"],
    )


def test_every_chat_recording_passes_playback_and_relay_unchanged() -> None:
    recordings = list(chat_recordings())

    async def main() -> None:
        async with Playback(recordings, speed=0) as playback, Relay(playback.base_url) as relay:
            for recording in recordings:
                await ask(relay.port, post(recording.request.body, "/chat/completions"))
            assert not playback.misses
            assert not playback.unplayed
            captured = relay.exchanges
        assert sorted(one.payload for one in captured) == sorted(one.payload for one in recordings)
        assert {(one.ending, one.problem) for one in captured} == {(Ending.CLEAN, "")}

    assert len(recordings) > 1000
    run(main())


def test_the_official_sdk_reads_a_played_recording_through_the_relay() -> None:
    openai = pytest.importorskip("openai")
    streams = [one for one in chat_recordings() if one.media_type == "text/event-stream"][:20]

    async def main() -> None:
        async with Playback(streams, speed=0, match="order") as playback, Relay(playback.base_url) as relay:
            async with openai.AsyncOpenAI(base_url=relay.base_url, api_key="none", max_retries=0) as client:
                for number, recording in enumerate(streams):
                    stream = await client.chat.completions.create(
                        model="any",
                        messages=[{"role": "user", "content": "hi"}],
                        stream=True,
                        extra_headers={"x-contract-case": str(number)},
                    )
                    chunks = [chunk async for chunk in stream]
                    assert len(chunks) == recording.payload.count(b"data: {")
            await relay.wait_until_idle()
            assert [one.label for one in relay.exchanges] == [str(number) for number in range(len(streams))]
            assert {one.ending for one in relay.exchanges} == {Ending.CLEAN}
            assert [one.payload for one in relay.exchanges] == [one.payload for one in streams]

    run(main())


def test_the_official_sdk_reads_every_recorded_stream_in_process() -> None:
    openai, httpx2 = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    streams = [one for one in chat_recordings() if one.media_type == "text/event-stream"]
    replaying = ReplayTransport(streams)
    http_client = httpx2.Client(transport=replaying)
    with openai.OpenAI(api_key="none", max_retries=0, http_client=http_client) as client:
        for recording in streams:
            with client.chat.completions.create(**json.loads(recording.request.body)) as stream:
                assert sum(1 for _ in stream) == recording.payload.count(b"data: {")
    assert not replaying.misses
    assert not replaying.unplayed


def test_many_clients_at_once_get_their_own_answers() -> None:
    async def main() -> None:
        shelf = [
            Exchange(
                Request("POST", "/v1/chat/completions", (), b'{"n":%d}' % number),
                200,
                (("content-type", "text/event-stream"),),
                tuple(Write(b"data: %d\n\n" % number, 0.001) for _ in range(5)),
                unknown=UNKNOWN,
            )
            for number in range(40)
        ]
        async with Playback(shelf) as playback, Relay(playback.base_url) as relay:
            asked = [
                post(one.request.body, "/chat/completions", f"x-contract-case: {n}") for n, one in enumerate(shelf)
            ]
            await asyncio.gather(*(ask(relay.port, request) for request in asked))
            for exchange in relay.exchanges:
                assert exchange.payload == b"data: %s\n\n" % exchange.label.encode() * 5
            assert len(relay.exchanges) == 40

    run(main())
