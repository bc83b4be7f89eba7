"""A recorder that is ended while a reply is under way: what it cut itself is no finding on the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.recordings.judging import judge_files
from contract_tests.rules import judge
from contract_tests.tests.test_record import load_all
from fake_server.relay.recorder import Recorder
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending

DELTAS: list[dict[str, object]] = [
    {"role": "assistant", "content": ""},
    {"content": "Hi"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}},
    ]},
]  # fmt: skip
TOOLS = [{"type": "function", "function": {"name": "f"}}]
MESSAGES = [{"role": "user", "content": "hi"}]
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-request-id: a\r\nTransfer-Encoding: chunked\r\n\r\n"
DICT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: a\r\nContent-Length: 600\r\n\r\n"


def event(delta: dict[str, object]) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1780000000, "model": "m"}
    return f"data: {json.dumps({**head, 'system_fingerprint': None, 'choices': [choice]})}\n\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CUTS = {
    "nothing": b"",
    "half a head": STREAM[:40],
    "a head": STREAM,
    "a comment": STREAM + chunk(b": ping\n\n"),
    "a role": STREAM + chunk(event(DELTAS[0])),
    "a text": STREAM + chunk(event(DELTAS[0])) + chunk(event(DELTAS[1])),
    "half an event": STREAM + chunk(event(DELTAS[0]) + event(DELTAS[1])[:-30]),
    "half a chunk": STREAM + chunk(event(DELTAS[0]))[:-20],
    "an open call": STREAM + chunk(event(DELTAS[2])),
    "half a dict": DICT + b'{"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"ind',
}


async def leave(begun: bytes, folder: Path) -> None:
    """Ask through a recorder that leaves while the reply has only begun."""
    sent, left = asyncio.Event(), asyncio.Event()

    async def target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begun)
        sent.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        left.set()

    stream = b"event-stream" in begun
    body = json.dumps({"model": "m", "stream": stream, "tools": TOOLS, "messages": MESSAGES}).encode()
    fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    server = await asyncio.start_server(target, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with Recorder(f"http://127.0.0.1:{port}/v1", folder, bounds=Bounds(grace=0.05)) as recorder:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(recorder.base_url.split(":")[2][:-3]))
            writer.write(f"POST /v1/chat/completions HTTP/1.1\r\n{fields}".encode() + body)
            await (reader.readexactly(len(begun)) if begun else sent.wait())
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        await left.wait()


@pytest.mark.parametrize("begun", CUTS.values(), ids=CUTS)
def test_what_a_recorder_cuts_by_leaving_breaks_nothing(begun: bytes, tmp_path: Path) -> None:
    asyncio.run(leave(begun, tmp_path))
    [fixture] = load_all(tmp_path)
    assert fixture.exchange.ending is Ending.CLIENT_LEFT
    assert fixture.exchange.problem == "the relay was closed before the reply ended"
    assert judge(fixture.exchange).ids() == set()
    assert judge_files([tmp_path]).surprises == []


SLOW_START = """
import sys
import contract_tests.cli.record
from fake_server.relay import latency

contract_tests.cli.record.ROUNDS = 10**7
round_trip = latency._round_trip

async def measured(*connection):
    print("measuring", flush=True)
    latency._round_trip = round_trip
    return await round_trip(*connection)

latency._round_trip = measured
from contract_tests.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_recorder_that_is_ended_while_it_measures_says_one_line(number: signal.Signals, tmp_path: Path) -> None:
    options = ["--target", "http://127.0.0.1:9/v1", "--port", "0", "--out", str(tmp_path)]
    command = [sys.executable, "-c", SLOW_START, "record", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "measuring\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert err == ""
    assert "saved 0 recordings" in out
    assert process.returncode == 1
