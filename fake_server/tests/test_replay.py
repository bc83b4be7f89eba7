"""Recorded from a raw socket, replayed every way: bytes, boundaries, ending and pace are the same."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.relay.relay import Relay
from fake_server.replay import VirtualClock
from fake_server.tests.listening import listening
from fake_server.tests.replays import (
    IN_PROCESS,
    PATIENCE,
    Seen,
    async_client,
    captured,
    over_a_socket,
    transport,
    transport_async,
)
from fake_server.tests.steady_loop import run_steadily
from fake_server.tests.strategies import cut, exchanges
from fake_server.wire import fixture
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.outgoing import serialize_reply

Sends = Sequence[tuple[float, bytes]]
"""Pauses in seconds, each with the bytes sent after it."""

ASKED = Request("POST", "/v1/chat/completions", (), b'{"model":"m","stream":true}')
CHUNKS = (
    b": first words\r\n\r\n",
    b'event: message\r\nid: 7\r\nhop: on\r\ndata:{"choices":[{"index":0,"delta":{"content":"caf\xc3',
    b'\xa9"},"finish_reason":null}]}\r\n\r\nda',
    b'ta: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\r\n\r\n',
    b'data: {"error":{"message":"the backend is gone","code":502}}\n\n',
    b"data: [DO",
)


def chunk(data: bytes, size: bytes = b"") -> bytes:
    return (size or b"%x" % len(data)) + b"\r\n" + data + b"\r\n"


ODD: Sends = (
    (0.03, b"HTTP/1.1 200 Fine By Me\r\nContent-Type: text/event-stream\r\nX-MiXed: 1\r\nx-mixed: 2\r\n"),
    (0.0, b"Transfer-Encoding: chunked\r\n\r\n"),
    (0.05, chunk(CHUNKS[0])),
    (0.02, chunk(CHUNKS[1])[:40]),
    (0.02, chunk(CHUNKS[1])[40:]),
    (0.04, chunk(CHUNKS[2], b"0%X" % len(CHUNKS[2])) + chunk(CHUNKS[3])[:30]),
    (0.02, chunk(CHUNKS[3])[30:] + chunk(CHUNKS[4])),
    (0.03, b"30\r\n" + CHUNKS[5]),
)
TEXT = '{"choices": [{"message": {"content": "naïve café"}}]}'.encode()
PIECES = (TEXT[:11], TEXT[11:46], TEXT[46:])
PACED = tuple(zip((0.06, 0.03, 0.05), PIECES, strict=True))
SIZED: Sends = ((0.04, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TEXT)), *PACED)
UNTIL_CLOSE: Sends = ((0.04, b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"), *PACED)


@asynccontextmanager
async def raw_server(sends: Sends, *, reset: bool = False) -> AsyncIterator[int]:
    """A port where each connection gets these bytes at this pace, then FIN or RST."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(ASKED.body)
        for pause, data in sends:
            await asyncio.sleep(pause)
            writer.write(data)
        if reset:
            await asyncio.sleep(0.02)  # what is on its way when RST comes is lost
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        writer.close()

    async with listening(answer) as port:
        yield port


def recorded(sends: Sends, folder: Path, *, keep_raw: bool = True, reset: bool = False) -> Exchange:
    """What the relay keeps of such a reply, saved and read again."""

    async def main() -> Exchange:
        async with raw_server(sends, reset=reset) as port:
            async with Relay(f"http://127.0.0.1:{port}", keep_raw=keep_raw) as relay:
                await captured(relay.port, ASKED)
                await relay.wait_until_idle()
            [exchange] = relay.exchanges
            return exchange

    path = folder / "odd.yaml"
    fixture.save(fixture.Fixture(run_steadily(main())), path)
    return fixture.load(path).exchange


def live(sends: Sends, client: type[httpx.AsyncClient] | type[httpx2.AsyncClient], reset: bool) -> Seen:
    """What a real client sees of the raw server itself."""

    async def main() -> Seen:
        async with raw_server(sends, reset=reset) as port, client(trust_env=False) as asking:
            return await async_client(asking, ASKED, f"http://127.0.0.1:{port}")

    return run_steadily(main())


@pytest.mark.parametrize("keep_raw", [True, False], ids=["raw bytes kept", "values kept"])
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_an_odd_stream_is_the_same_everywhere(tmp_path: Path, keep_raw: bool, reset: bool) -> None:
    exchange = recorded(ODD, tmp_path, keep_raw=keep_raw, reset=reset)
    assert tuple(write.data for write in exchange.writes) == CHUNKS
    assert exchange.ending is (Ending.RESET if reset else Ending.CUT)
    assert bool(exchange.raw) is keep_raw

    again = over_a_socket(exchange)
    assert tuple(write.data for write in again.writes) == CHUNKS
    for name in ("status", "reason", "http_version", "headers", "framing", "trailers", "ending"):
        assert getattr(again, name) == getattr(exchange, name), name
    if keep_raw:
        sent = b"".join(data for _, data in ODD)
        assert b"".join(write.data for write in serialize_reply(exchange)) == sent
        assert b"".join(write.data for write in again.raw) == sent

    for client in (httpx.AsyncClient, httpx2.AsyncClient):
        real = live(ODD, client, reset)
        for way in IN_PROCESS:
            seen = way(exchange, speed=0)
            assert seen.pieces == CHUNKS, way
            assert (seen.status, seen.reason, seen.version) == (200, "Fine By Me", "HTTP/1.1")
            assert (seen.headers, seen.body) == (real.headers, real.body), way
            assert seen.error.partition(":")[0] == real.error.partition(":")[0], way
            if not reset:
                assert seen.error == real.error, way


@pytest.mark.parametrize(
    ("sends", "framing"), [(SIZED, Framing.LENGTH), (UNTIL_CLOSE, Framing.CLOSE)], ids=["length", "close"]
)
def test_a_paced_body_without_chunks_keeps_its_writes_and_its_pace(
    tmp_path: Path, sends: Sends, framing: Framing
) -> None:
    exchange = recorded(sends, tmp_path)
    assert (exchange.framing, exchange.ending) == (framing, Ending.CLEAN)
    assert tuple(write.data for write in exchange.writes) == PIECES
    real = live(sends, httpx2.AsyncClient, False)
    for way in IN_PROCESS:
        seen = way(exchange, speed=0)
        assert (seen.pieces, seen.error) == (PIECES, "")
        assert (seen.status, seen.reason, seen.version) == (real.status, real.reason, real.version)
        assert seen.headers == real.headers
    again = over_a_socket(exchange, speed=1)
    assert tuple(write.data for write in again.writes) == PIECES
    assert again.ending is Ending.CLEAN
    for was, now in zip(exchange.writes, again.writes, strict=True):
        assert was.pause - 0.015 <= now.pause <= was.pause + 1


@pytest.mark.parametrize("sends", [ODD, SIZED, UNTIL_CLOSE], ids=["odd", "length", "close"])
@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_the_pace_is_exact_on_a_virtual_clock(tmp_path: Path, sends: Sends, speed: float) -> None:
    for keep_raw in (True, False):
        exchange = recorded(sends, tmp_path, keep_raw=keep_raw)
        pauses = [one / speed for one in (exchange.head_pause, *(write.pause for write in exchange.writes))]
        assert sum(pauses) >= 0.9 * sum(pause for pause, _ in sends) / speed
        wanted = pytest.approx([pause for pause in pauses if pause], abs=4e-6)  # fixtures keep microseconds
        for way in IN_PROCESS:
            clock = VirtualClock()
            assert way(exchange, speed=speed, clock=clock).pieces
            assert clock.slept == wanted, way
        clock = VirtualClock()
        over_a_socket(exchange, speed=speed, clock=clock)
        assert clock.slept == [write.pause / speed for write in serialize_reply(exchange) if write.pause]


@pytest.mark.parametrize("way", [transport, transport_async])
def test_the_pace_is_kept_on_the_real_clock(way: Callable[..., Seen]) -> None:
    pauses = (0.05, 0.1, 0.05)
    writes = tuple(Write(b"data: %d\n\n" % number, pause) for number, pause in enumerate(pauses))
    exchange = Exchange(ASKED, 200, (("Transfer-Encoding", "chunked"),), writes, framing=Framing.CHUNKED)
    for speed in (1.0, 2.0):
        began = time.perf_counter()
        assert way(exchange, speed=speed).pieces == tuple(write.data for write in writes)
        assert sum(pauses) / speed <= time.perf_counter() - began < sum(pauses) / speed + 30


@settings(max_examples=150, deadline=None)
@given(exchanges(), st.lists(st.integers(1, 30)))
def test_however_a_recorder_read_the_bytes_a_client_gets_the_writes(exchange: Exchange, sizes: list[int]) -> None:
    sent = b"".join(write.data for write in serialize_reply(exchange))
    reads = tuple(Write(write.data, 0.001) for write in cut(sent, sizes))
    reply = ReplyCapture(exchange.request)
    for number, read in enumerate(reads, 1):
        reply.feed(read.data, number * 0.001)
    reply.reset() if exchange.ending is Ending.RESET else reply.eof()
    again = reply.exchange.but(raw=reads)
    clock = VirtualClock()
    seen = transport(again, clock=clock)
    assert seen.pieces == tuple(write.data for write in again.writes)
    assert seen.error.partition(":")[0] == {
        Ending.CLEAN: "",
        Ending.CUT: "RemoteProtocolError",
        Ending.RESET: "ReadError",
    }.get(again.ending)
    pauses = [write.pause for write in again.writes if write.pause]
    assert clock.slept[1 : len(pauses) + 1] == pytest.approx(pauses)


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (Ending.CUT, "RemoteProtocolError: Server disconnected without sending a response."),
        (Ending.RESET, "ReadError: [Errno 104] Connection reset by peer"),
        (Ending.TIMED_OUT, "ReadTimeout: timed out"),
        (Ending.UNREACHABLE, "ConnectError: nobody listens there"),
        (Ending.MALFORMED, "RemoteProtocolError: illegal status line"),
    ],
)
def test_without_a_head_there_is_the_error_of_a_real_connection(ending: Ending, error: str) -> None:
    exchange = Exchange(ASKED, None, ending=ending, problem="nobody listens there")
    for way in IN_PROCESS:
        assert way(exchange).error.startswith(error), way


def test_a_pause_longer_than_the_clients_patience_is_its_timeout() -> None:
    writes = (Write(b"data: 1\n\n"), Write(b"data: 2\n\n", 60.0))
    exchange = Exchange(ASKED, 200, (("Transfer-Encoding", "chunked"),), writes, framing=Framing.CHUNKED)
    for way in IN_PROCESS:
        clock = VirtualClock()
        seen = way(exchange, clock=clock)
        assert (seen.pieces, seen.error) == ((b"data: 1\n\n",), "ReadTimeout: timed out")
        assert clock.slept == [PATIENCE]
        assert way(exchange, speed=20, clock=clock).error == ""


def test_a_slow_trickle_does_not_exhaust_the_clients_patience() -> None:
    reads = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\na", b"b", b"c\r\n0\r\n\r\n")
    raw = tuple(Write(data, 3.0) for data in reads)
    exchange = Exchange(ASKED, 200, framing=Framing.CHUNKED).but(raw=raw)
    for way in IN_PROCESS:
        clock = VirtualClock()
        seen = way(exchange, clock=clock)
        assert (seen.pieces, seen.error) == ((b"abc",), "")
        assert clock.slept == [3.0, 9.0]
        late = exchange.but(raw=(*raw[:2], Write(b"b", 6.0), raw[3]))
        assert way(late, clock=clock).error == "ReadTimeout: timed out"
        assert clock.slept[2:] == [3.0, 8.0]
