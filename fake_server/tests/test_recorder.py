"""The recorder keeps every exchange as it was, failures too, and never holds a client up."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from fake_server.relay.recorder import PATIENT, Outcome, Recorder
from fake_server.relay.redact import exchange as redact_exchange
from fake_server.relay.redact import fields
from fake_server.relay.saving import Saved, SaveError
from fake_server.tests.hostile import (
    CHUNKED,
    STREAM_HEAD,
    chunk,
    fixed,
    read_request,
    reset,
    send,
    target,
)
from fake_server.tests.listening import Handler
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import STOPPED
from fake_server.wire.exchange import Aspect, Ending, Exchange
from fake_server.wire.fixture import find, load
from fake_server.wire.outgoing import serialize_reply

if sys.platform != "win32":
    import resource

ODD = (
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 Fine\r\nx-LOWER-upper: 1\r\n"
    b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\n: hi\r\n\r\n\r\n0c;ext=1\r\ndata:{\xff}\r\n\r\n\r\n0\r\nX-Sum: 1\r\n\r\n"
)


def record(
    handler: Handler | str, folder: Path, *requests: bytes, bounds: Bounds | None = None
) -> tuple[list[bytes], list[tuple[Exchange, Outcome]]]:
    """What the clients of these requests got, and what was told of each recording."""
    told: list[tuple[Exchange, Outcome]] = []

    got: list[bytes] = []

    async def through(url: str) -> None:
        async with Recorder(
            f"{url}/v1", folder, on_saved=lambda *one: told.append(one), bounds=bounds or Bounds()
        ) as recorder:
            port = int(recorder.base_url.removesuffix("/v1").rpartition(":")[2])
            got.extend([(await ask(port, request)).data for request in requests])

    async def main() -> None:
        if isinstance(handler, str):
            await through(handler)
        else:
            async with target(handler) as url:
                await through(url)

    run(main())
    return got, told


def test_every_byte_of_an_odd_reply_is_kept(tmp_path: Path) -> None:
    [data], [(exchange, outcome)] = record(fixed(ODD), tmp_path, post())
    assert data == ODD
    assert isinstance(outcome, Saved)
    loaded = load(outcome.path).exchange
    assert b"".join(write.data for write in serialize_reply(loaded)) == ODD
    assert loaded.informational == exchange.informational
    assert loaded.trailers == (("X-Sum", "1"),)


async def early_fin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD + CHUNKED + chunk(b"data: 1\n\n") + b"30\r\ndata: \xe2\x82")


async def early_reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD + CHUNKED + chunk(b"data: 1\n\n"))
    await asyncio.sleep(0.05)
    reset(writer)


async def not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, b"hello, I am no HTTP server\n")


@pytest.mark.parametrize(
    ("handler", "ending"),
    [
        (early_fin, Ending.CUT),
        (early_reset, Ending.RESET),
        (not_http, Ending.MALFORMED),
        ("http://127.0.0.1:1", Ending.UNREACHABLE),
    ],
)
def test_failures_are_kept_as_faithfully(handler: Handler | str, ending: Ending, tmp_path: Path) -> None:
    _, [(_, outcome)] = record(handler, tmp_path, post(), bounds=Bounds(idle=0.1))
    assert isinstance(outcome, Saved)
    loaded = load(outcome.path).exchange
    assert loaded.ending is ending
    if handler is early_fin:
        assert b"".join(write.data for write in serialize_reply(loaded)).endswith(b"30\r\ndata: \xe2\x82")
    if handler is not_http:
        assert [write.data for write in serialize_reply(loaded)] == [b"hello, I am no HTTP server\n"]


def test_the_same_request_twice_gets_a_number_and_again_replaces_both(tmp_path: Path) -> None:
    for new in (True, False):
        _, told = record(fixed(ODD), tmp_path, post(), post(), post(b"{}", "/v1/x", "x-contract-case: a/b::c"))
        names = [outcome.path.name for _, outcome in told if isinstance(outcome, Saved) and outcome.new is new]
        assert len(names) == 3
        assert names[1] == names[0].replace(".yaml", "-2.yaml")
        assert names[2] == "a-b-c.yaml"
    assert len(find(tmp_path)) == 3


def test_a_folder_that_refuses_harms_no_client(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    [data], [(_, outcome)] = record(fixed(ODD), tmp_path / "file", post())
    assert data == ODD
    assert isinstance(outcome, SaveError)
    assert "file" in str(outcome)


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes are limited by POSIX alone")
def test_a_full_disk_harms_no_client_and_the_old_recording_stands(tmp_path: Path) -> None:
    record(fixed(ODD), tmp_path, post())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))
    try:
        [data], [(_, outcome)] = record(fixed(ODD.replace(b"data", b"dada")), tmp_path, post())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert data == ODD.replace(b"data", b"dada")
    assert isinstance(outcome, SaveError)
    assert "cannot be written: File too large; the previous file is intact" in str(outcome)
    assert before.items() <= {path.name: path.read_bytes() for path in tmp_path.iterdir()}.items()
    record(fixed(ODD), tmp_path, post())
    assert {path.name for path in tmp_path.iterdir()} == before.keys()


def test_a_fault_of_one_recording_is_told_and_the_next_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [RuntimeError("odd")]

    def breaks(_: Exchange) -> list[str]:
        if faults:
            raise faults.pop()
        return []

    told: list[Outcome] = []

    async def main() -> None:
        async with (
            target(fixed(ODD)) as url,
            Recorder(url, tmp_path, breaks=breaks, on_saved=lambda _, one: told.append(one)) as recorder,
        ):
            port = int(recorder.base_url.rpartition(":")[2])
            assert [(await ask(port, post())).data for _ in range(2)] == [ODD, ODD]
            await recorder.wait_until_idle()
            assert len(told) == 2

    run(main())
    assert "RuntimeError: odd" in str(told[0])
    assert isinstance(told[1], Saved)


async def slow_dict(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(2):  # the connection is used again
        await read_request(reader)
        await asyncio.sleep(0.3)
        await send(writer, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


async def slow_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD + CHUNKED + chunk(b"data: 1\n\n"))
    await asyncio.sleep(0.3)
    await send(writer, chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def long_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD + CHUNKED)
    for number in range(6):
        await send(writer, chunk(b"data: %d\n\n" % number))
        await asyncio.sleep(0.06)
    await send(writer, b"0\r\n\r\n")


async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(
        writer, STREAM_HEAD + CHUNKED, *(chunk(b"data: " + b"a" * 90 + b"\n\n") for _ in range(20)), b"0\r\n\r\n"
    )


async def large_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 3000 + b"\r\nContent-Length: 2\r\n\r\n")
    await asyncio.sleep(0.1)
    await send(writer, b"{}")


async def bad_chunk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD + CHUNKED + b"zz\r\ndata: 1\n\n\r\n")
    await asyncio.sleep(0.1)
    await send(writer, b"the rest")


@pytest.mark.parametrize(
    ("handler", "bounds", "end", "word"),
    [
        (slow_dict, Bounds(first_byte=0.1), b"\r\n\r\n{}", "no byte of a reply came for 0.1 s"),
        (slow_stream, Bounds(idle=0.1), b"[DONE]\n\n\r\n0\r\n\r\n", "no byte came for 0.1 s"),
        (long_stream, Bounds(exchange=0.15), b"data: 5\n\n\r\n0\r\n\r\n", "had not ended after 0.15 s"),
        (large, Bounds(body=500), b"a\n\n\r\n0\r\n\r\n", "larger than 500 bytes"),
        (large, Bounds(event=50), b"a\n\n\r\n0\r\n\r\n", "event"),
        (large, Bounds(writes=5), b"a\n\n\r\n0\r\n\r\n", "more than 5 writes"),
        (large_head, Bounds(head=2000), b"\r\n\r\n{}", "head is larger than 2000"),
        (bad_chunk, Bounds(), b"the rest", "chunk"),
    ],
)
def test_a_bound_ends_what_is_kept_and_not_what_is_passed_on(
    handler: Handler, bounds: Bounds, end: bytes, word: str, tmp_path: Path
) -> None:
    [data], [(_, outcome)] = record(handler, tmp_path, post(), bounds=bounds)
    assert data.endswith(end)
    assert isinstance(outcome, Saved)
    exchange = load(outcome.path).exchange
    assert word in exchange.problem
    if handler is bad_chunk:
        assert exchange.ending is Ending.MALFORMED
    else:
        assert exchange.ending is Ending.CLIENT_LEFT
        assert exchange.problem.startswith(STOPPED)
        assert not exchange.payload.endswith(b"[DONE]\n\n")


def test_a_connection_whose_reply_was_not_kept_serves_the_next_request(tmp_path: Path) -> None:
    """The next request is parsed again: it gets the target's Host and its own recording."""
    twice = post(close=False) + post(b'{"n":2}')
    [data], told = record(slow_dict, tmp_path, twice, bounds=Bounds(first_byte=0.1))
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert [exchange.request.body for exchange, _ in told] == [b"{}", b'{"n":2}']


def test_a_request_over_the_bound_reaches_the_target(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def reads_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        await send(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    [data], [(_, outcome)] = record(reads_all, tmp_path, post(b"a" * 5000), bounds=Bounds(body=1000))
    assert (seen, data[-2:]) == ([b"a" * 5000], b"{}")
    assert isinstance(outcome, Saved)
    exchange = load(outcome.path).exchange
    assert (exchange.ending, exchange.request.body) == (Ending.CLEAN, b"a" * 1000)
    assert not exchange.knows(Aspect.REQUEST)


def test_two_sides_that_switch_protocols_are_left_to_themselves(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await send(writer, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
        await send(writer, b"echo: " + await reader.readexactly(5))

    got: list[bytes] = []

    async def main() -> None:
        async with target(echo) as url, Recorder(url, tmp_path) as recorder:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(recorder.base_url.rpartition(":")[2]))
            writer.write(b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            got.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"hello")
            got.append(await reader.read())
            writer.close()

    run(main())
    assert got[1] == b"echo: hello"


def test_the_bounds_of_a_recorder_are_no_shorter_than_a_clients() -> None:
    assert min(PATIENT.connect, PATIENT.first_byte, PATIENT.idle, PATIENT.exchange) >= 600


def test_an_exchange_is_looked_up_for_its_secrets_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For its name, its head and its body alike: a picture of a megabyte takes a while."""
    looked_up: list[Exchange] = []
    known_values = fields.known_values

    def counted(exchange: Exchange, *options: Any) -> tuple[str, ...]:
        looked_up.append(exchange)
        return known_values(exchange, *options)

    for module in (fields, redact_exchange):
        monkeypatch.setattr(module, "known_values", counted)
    record(fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), tmp_path, post())
    assert len(looked_up) == 1
    assert len(find(tmp_path)) == 1
