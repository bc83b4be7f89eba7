"""How an exchange through the relay can end, and whose doing it is."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from fake_server.relay.relay import Relay
from fake_server.tests.hostile import CHUNKED, STREAM_HEAD, ZOO, chunk, reset, send, target
from fake_server.tests.wire_client import Echo, ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending, Exchange


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/v1", "127.0.0.1 port 1 refused the connection"),
        ("http://localhost:1/v1", "localhost port 1 refused the connection"),
        ("http://nowhere.invalid/v1", "the name nowhere.invalid cannot be resolved"),
    ],
)
def test_an_unreachable_target_is_a_502_for_the_client(url: str, words: str) -> None:
    async def main() -> None:
        async with Relay(url) as relay:
            answer = await ask(relay.port, post())
            [exchange] = relay.exchanges
        assert answer.data.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert b'"code": "target_unreachable"' in answer.body
        assert words in exchange.problem
        assert words.encode() in answer.body
        assert (exchange.ending, exchange.status) == (Ending.UNREACHABLE, None)

    run(main())


def test_a_connection_that_never_stands_ends_at_the_connect_bound() -> None:
    """A listening socket whose queue is full takes no connection."""

    async def main() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, backlog=0, start_serving=True)
        port = server.sockets[0].getsockname()[1]
        asyncio.get_running_loop().remove_reader(server.sockets[0].fileno())
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(4):
                stack.push_async_callback(_fill(port))
            async with Relay(f"http://127.0.0.1:{port}", bounds=Bounds(connect=0.1)) as relay:
                await ask(relay.port, post())
                assert "within 0.1 s (bound: connect)" in relay.exchanges[0].problem
        server.close()
        await server.wait_closed()

    run(main())


def _fill(port: int) -> Any:
    loop = asyncio.get_running_loop()
    task = loop.create_task(asyncio.open_connection("127.0.0.1", port))

    async def undo() -> None:
        task.cancel()
        for result in await asyncio.gather(task, return_exceptions=True):
            if isinstance(result, tuple):
                result[1].close()

    return undo


def test_a_client_that_leaves_is_told_apart_and_the_target_is_left() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await ZOO["one_byte_per_second"](reader, writer)
            finally:
                gone.set()

        async with target(endless) as url, Relay(url, bounds=Bounds(grace=0.05)) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(post(b"{}", "/x", "x-contract-case: leaver"))
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await relay.wait_until_idle("leaver")
            assert [one.ending for one in relay.exchanges if one.label == "leaver"] == [Ending.CLIENT_LEFT]
            async with asyncio.timeout(1):
                await gone.wait()

    run(main())


def test_a_client_that_leaves_at_done_does_not_spoil_the_ending() -> None:
    """SDKs hang up once they have read `[DONE]`, when the last chunk is still on its way."""

    async def slow_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        await send(writer, STREAM_HEAD, CHUNKED, chunk(b"data: [DONE]\n\n"))
        await asyncio.sleep(0.05)
        await send(writer, chunk(b""))

    async def main() -> None:
        async with target(slow_end) as url, Relay(url) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(post(close=False))
            await reader.readuntil(b"[DONE]")
            writer.close()
            await asyncio.sleep(0.01)
            await relay.wait_until_idle()
            assert relay.exchanges[0].ending is Ending.CLEAN

    run(main())


def test_an_answer_before_the_request_is_read_reaches_the_client() -> None:
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await send(writer, early)
        writer.write_eof()
        await reader.read()

    async def main() -> None:
        async with target(refuse) as url, Relay(url) as relay:
            answer = await ask(relay.port, post(b"x" * 2_000_000))
            [exchange] = relay.exchanges
        assert answer.data == early
        assert (exchange.status, exchange.ending) == (413, Ending.CLEAN)

    run(main())


def test_a_target_that_answers_early_and_reads_no_more_delays_nobody() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await send(writer, b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        await asyncio.sleep(3600)

    async def main() -> None:
        async with target(refuse) as url, Relay(url) as relay:
            async with asyncio.timeout(4):
                answer = await ask(relay.port, post(b"x" * 15_000_000))
            assert answer.body == b"{}"
            assert relay.exchanges[0].ending is Ending.CLEAN

    run(main())


def test_a_reset_and_an_early_fin_are_passed_on_as_such() -> None:
    async def abrupt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        await send(writer, STREAM_HEAD, CHUNKED, chunk(b"data: 1\n\n"))
        await asyncio.sleep(0.02)
        reset(writer)

    async def main() -> None:
        async with target(abrupt) as url, Relay(url) as relay:
            answer = await ask(relay.port, post())
            assert (answer.was_reset, relay.exchanges[0].ending) == (True, Ending.RESET)
            assert relay.exchanges[0].payload == b"data: 1\n\n"
        async with target(ZOO["no_last_chunk"]) as url, Relay(url) as relay:
            answer = await ask(relay.port, post())
            assert (answer.was_reset, relay.exchanges[0].ending) == (False, Ending.CUT)

    run(main())


@pytest.mark.parametrize("data", [b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_a_client_that_sends_no_request_gets_a_400_and_no_exchange(data: bytes) -> None:
    async def main() -> None:
        async with Relay("http://127.0.0.1:1") as relay:
            answer = await ask(relay.port, data)
            assert answer.data.startswith(b"HTTP/1.1 400 ")
            assert not relay.exchanges

    run(main())


def test_a_request_larger_than_the_bound_is_refused() -> None:
    async def main() -> None:
        async with target(Echo()) as url, Relay(url, bounds=Bounds(body=1000)) as relay:
            answer = await ask(relay.port, post(b"x" * 1001))
            assert answer.data.startswith(b"HTTP/1.1 400 ")
            assert "bound: body" in relay.exchanges[0].problem

    run(main())


def test_a_client_that_stalls_inside_its_request_is_not_the_targets_fault() -> None:
    async def main() -> None:
        async with target(Echo()) as url, Relay(url, bounds=Bounds(idle=0.05)) as relay:
            await ask(relay.port, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
            [exchange] = relay.exchanges
            assert exchange.ending is Ending.CLIENT_LEFT
            assert exchange.problem == "the client sends nothing for 0.05 s (bound: idle)"

    run(main())


def test_a_client_that_reads_nothing_holds_the_target_back_and_is_left() -> None:
    sent = 0

    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n{}")
        await send(writer, STREAM_HEAD, b"\r\n")
        while True:
            await send(writer, b"\n" * 65536)
            sent += 65536

    async def main() -> None:
        bounds = Bounds(idle=0.2, body=1_000_000_000)
        ended: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        async with target(eager) as url, Relay(url, bounds=bounds, on_exchange=ended.set_result) as relay:
            _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(post())
            exchange = await ended
            writer.transport.abort()
        assert exchange.ending is Ending.CLIENT_LEFT
        assert exchange.problem == "the client reads nothing for 0.2 s (bound: idle)"
        assert len(exchange.payload) <= sent < 100_000_000

    run(main())


def test_closing_the_relay_ends_what_is_under_way() -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        asked.set()
        await reader.read()

    async def main() -> None:
        async with target(silent) as url:
            async with Relay(url, bounds=Bounds(grace=0.02)) as relay:
                asking = asyncio.create_task(ask(relay.port, post()))
                await asked.wait()
            assert [exchange.ending for exchange in relay.exchanges] == [Ending.CLIENT_LEFT]
            assert (await asking).data == b""

    run(main())
