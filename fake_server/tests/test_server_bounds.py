"""What a connection may hold: pipelined requests, upgrades, and heads, trailers and chunks without an end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from fake_server.scripts import book
from fake_server.server import http_protocol
from fake_server.server.http_protocol import HEAD_BYTES
from fake_server.server.settings import Settings
from fake_server.tests.edge_client import ASK, serving

pytestmark = pytest.mark.security("raw HTTP")

GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
BODY = json.dumps(ASK).encode()
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
CLOSE = b"Connection: close\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Settings(plain=True)) as port:
        yield port


def answers(port: int, *sent: bytes) -> list[tuple[int, bytes]]:
    """Status and body of every reply until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.settimeout(60)
        for piece in sent:
            link.sendall(piece)
        return _replies(link.makefile("rb").read())


def _replies(got: bytes) -> list[tuple[int, bytes]]:
    found = []
    while got:
        head, _, rest = got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append((int(head.split()[1]), rest[:length]))
        got = rest[length:]
    return found


def test_an_upgrade_is_ignored_and_the_connection_goes_on(port: int) -> None:
    """The HTTP client of Java offers h2c with every first request, one with a body too."""
    asked = POST + LENGTH + H2C + b"\r\n" + BODY
    assert [status for status, _ in answers(port, asked + asked + GET + CLOSE + b"\r\n")] == [200] * 3
    assert [status for status, _ in answers(port, GET + H2C + b"\r\n", GET + CLOSE + b"\r\n")] == [200] * 2


def test_an_upgrade_of_a_connection_that_closes_is_answered_too(port: int) -> None:
    assert [status for status, _ in answers(port, GET + H2C + CLOSE + b"\r\n")] == [200]
    assert [status for status, _ in answers(port, POST + LENGTH + CLOSE + H2C + b"\r\n" + BODY)] == [200]


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    asked = POST + LENGTH + b"\r\n" + BODY
    (first, chat), (second, models) = answers(port, asked + GET + CLOSE + b"\r\n")
    assert (first, json.loads(chat)["object"]) == (200, "chat.completion")
    assert (second, json.loads(models)["object"]) == (200, "list")


def test_garbage_behind_a_request_is_refused_after_its_reply(port: int) -> None:
    asked = POST + LENGTH + b"\r\n" + BODY
    assert [status for status, _ in answers(port, asked + asked + b"garbage\r\n\r\n")] == [200, 200, 400]


def test_garbage_in_a_body_is_refused(port: int) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert [status for status, _ in answers(port, chunked + b"zz\r\n")] == [400]
    assert [status for status, _ in answers(port, chunked + b"2\r\n{", b"}xx")] == [400]


@pytest.mark.parametrize(
    "head",
    [
        POST + LENGTH + b"Transfer-Encoding: chunked\r\n",
        POST + LENGTH + b"Content-Length: 9\r\n",
        b"GET /v1/models HTTP/1.1\r\n",
        GET + b"Host: y\r\n",
        b"GET /v1/models\r\n",
        b"GET /v1/models HTTP/2.0\r\nHost: localhost\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n",
    ],
    ids=["length and chunks", "two lengths", "no host", "two hosts", "HTTP/0.9", "HTTP/2.0", "CONNECT"],
)
def test_a_head_that_means_two_things_or_nothing_here_is_refused(port: int, head: bytes) -> None:
    assert [status for status, _ in answers(port, head + b"\r\n")] == [400]


def test_http_1_0_gets_no_chunks() -> None:
    script = {"name": "paced", "reply": {"text": "one two", "timing": {"rate": 100.0}}}
    asked = json.dumps({**ASK, "stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\n"
    with (
        serving(Settings(plain=True, book=book.parse([script]))) as port,
        socket.create_connection(("127.0.0.1", port), 60) as link,
    ):
        link.sendall(head + b"Content-Length: %d\r\n\r\n" % len(asked) + asked)
        told, _, body = link.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in told
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")


def test_head_gets_the_head_alone(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.sendall(b"HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n")
        head, _, body = link.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"content-length: " in head
    assert body == b""


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (GET, b"X-More: and more\r\n"),
        (GET + b"X-Long: ", b"x" * 1024),
        (b"GET /", b"x" * 1024),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 1024),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-More: and more\r\n"),
    ],
    ids=["fields", "one field", "target", "chunk extension", "trailers"],
)
def test_what_never_ends_is_refused(port: int, begun: bytes, more: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.settimeout(60)
        link.sendall(begun)
        sent, told = 0, b""
        while sent < 20 * HEAD_BYTES:
            try:
                link.sendall(more * 64)
                sent += len(more) * 64
                link.setblocking(False)
                told = link.recv(4096)
                break
            except BlockingIOError:
                link.settimeout(60)
                time.sleep(0.01)
            except OSError:  # it hung up with bytes of ours unread
                break
    assert sent < 20 * HEAD_BYTES
    assert told[:13] in (b"", b"HTTP/1.1 431 ")


@pytest.mark.parametrize("begun", [b"", GET + b"\r\n", POST + LENGTH + b"\r\n" + BODY])
def test_blank_lines_keep_no_connection_open(port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.sendall(begun)
        time.sleep(0.1 if begun else 0)
        link.sendall(b"\r\n")
        told = b""
        while piece := link.recv(65536):
            told += piece
    assert told.count(b"HTTP/1.1 200 ") == bool(begun)
    assert told.count(b"HTTP/1.1 408 ") == 1
