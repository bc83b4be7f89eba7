"""Clients that never read, that send slowly or never end: what they hold is bounded, and others are answered."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from fake_server import FakeServer
from fake_server.server import http_protocol, in_flight, sender, waiting
from fake_server.server.state import memory
from fake_server.server.state.memory import IN_FLIGHT
from fake_server.tests.edge_client import ask
from fake_server.tests.raw_client import wait_until

pytestmark = pytest.mark.security("memory")

LARGE = 8 * 1024 * 1024
"""Bytes of a reply that the system's own buffers do not take."""
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SCRIPTS = [
    {"name": "large", "when": {"messages": {"last": {"equals": "large"}}}, "reply": {"raw": {"body": "x" * LARGE}}},
    {
        "name": "stream",
        "when": {"messages": {"last": {"equals": "stream"}}},
        "reply": {"text": "word " * (LARGE // 200)},
    },
]


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(SCRIPTS, seed=1, plain=True) as server:
        yield server


@pytest.fixture
def links() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def port_of(fake: FakeServer) -> int:
    return int(fake.root.rpartition(":")[2])


def connect(fake: FakeServer, links: contextlib.ExitStack, data: bytes) -> socket.socket:
    """A connection whose own buffer for what it receives is small, with these bytes sent."""
    link = links.enter_context(socket.socket())
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.settimeout(30)
    link.connect(("127.0.0.1", port_of(fake)))
    with contextlib.suppress(OSError):  # it hung up already
        link.sendall(data)
    return link


def request(content: str, **members: object) -> bytes:
    body = json.dumps({**CHAT, "messages": [{"role": "user", "content": content}], **members}).encode()
    return POST + b"Content-Length: %d\r\n\r\n" % len(body) + body


def others_are_answered(fake: FakeServer) -> None:
    assert ask(port_of(fake), body=CHAT).status == 200


def buffered(fake: FakeServer) -> list[int]:
    assert fake._server is not None
    connections = list(fake._server.server_state.connections)
    return [connection.transport.get_write_buffer_size() for connection in connections]


def busy(fake: FakeServer) -> int:
    assert fake._server is not None
    return len(fake._server.server_state.tasks)


@pytest.mark.parametrize("content", [request("large"), request("stream", stream=True)], ids=["body", "stream"])
def test_clients_that_never_read_hold_little_and_lose_their_connections(
    fake: FakeServer, links: contextlib.ExitStack, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "WRITE_SECONDS", 2.0)
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", 3 * LARGE)
    budget = fake.settings.spaces.budget
    for _ in range(10):
        connect(fake, links, content)
    wait_until(lambda: len(fake.requests) == 10 and any(buffered(fake)))
    others_are_answered(fake)
    assert max(buffered(fake)) < 4 * sender.TOGETHER
    assert budget.kinds[IN_FLIGHT] <= 3 * LARGE
    assert all(len(entry.reply) <= 256 * 1024 for entry in fake.requests)
    wait_until(lambda: not busy(fake))
    others_are_answered(fake)
    assert budget.kinds[IN_FLIGHT] == 0


def test_what_does_not_fit_beside_unread_replies_is_refused(
    fake: FakeServer, links: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", 3 * LARGE)
    for _ in range(2):
        connect(fake, links, request("large"))
    wait_until(lambda: fake.settings.spaces.budget.kinds[IN_FLIGHT] > 2 * LARGE)
    refused = ask(port_of(fake), body={**CHAT, "messages": [{"role": "user", "content": "large"}]})
    assert (refused.status, refused.error["code"], refused.headers["retry-after"]) == (503, "overloaded", "1")
    others_are_answered(fake)
    assert fake.settings.spaces.budget.refused[IN_FLIGHT] == 1
    links.close()
    wait_until(lambda: not busy(fake))
    whole = ask(port_of(fake), body={**CHAT, "messages": [{"role": "user", "content": "large"}]})
    assert (whole.status, len(whole.body)) == (200, LARGE)


def test_a_client_that_reads_slowly_gets_all(fake: FakeServer, links: contextlib.ExitStack) -> None:
    asked = request("large").replace(b"Host: localhost", b"Host: localhost\r\nConnection: close")
    link = links.enter_context(socket.create_connection(("127.0.0.1", port_of(fake)), 30))
    link.sendall(asked)
    got = b""
    while piece := link.recv(100_000):
        got += piece
        time.sleep(0.0005)
    assert got.partition(b"\r\n\r\n")[2] == b"x" * LARGE


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_slow_uploads_together_are_bounded(
    fake: FakeServer, links: contextlib.ExitStack, framing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", 2 * LARGE)
    monkeypatch.setattr(in_flight, "ROOM_SECONDS", 0.3)
    begun = (
        b"Content-Length: 30000000\r\n\r\n" if framing == "length" else b"Transfer-Encoding: chunked\r\n\r\n1000000\r\n"
    )
    slow = [connect(fake, links, POST + begun + b" " * (LARGE // 2)) for _ in range(6)]
    budget = fake.settings.spaces.budget
    wait_until(lambda: budget.refused[IN_FLIGHT] > 0)
    others_are_answered(fake)
    assert budget.kinds[IN_FLIGHT] <= 2 * LARGE + memory.SPARE
    assert any(link.recv(12) == b"HTTP/1.1 503" for link in slow[-1:])
    links.close()
    wait_until(lambda: budget.kinds[IN_FLIGHT] == 0)


def test_small_uploads_fit_beside_large_ones(
    fake: FakeServer, links: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", LARGE)
    connect(fake, links, POST + b"Content-Length: 30000000\r\n\r\n" + b" " * (LARGE // 2))
    wait_until(lambda: fake.settings.spaces.budget.kinds[IN_FLIGHT] > LARGE // 2)
    body = json.dumps(CHAT).encode()
    link = connect(fake, links, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body[:10])
    time.sleep(0.05)
    link.sendall(body[10:])
    assert link.recv(15) == b"HTTP/1.1 200 OK"


def test_requests_in_a_row_without_reading_are_bounded(fake: FakeServer, links: contextlib.ExitStack) -> None:
    number = 5000
    link = connect(fake, links, request("large") + (GET + b"\r\n") * number)
    wait_until(lambda: any(buffered(fake)))
    assert fake._server is not None
    (connection,) = fake._server.server_state.connections
    assert len(connection.pipeline) <= http_protocol.MOST_PIPELINED  # type: ignore[union-attr]
    got = b""
    while piece := link.recv(1 << 20):
        got += piece
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", got)
    assert statuses == [b"200"] * (1 + http_protocol.MOST_PIPELINED) + [b"503"]


def half_open(_: FakeServer, links: contextlib.ExitStack) -> socket.socket:
    return connect(_, links, GET)


def silent(_: FakeServer, links: contextlib.ExitStack) -> socket.socket:
    return connect(_, links, b"")


def idle(fake: FakeServer, links: contextlib.ExitStack) -> socket.socket:
    link = connect(fake, links, GET + b"\r\n")
    link.recv(200)
    return link


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize("opened", [half_open, silent, idle])
def test_connections_that_wait_are_bounded_and_the_oldest_is_dropped(
    fake: FakeServer,
    links: contextlib.ExitStack,
    opened: Callable[[FakeServer, contextlib.ExitStack], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "MOST_WAITING", 20)
    first, *_ = [opened(fake, links) for _ in range(60)]
    assert fake._server is not None
    state = fake._server.server_state
    wait_until(lambda: state.waiting.dropped >= 40)
    others_are_answered(fake)
    assert len(state.waiting) <= 20
    with contextlib.suppress(ConnectionResetError):
        while first.recv(65536):
            pass
    wait_until(lambda: len(state.connections) <= 22)


def test_streams_under_way_are_not_dropped_for_those_that_wait(
    fake: FakeServer, links: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_WAITING", 10)
    fake.fault("stall", after_events=1, when={"stream": True})
    streams = []
    for number in range(30):
        streams.append(connect(fake, links, request("hi", stream=True)))
        wait_until(lambda begun=number + 1: busy(fake) == begun)  # type: ignore[misc]
    for _ in range(30):
        half_open(fake, links)
    others_are_answered(fake)
    for link in streams:
        got = b""
        while b"data: " not in got:
            got += link.recv(4096)


@pytest.mark.security("raw HTTP")
def test_unfinished_heads_together_are_bounded(
    fake: FakeServer, links: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_HEAD_BYTES", 100_000)
    for _ in range(20):
        connect(fake, links, GET + b"X-Long: " + b"x" * 30_000)
    assert fake._server is not None
    state = fake._server.server_state
    wait_until(lambda: state.waiting.dropped >= 16)
    others_are_answered(fake)
    assert sum(state.waiting.values()) <= 100_000


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize("whole", [True, False])
def test_a_head_of_too_many_fields_is_refused(fake: FakeServer, links: contextlib.ExitStack, whole: bool) -> None:
    fields = b"".join(b"a%d:\r\n" % number for number in range(http_protocol.MOST_FIELDS + 10))
    link = connect(fake, links, GET + fields + (b"\r\n" if whole else b""))
    assert link.recv(13) == b"HTTP/1.1 431 "


FEW_FILES = """
import resource, sys, logging
logging.basicConfig(level="INFO")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from fake_server.server.settings import Settings
from fake_server.server.uvicorn_server import listen, serve_on, uvicorn_server
listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
serve_on(uvicorn_server(Settings()), listener)
"""


@pytest.mark.security("raw HTTP")
@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_more_connections_than_files_starve_nobody_and_fill_no_log() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FEW_FILES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            with contextlib.ExitStack() as links:
                for _ in range(300):
                    link = links.enter_context(socket.create_connection(("127.0.0.1", port), 30))
                    with contextlib.suppress(OSError):
                        link.sendall(GET)
                for _ in range(3):
                    assert ask(port, body=CHAT).status == 200
        finally:
            server.terminate()
            assert server.stderr is not None
            logged = server.stderr.read()
    assert len(logged.splitlines()) <= 3
