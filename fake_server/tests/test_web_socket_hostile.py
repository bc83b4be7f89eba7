"""What a WebSocket refuses, and what it bounds."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fake_server import FakeServer
from fake_server.server import turns
from fake_server.tests.test_web_socket import ask, dial, events, send

HEAD = (
    "GET /v1/responses HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer(seed=3, scripts=[]) as server:
        yield server


@pytest.fixture
def fake(server: FakeServer) -> Iterator[FakeServer]:
    server.reset()
    yield server
    until(lambda: server.settings.spaces.budget.kinds["in_flight"] == 0)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def raw(fake: FakeServer, **given: str) -> socket.socket:
    """A connection whose handshake has been sent."""
    fields = {"host": "localhost", "key": base64.b64encode(os.urandom(16)).decode(), "more": "", **given}
    client = socket.create_connection(("127.0.0.1", int(fake.root.rpartition(":")[2])), timeout=20)
    client.sendall(HEAD.format(**fields).encode())
    return client


def head_of(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(1)
        if not piece:
            break
        head += piece
    return head.decode("latin-1")


def frame(data: bytes, first: int = 0x81, *, masked: bool = True) -> bytes:
    sized = struct.pack("!BQ", (0x80 * masked) | 127, len(data))
    return bytes((first,)) + sized + (b"\0\0\0\0" if masked else b"") + data


def code_of(client: socket.socket) -> int | None:
    """The code of the close frame that ends the connection; None where there is none."""
    received = b""
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionError:
        pass
    at = received.rfind(b"\x88")
    code = received[at + 2 : at + 4] if at >= 0 else b""
    return struct.unpack("!H", code)[0] if len(code) == 2 else None


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"])
def test_a_name_that_a_page_made_point_here_gets_no_socket(fake: FakeServer, host: str) -> None:
    with raw(fake, host=host) as client:
        assert head_of(client).startswith("HTTP/1.1 421 ")


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9999"])
def test_a_page_of_another_origin_makes_no_space(fake: FakeServer, origin: str) -> None:
    before = {space.name for space in fake.settings.spaces.known()}
    with dial(fake, "/@theirs/v1/responses", origin=origin) as client:
        assert ask(client)["type"] == "response.completed"
    assert {space.name for space in fake.settings.spaces.known()} == before
    with pytest.raises(InvalidStatus) as refused:
        dial(fake, "/__fake__/requests", origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize("sent", [None, "Bearer wrong", "Basic secret", "Bearer secret "])
def test_the_key_is_asked_for(sent: str | None) -> None:
    with FakeServer(api_key="secret") as fake:
        fields = {} if sent is None else {"authorization": sent}
        if sent == "Bearer secret ":
            with dial(fake, **fields) as client:
                assert ask(client)["type"] == "response.completed"
            return
        with pytest.raises(InvalidStatus) as refused:
            dial(fake, **fields)
        assert refused.value.response.status_code == 401
        assert "error" in json.loads(refused.value.response.body or b"{}")


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"key": "short"}, 400),
        ({"key": "=" * 24}, 400),
        ({"more": "Sec-WebSocket-Version: 8\r\n"}, 400),
        ({"more": "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"}, 400),
        ({"more": "Content-Length: 5\r\n"}, 400),
        ({"more": "Transfer-Encoding: chunked\r\n"}, 400),
        ({"more": "Sec-WebSocket-Extensions: permessage-deflate\r\n"}, 101),
        ({"more": "Sec-WebSocket-Protocol: realtime\r\n"}, 101),
    ],
)
def test_the_handshake_is_strict(fake: FakeServer, given: dict[str, str], status: int) -> None:
    with raw(fake, **given) as client:
        if "Content-Length" in given.get("more", ""):
            client.sendall(b"12345")
        elif "Transfer" in given.get("more", ""):
            client.sendall(b"0\r\n\r\n")
        head = head_of(client)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "sec-websocket-extensions" not in head.lower()
    assert "sec-websocket-protocol" not in head.lower()


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"{}", masked=False), 1002),
        (frame(b"{}", 0xC1), 1002),
        (frame(b"{}", 0x83), 1002),
        (frame(b"x", 0x80), 1002),
        (frame(b"x" * 200, 0x89), 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"", 0x88), None),
        (b"\x81\xff" + struct.pack("!Q", 2**62) + b"\0\0\0\0", 1009),
        (b"\x81\xff" + struct.pack("!Q", 33 * 1024 * 1024) + b"\0\0\0\0", 1009),
        (frame(b"x", 0x01) + frame(b"x", 0x01), 1002),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1002),
    ],
)
def test_frames_against_the_rules_end_the_connection(fake: FakeServer, sent: bytes, code: int | None) -> None:
    with raw(fake) as client:
        assert head_of(client).startswith("HTTP/1.1 101 ")
        client.sendall(sent)
        assert code_of(client) == code
    with dial(fake) as other:
        assert ask(other)["type"] == "response.completed"


@pytest.mark.security("work of one request")
@pytest.mark.parametrize(
    ("name", "sent"),
    [("IDLE_SECONDS", b""), ("FRAME_SECONDS", frame(b"x" * 100)[:50]), ("FRAME_SECONDS", frame(b"x", 0x01))],
)
def test_waiting_ends(fake: FakeServer, monkeypatch: pytest.MonkeyPatch, name: str, sent: bytes) -> None:
    monkeypatch.setattr(turns, name, 0.2)
    with raw(fake) as client:
        head_of(client)
        client.sendall(sent)
        assert code_of(client) == 1008


@pytest.mark.security("work of one request")
def test_a_connection_does_not_last_for_ever(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LIFE_SECONDS", 0.5)
    with dial(fake) as client:
        (error,) = events(client)
        assert error["error"]["code"] == "websocket_connection_limit_reached"
        with pytest.raises(ConnectionClosed):
            client.recv(10)


@pytest.mark.security("work of one request")
def test_lanes_are_bounded(fake: FakeServer) -> None:
    with dial(fake) as client:
        for number in range(turns.MOST_LANES):
            send(client, stream_id=f"lane-{number}")
        for _ in range(turns.MOST_LANES):
            assert last(client)["type"] == "response.completed"
        error = ask(client, stream_id="another")
        assert error["error"]["code"] == "websocket_stream_limit_reached"
        assert ask(client, stream_id="lane-0")["type"] == "response.completed"
        assert ask(client)["type"] == "response.completed"


def last(client: Any) -> dict[str, Any]:
    return events(client)[-1]


@pytest.mark.security("memory")
@pytest.mark.parametrize(("size", "code"), [(10, 1008), (10_000, 1008), (2_000_000, 1013)])
def test_messages_that_wait_are_bounded(fake: FakeServer, size: int, code: int) -> None:
    fake.fault("stall", after_events=1, times=1)
    body = json.dumps({"type": "response.create", "model": "gpt-4o", "input": "x" * size}).encode()
    with raw(fake) as client:
        head_of(client)
        with contextlib.suppress(OSError):
            for _ in range(turns.MOST_PENDING + 2):
                client.sendall(frame(body))
        assert code_of(client) in (code, None)
    fake.reset()
    until(lambda: fake.settings.spaces.budget.kinds["in_flight"] == 0)
    with dial(fake) as other:
        assert ask(other)["type"] == "response.completed"


@pytest.mark.security("memory")
def test_unfinished_messages_count_in_flight(fake: FakeServer) -> None:
    budget = fake.settings.spaces.budget
    with raw(fake) as client:
        head_of(client)
        client.sendall(frame(b"x" * 8_000_000)[:-1])
        until(lambda: budget.kinds["in_flight"] > 15_000_000)
    until(lambda: budget.kinds["in_flight"] == 0)


@pytest.mark.security("memory")
def test_what_is_kept_for_a_connection_goes_with_it(fake: FakeServer) -> None:
    unsaved = fake.settings.spaces("").unsaved
    with dial(fake) as client:
        for _ in range(3):
            name = ask(client, store=False)["response"]["id"]
        assert unsaved.get(name) is not None
        assert len(unsaved._saved) == 1
        with dial(fake) as other:
            assert ask(other, previous_response_id=name)["error"]["code"] == "previous_response_not_found"
    until(lambda: not unsaved._saved)


@pytest.mark.security("work of one request")
def test_a_client_that_leaves_leaves_nothing_under_way(fake: FakeServer) -> None:
    fake.fault("stall", after_events=1, times=1)
    with raw(fake) as client:
        head_of(client)
        client.sendall(frame(b'{"type": "response.create", "model": "gpt-4o", "input": "x"}'))
        client.recv(10)
    until(lambda: all(entry.seconds is not None for entry in fake.requests))
    assert [entry.status for entry in fake.requests] == [101, 200]


@pytest.mark.security("raw HTTP")
def test_what_comes_before_the_answer_to_a_handshake_is_refused(fake: FakeServer) -> None:
    more = "\r\n" + frame(b"{}").decode("latin-1")
    with raw(fake, more=more) as client:
        head = head_of(client)
        assert head.startswith(("HTTP/1.1 101 ", "HTTP/1.1 400 "))
    with dial(fake) as other:
        assert ask(other)["type"] == "response.completed"
