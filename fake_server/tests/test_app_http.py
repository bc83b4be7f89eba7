"""The edge in raw bytes: requests that are not HTTP or never end, odd targets, header names as sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from fake_server.api.render.style import Style
from fake_server.server import http_protocol
from fake_server.server.settings import Settings
from fake_server.tests.edge_client import ASK, ask, serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Settings(plain=True)) as port:
        yield port


def sent(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of what comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.settimeout(60)
        link.sendall(request)
        with link.makefile("rb") as reader:
            head, _, body = reader.read().partition(b"\r\n\r\n")
            return head, body


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize("line", ["garbage", "GET /v1/\xff HTTP/1.1\r\nHost: localhost"])
def test_what_is_not_http_is_refused_in_the_same_form(port: int, line: str) -> None:
    head, body = sent(port, line.encode("latin-1") + b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_the_absolute_form_of_a_target(port: int) -> None:
    assert ask(port, "GET", "http://localhost/v1/models").json["object"] == "list"


BEGUN = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Sl"


@pytest.mark.security("raw HTTP")
@pytest.mark.parametrize(("kept", "begun"), [(False, b""), (False, BEGUN), (True, BEGUN)])
def test_a_head_that_never_ends_is_408(kept: bool, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)
    with serving(Settings()) as port, socket.create_connection(("127.0.0.1", port), 60) as link:
        if kept:
            link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert link.recv(4096).startswith(b"HTTP/1.1 200 ")
        link.sendall(begun)
        reply = link.makefile("rb").read()
    _, _, refusal = reply.partition(b"HTTP/1.1 408 Request Timeout\r\n")
    body = refusal.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["error"]["message"] == "No whole request arrived within 0.1 seconds."


@pytest.mark.security("raw HTTP")
def test_an_upgrade_is_ignored(port: int, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert ask(port, "GET", "/v1/models", headers=headers).status == 200
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("case", "name"), [("lower", b"x-request-id"), ("title", b"X-Request-Id"), ("upper", b"X-REQUEST-ID")]
)
def test_header_names_are_written_as_the_style_says(case: str, name: bytes) -> None:
    body = json.dumps({**ASK, "stream": True}).encode()
    ask_chat = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n" % len(body)
    closing = b"Host: localhost\r\nOrigin: http://app.invalid\r\nConnection: close\r\n\r\n"
    with serving(Settings(style=Style(header_case=case, space=False))) as port:
        for line, payload in (
            (b"GET /v1/models HTTP/1.1\r\n", b""),
            (b"GET /no HTTP/1.1\r\n", b""),
            (ask_chat, body),
        ):
            head, answer = sent(port, line + closing + payload)
            assert b"\r\n" + name + b": req_" in head
            assert head.lower().count(b"access-control-allow-origin: *") == 1
        assert b"data:{" in answer
