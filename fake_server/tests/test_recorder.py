"""The recorder keeps every exchange as it was, failures too, and never holds a client up."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from fake_server.relay.recorder import Outcome, Recorder
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
from fake_server.wire.exchange import Ending, Exchange
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


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD + CHUNKED + chunk(b"data: 1\n\n"))
    await reader.read()


async def not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, b"hello, I am no HTTP server\n")


@pytest.mark.parametrize(
    ("handler", "ending"),
    [
        (early_fin, Ending.CUT),
        (early_reset, Ending.RESET),
        (silent, Ending.TIMED_OUT),
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
