"""A turn over the fake's WebSocket is the same however its bytes arrive: cut at every place, and one by one."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from contract_tests.rules import judge
from contract_tests.tests.test_web_socket_turns import ENDS, as_stream
from fake_server import FakeServer

BODY: dict[str, Any] = {"model": "gpt-4o", "input": "Say exactly: hi", "store": False}
MESSAGE = json.dumps({"type": "response.create", **BODY})


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(plain=True, scripts=[]) as server:
        yield server


class Client:
    """A client whose bytes leave as a test cuts them."""

    def __init__(self, fake: FakeServer, pieces: int) -> None:
        uri = parse_uri(fake.root.replace("http", "ws") + "/v1/responses")
        self.protocol = ClientProtocol(uri)
        self.connection = socket.create_connection((uri.host, uri.port), timeout=30)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.protocol.send_request(self.protocol.connect())
        data = b"".join(self.protocol.data_to_send())
        self.send(data[at : at + pieces] for at in range(0, len(data), pieces))
        while not self.protocol.events_received():
            self.protocol.receive_data(self.connection.recv(65536))

    def send(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.connection.sendall(piece)
            time.sleep(0.0005)  # so that they arrive apart

    def turn(self, cut: int | None) -> tuple[list[str], int]:
        """The messages of one turn whose frame is cut behind `cut` bytes, behind each where None; and its bytes."""
        self.protocol.send_text(MESSAGE.encode())
        frame = b"".join(self.protocol.data_to_send())
        cuts = range(len(frame)) if cut is None else (0, cut)
        ends = [*list(cuts)[1:], len(frame)]
        self.send(frame[start:end] for start, end in zip(cuts, ends, strict=True))
        messages: list[str] = []
        while not messages or json.loads(messages[-1])["type"] not in ENDS:
            self.protocol.receive_data(self.connection.recv(65536))
            messages += [bytes(event.data).decode() for event in self.protocol.events_received()]  # type: ignore[union-attr]
        return messages, len(frame)


def said(messages: list[str]) -> str:
    return "".join(
        event["delta"] for event in map(json.loads, messages) if event["type"] == "response.output_text.delta"
    )


def test_cut_at_every_place(fake: FakeServer) -> None:
    client = Client(fake, pieces=1000)
    with client.connection:
        _, size = client.turn(1)
        for cut in range(1, size):
            messages, _ = client.turn(cut)
            assert said(messages) == "hi", cut
            assert judge(as_stream(BODY, messages)).findings == (), cut


def test_byte_by_byte(fake: FakeServer) -> None:
    client = Client(fake, pieces=1)
    with client.connection:
        messages, _ = client.turn(None)
    assert said(messages) == "hi"
    assert judge(as_stream(BODY, messages)).findings == ()
