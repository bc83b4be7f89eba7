"""Targets that offer a WebSocket for Responses, in their own way, and those that offer none."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import ExitCode, Outcome
from contract_tests.run.run import Options
from contract_tests.target.errors import NotReached, SetupFailed, Unsupported
from contract_tests.target.session import Session
from contract_tests.target.web_socket import web_socket
from contract_tests.tests.small_target import QUICK, Answer, Asked, completed, refusal, reply, report_of
from contract_tests.tests.test_responses import broken, events_of
from fake_server.testing.server import FakeServer
from fake_server.wire.exchange import Ending, Exchange

SECTION = "responses.websocket"
BOUNDS = replace(QUICK, event=64_000, body=256_000, writes=500, exchange=3.0, idle=0.4, first_byte=0.4)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TURN = [json.dumps(event).encode() for event in events_of("response-stream")]


def frame(data: bytes, opcode: int = 1, fin: bool = True, bits: int = 0) -> bytes:
    """A frame of a server; `bits` are the reserved ones."""
    size = len(data)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([(0x80 if fin else 0) | bits | opcode]) + length + data


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(code.to_bytes(2) + reason, 8)


async def talk_to(talk: Talk, turns: int = 1, head: bytes | None = None) -> list[Exchange]:
    """The turns of a WebSocket to a server that shakes hands, reads one message, and then talks as it will."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = next(
                line.split(": ")[1] for line in asked.split("\r\n") if line.lower().startswith("sec-websocket-key")
            )
            accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
            fields = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + fields if head is None else head)
            if head is None:
                await reader.read(10)  # the turn has begun
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    root = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    session = Session(Options(root, bounds=BOUNDS, api_key="sk-of-this-run"), root)
    try:
        async with web_socket(session) as socket:
            return [await socket.turn("turn", {"model": "m", "input": "Hello"}) for _ in range(turns)]
    finally:
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def first_turn(talk: Talk, **more: Any) -> Exchange:
    (exchange,) = completed(talk_to(talk, **more))
    assert isinstance(exchange, Exchange)
    return exchange


def saying(*data: bytes) -> Talk:
    """A server that sends these bytes and waits."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(data))
        await reader.read()

    return talk


def repeating(data: bytes, pause: float = 0.0) -> Talk:
    """A server that sends this for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(pause)

    return talk


def test_a_turn_is_the_stream_that_the_same_request_would_have_had() -> None:
    exchange = first_turn(saying(*map(frame, TURN)))
    assert (exchange.status, exchange.ending) == (200, Ending.CLEAN)
    assert len(exchange.writes) == len(TURN)
    assert broken(exchange) == set()
    assert exchange.request.json() == {"model": "m", "input": "Hello", "stream": True}


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ((close(1000, b"bye"),), "was closed with 1000 ('bye') before this turn"),
        ((close(1011),), "was closed with 1011 ('') before this turn"),
        ((close(1000), b"more"), "was closed with 1000 ('') before this turn"),
    ],
)
def test_a_turn_after_the_target_closed_is_cut(last: tuple[bytes, ...], words: str) -> None:
    """LiteLLM closes with its first error: the next turn was a failure of the kit."""
    first, second = completed(talk_to(saying(*map(frame, TURN), *last), turns=2))
    assert broken(first) == set()
    assert (second.status, second.ending) == (None, Ending.CUT)
    assert words in second.problem
    assert broken(second) == set()  # whether it may close there is for the case to say


LEGAL: dict[str, bytes] = {
    "in fragments": b"".join(
        frame(text[:7], fin=False) + frame(b"", 0, fin=False) + frame(text[7:], 0) for text in TURN
    ),
    "with pings": b"".join(frame(b"still there", 9) + frame(b"", 10) + frame(text) for text in TURN),
    "a ping between fragments": b"".join(frame(t[:7], fin=False) + frame(b"", 9) + frame(t[7:], 0) for t in TURN),
    "of several lines": b"".join(frame(json.dumps(json.loads(text), indent=1).encode()) for text in TURN),
    "in binary": b"".join(frame(text, 2) for text in TURN),
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_rfc_6455_allows_is_the_same_turn(name: str) -> None:
    assert broken(first_turn(saying(LEGAL[name]))) == set()


def test_byte_by_byte_it_is_the_same_turn() -> None:
    data = b"".join(frame(text) for text in TURN)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            if at % 64 == 0:
                await asyncio.sleep(0)
        await reader.read()

    assert broken(first_turn(talk)) == set()


HOSTILE: dict[str, tuple[Talk, Ending]] = {
    "endless events": (repeating(frame(b'{"type":"response.in_progress"}') * 20), Ending.OVERSIZED),
    "endless large events": (repeating(frame(b'{"type":"x","y":"%b"}' % (b"z" * 30_000))), Ending.OVERSIZED),
    "a huge frame": (saying(b"\x81\x7f" + (1 << 62).to_bytes(8) + b"{"), Ending.OVERSIZED),
    "a frame of too many bytes": (repeating(frame(b"x" * 100_000)), Ending.OVERSIZED),
    "endless fragments": (saying(frame(b"{", fin=False), *[frame(b" ", 0, fin=False)] * 5000), Ending.OVERSIZED),
    "fragments of too many bytes": (
        saying(frame(b"x" * 60_000, fin=False), *[frame(b"x" * 60_000, 0, fin=False)] * 9),
        Ending.OVERSIZED,
    ),
    "a flood of pings": (repeating(frame(b"p" * 100, 9) * 50), Ending.OVERSIZED),
    "a slow flood of pings": (repeating(frame(b"p", 9), 0.05), Ending.TIMED_OUT),
    "silence": (saying(), Ending.TIMED_OUT),
    "silence in the middle": (saying(*map(frame, TURN[:4])), Ending.TIMED_OUT),
    "half a frame": (saying(frame(TURN[0])[:20]), Ending.TIMED_OUT),
    "a close in the middle": (saying(frame(TURN[0]), close(1011, b"I am ill")), Ending.CUT),
    "a close at once": (saying(close(1008)), Ending.CUT),
    "a close of a wrong code": (saying(close(7)), Ending.MALFORMED),
    "a close of one byte": (saying(b"\x88\x01x"), Ending.MALFORMED),
    "a masked frame": (saying(b"\x81\x85\0\0\0\0hello"), Ending.MALFORMED),
    "reserved bits": (saying(frame(b"{}", bits=0x40)), Ending.MALFORMED),
    "an unknown opcode": (saying(frame(b"{}", 3)), Ending.MALFORMED),
    "a continuation of nothing": (saying(frame(b"{}", 0)), Ending.MALFORMED),
    "no frames at all": (saying(b"HTTP/1.1 200 OK\r\n\r\n" * 9), Ending.MALFORMED),
}


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_target_costs_a_turn_and_no_more(name: str) -> None:
    talk, ending = HOSTILE[name]
    exchange = first_turn(talk)
    assert exchange.ending is ending, exchange.problem
    assert exchange.problem
    assert exchange.size <= BOUNDS.body + BOUNDS.event + 100_000
    judge(exchange)


NO_EVENTS = (
    *(b"", b"hello", b"[]", b"\xff\xfe", b'{"type": 7}'),
    *(b'{"type":"error","status":"x"}', b"[" * 50_000, b'{"a\nb":1}', b'"response.completed"'),
)


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("text", NO_EVENTS)
def test_a_message_that_is_no_event_is_a_finding(text: bytes) -> None:
    exchange = first_turn(saying(*map(frame, [*TURN[:2], text, *TURN[2:]])))
    assert judge(exchange).ids(Level.MUST, Level.SHOULD)


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def test_a_connection_that_breaks_is_said() -> None:
    assert first_turn(_hang_up).ending is Ending.CUT


NO_OFFER: dict[str, bytes] = {
    "426": b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
    "404 in chunks": b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "405": b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 99999999999\r\n\r\n",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>",
    "a redirect": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: ws://127.0.0.2/v1/responses\r\n\r\n",
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"HTTP/1.1 4",
}
WRONG: dict[str, bytes] = {
    "a wrong accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm90IHRoaXMgb25l\r\n\r\n",
    "no accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "an endless head": b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 40_000,
}


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("name", [*NO_OFFER, *WRONG])
def test_a_refused_handshake_is_no_offer_and_a_wrong_one_is_said(name: str) -> None:
    with pytest.raises(Unsupported if name in NO_OFFER else SetupFailed) as raised:
        completed(talk_to(saying(), head=NO_OFFER.get(name) or WRONG.get(name, b"")))
    assert "sk-of-this-run" not in str(raised.value)


STATUSES: dict[str, Answer] = {
    "426": refusal(426, "WebSockets are switched off."),
    "404": reply(404, {"detail": "Not Found"}),
    "405": reply(405, {"detail": "Method Not Allowed"}, "Allow: POST"),
    "403": refusal(403, "no"),
    "200": reply(200, b"<h1>Console</h1>", kind="text/html"),
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_target_without_a_web_socket_is_asked_once_and_is_no_drift(name: str) -> None:
    def answer(asked: Asked) -> Answer | None:
        return STATUSES[name] if asked.path == "/v1/responses" and asked.method == "GET" else None

    report, target = report_of(answer, "chat.short", SECTION)
    assert {result.outcome for result in report.results[1:]} == {Outcome.UNSUPPORTED}
    assert sum(asked.method == "GET" and asked.path == "/v1/responses" for asked in target.asked) == 1
    assert report.exit_code() is ExitCode.OK


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(seed=1) as server:
        yield server


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_fake_passes_over_a_web_socket(fake: FakeServer, seed: int) -> None:
    fake.settings.seed = seed
    report, _ = report_of(lambda asked: None, SECTION, url=fake.base_url)
    assert [(result.outcome, result.findings) for result in report.results] == [(Outcome.PASS, ())] * 3


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.client", None)
    with pytest.raises(NotReached, match=r"pip install 'openai-contract-kit\[websocket\]'"):
        completed(talk_to(saying()))
