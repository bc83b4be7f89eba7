"""What reaches the edge below the app: requests that are not HTTP, and odd targets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from fake_server.settings import Settings
from fake_server.tests.edge_client import ask, serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Settings(plain=True)) as port:
        yield port


@pytest.mark.parametrize("line", ["garbage", "GET /v1/\xff HTTP/1.1\r\nHost: x"])
def test_what_is_not_http_is_refused_in_the_same_form(port: int, line: str) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.sendall(line.encode("latin-1") + b"\r\n\r\n")
        link.settimeout(5)
        reply = link.makefile("rb").read()
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_the_absolute_form_of_a_target(port: int) -> None:
    assert ask(port, "GET", "http://proxy.invalid/v1/models").json["object"] == "list"
