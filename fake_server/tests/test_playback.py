"""Playback sends what was recorded, and what a capture sees of it is the recording again."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.relay.relay import Relay
from fake_server.replay.playback import Playback, serve
from fake_server.tests.strategies import POST, exchanges
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Request, Write
from fake_server.wire.fixture import Fixture
from fake_server.wire.outgoing import serialize_reply

STREAM = Exchange(
    POST,
    200,
    (("Content-Type", "text/event-stream"), ("X-MiXed", "Case"), ("Transfer-Encoding", "chunked")),
    (Write(b"data: 1\n\nda"), Write(b"ta: [DONE]\n\n")),
    framing=Framing.CHUNKED,
    reason="Fine",
)


def asking(body: object) -> Request:
    return Request("POST", "/v1/chat/completions", (), json.dumps(body).encode())


def seen(exchange: Exchange) -> Exchange:
    """What can be compared after a trip: no times, no words, and writes only where framing keeps them."""
    writes = tuple(Write(write.data) for write in exchange.writes)
    if exchange.framing is not Framing.CHUNKED:
        writes = (Write(exchange.payload),) if exchange.payload else ()
    exchange = exchange.but(request=POST, writes=writes, head_pause=0.0, problem="", label="", unknown=frozenset())
    return exchange.but(recorded=None)


async def relayed(exchange: Exchange, bounds: Bounds | None = None) -> Exchange:
    playing = Playback([exchange], speed=0, match="order")
    async with playing as playback, Relay(playback.base_url, bounds=bounds) as relay:
        await ask(relay.port, post(b"{}", "/chat/completions"))
        [captured] = relay.exchanges
    return captured


@settings(max_examples=300, deadline=None)
@given(exchanges(), st.integers(1, 60))
def test_captured_bytes_of_an_exchange_are_the_exchange(exchange: Exchange, step: int) -> None:
    data = b"".join(write.data for write in serialize_reply(exchange))
    reply = ReplyCapture(POST)
    for start in range(0, len(data), step):
        reply.feed(data[start : start + step])
    reply.reset() if exchange.ending is Ending.RESET else reply.eof()
    assert seen(reply.exchange) == seen(exchange)


@settings(max_examples=60, deadline=None)
@given(exchanges())
def test_captured_playback_of_an_exchange_is_the_exchange(exchange: Exchange) -> None:
    async def main() -> None:
        assert seen(await relayed(exchange)) == seen(exchange)

    run(main())


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange(POST, None, ending=Ending.CUT),
        Exchange(POST, None, ending=Ending.RESET),
        Exchange(POST, None, ending=Ending.MALFORMED),
        Exchange(POST, 200, (("A", "b"),), ending=Ending.CUT),
        Exchange(POST, 200, (("A", "b"),), ending=Ending.RESET),
        Exchange(POST, 200, (("A", "b"),), ending=Ending.MALFORMED),
        Exchange(POST, 200, (("Content-Length", "1"), ("Content-Length", "2")), ending=Ending.MALFORMED),
        STREAM.but(ending=Ending.CUT),
        STREAM.but(ending=Ending.RESET),
        STREAM.but(ending=Ending.MALFORMED),
    ],
)
def test_broken_replies_break_again_in_the_same_place(exchange: Exchange) -> None:
    async def main() -> None:
        assert seen(await relayed(exchange)) == seen(exchange)

    run(main())


def test_a_reply_that_timed_out_stays_silent_until_its_bound() -> None:
    async def main() -> None:
        silent = STREAM.but(ending=Ending.TIMED_OUT)
        captured = await relayed(silent, Bounds(idle=0.3))
        assert seen(captured) == seen(silent)
        async with Playback([silent], speed=0, bounds=Bounds(exchange=0.05)) as playback:
            answer = await ask(playback.port, post())
            assert answer.data.endswith(b"\r\n")

    run(main())


def test_pauses_are_kept_and_scaled() -> None:
    paced = STREAM.but(head_pause=0.1, writes=(Write(b"a", 0.2), Write(b"b", 0.1)))

    async def main() -> None:
        for speed, shortest in ((1.0, 0.38), (4.0, 0.09)):
            async with Playback([paced], speed=speed) as playback, Relay(playback.base_url) as relay:
                await ask(relay.port, post(b"{}", "/chat/completions"))
                [exchange] = relay.exchanges
            pauses = [exchange.head_pause, *(write.pause for write in exchange.writes)]
            assert sum(pauses) >= shortest
            assert pauses[1] > pauses[2] / 2

    run(main())


def test_who_has_said_all_still_gets_the_pace_and_who_waits_for_leave_is_told() -> None:
    paced = STREAM.but(writes=(Write(b"a", 0.2),))

    async def main() -> None:
        async with Playback([paced]) as playback:
            reader, writer = await asyncio.open_connection("127.0.0.1", playback.port)
            writer.write(post().removesuffix(b"{}").replace(b"Host", b"Expect: 100-continue\r\nHost"))
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"{}")
            writer.write_eof()
            began = asyncio.get_running_loop().time()
            assert (await reader.read()).endswith(b"1\r\na\r\n0\r\n\r\n")
            assert asyncio.get_running_loop().time() - began >= 0.19
            writer.close()

    run(main())


def test_paths_match_with_and_without_v1_and_bodies_ignore_who_asks() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 1}
    recording = STREAM.but(request=asking(body))

    async def main() -> None:
        async with Playback([Fixture(recording)], speed=0) as playback:
            asked = json.dumps({**body, "temperature": 1.0, "user": "somebody"}, indent=1).encode()
            for path in ("/v1/chat/completions", "/chat/completions", "/chat/completions?x=1"):
                answer = await ask(playback.port, post(asked, path))
                assert answer.data.startswith(b"HTTP/1.1 200 Fine\r\nContent-Type: text/event-stream\r\nX-MiXed")
            assert not playback.misses
            assert not playback.unplayed

    run(main())


def test_a_miss_names_the_nearest_recording_and_the_first_difference() -> None:
    def recording(label: str, content: str, **more: object) -> Exchange:
        body = {"model": "m", "messages": [{"role": "user", "content": content}], **more}
        return STREAM.but(
            label=label, request=POST.__class__("POST", "/v1/chat/completions", (), json.dumps(body).encode())
        )

    async def main() -> None:
        shelf = [
            recording("poem", "write a poem", n=2),
            recording("song", "sing a song", n=2),
        ]
        async with Playback(shelf, speed=0) as playback:
            body = {"model": "m", "messages": [{"role": "user", "content": "sing a poem"}], "n": 2}
            answer = await ask(playback.port, post(json.dumps(body).encode()))
            assert answer.head.startswith(b"HTTP/1.1 404 Not Found\r\n")
            assert b"\r\nx-should-retry: false" in answer.head
            error = json.loads(answer.body)["error"]
            assert error["code"] == "no_fixture_match"
            assert error["message"] == (
                "No recording answers POST /v1/chat/completions with this body. "
                "The nearest is the recording 'poem': "
                'messages[0].content is "sing a poem", recorded "write a poem". '
                "What does not count can be ignored: --ignore 'messages[0].content' "
                "(in Python ignore=['messages[0].content'])."
            )
            missing = await ask(playback.port, post(b"{}", "/v1/embeddings"))
            assert b"there are recordings of POST /v1/chat/completions." in missing.body
            assert len(playback.misses) == 2
            assert len(playback.unplayed) == 2

    run(main())


def test_equal_requests_get_the_recordings_in_order_and_then_again() -> None:
    async def main() -> None:
        shelf = [STREAM.with_payload(b"%d" % number) for number in range(2)]
        async with Playback(shelf, speed=0) as playback:
            bodies = [(await ask(playback.port, post())).body for _ in range(4)]
        assert [body[3:4] for body in bodies] == [b"0", b"1", b"0", b"1"]

    run(main())


def test_recordings_that_do_not_know_the_request_answer_by_path() -> None:
    async def main() -> None:
        blind = STREAM.but(request=Request("POST", "/v1/chat/completions"), unknown=frozenset({Aspect.REQUEST}))
        async with Playback([blind], speed=0) as playback:
            assert (await ask(playback.port, post(b'{"any": 1}'))).data.startswith(b"HTTP/1.1 200")

    run(main())


def test_a_recording_without_framing_gets_one() -> None:
    async def main() -> None:
        unknown = frozenset({Aspect.FRAMING, Aspect.TIMING, Aspect.ENDING})
        headers = (("content-type", "application/json"),)
        plain = Exchange(POST, 200, headers, (Write(b"{}"),), Ending.UNKNOWN, unknown=unknown)
        captured = await relayed(plain)
        assert (captured.ending, captured.framing, captured.reason) == (Ending.CLEAN, Framing.LENGTH, "OK")
        stream = plain.but(headers=(("content-type", "text/event-stream"),))
        assert (await relayed(stream)).framing is Framing.CHUNKED

    run(main())


def test_a_request_that_is_none_gets_a_400() -> None:
    async def main() -> None:
        async with Playback([STREAM]) as playback:
            assert (await ask(playback.port, b"hello\r\n\r\n")).data.startswith(b"HTTP/1.1 400 ")

    run(main())


def test_a_reply_that_would_spoil_the_next_one_is_the_last_on_its_connection() -> None:
    spilt = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more"
    capture = ReplyCapture(POST, keep_raw=True)
    capture.feed(spilt)

    async def main() -> None:
        async with Playback([capture.exchange], speed=0) as playback:
            reader, writer = await asyncio.open_connection("127.0.0.1", playback.port)
            writer.write(post(close=False))
            async with asyncio.timeout(5):
                assert await reader.read() == spilt
            writer.close()

    run(main())


def test_serve_tells_when_it_is_ready() -> None:
    async def main() -> None:
        ready: asyncio.Future[Playback] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve([STREAM], port=0, speed=0, ready=ready.set_result))
        assert (await ask((await ready).port, post())).data.startswith(b"HTTP/1.1 200 Fine")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_a_negative_speed_is_refused() -> None:
    with pytest.raises(ValueError, match="speed"):
        Playback([], speed=-1)
