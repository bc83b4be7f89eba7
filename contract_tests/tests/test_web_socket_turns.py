"""WebSocket mode of the fake, judged: each turn by the rules of streams, in 20 seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from contract_tests.rules import judge
from fake_server import FakeServer
from fake_server.wire.exchange import Exchange, Framing, Request, Write

Body = dict[str, Any]
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
WEATHER: Body = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CITY: Body = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TURNS: dict[str, Body] = {
    "text": {"input": "Write a poem about a tree: élan, 木, 🌳"},
    "tool": {"input": "What is the weather in Oslo and Paris?", "tools": [WEATHER], "tool_choice": "required"},
    "thinking": {
        "model": "o3",
        "input": "What is 2 + 3?",
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    },
    "scores": {"input": "Say this is a test", "include": ["message.output_text.logprobs"], "top_logprobs": 1},
    "cut": {"input": "Count from 1 to 100", "max_output_tokens": 20},
    "schema": {"input": "A city", "text": {"format": {"type": "json_schema", "name": "city", "schema": CITY}}},
    "lane": {"input": "Say exactly: hello", "stream_id": "lane-1"},
    "warming up": {"input": "Say exactly: hello", "store": False, "generate": False},
    "search": {"input": "News?", "tools": [{"type": "web_search"}], "tool_choice": "required"},
}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(seed=3, scripts=[]) as server:
        yield server


@pytest.fixture
def socket(fake: FakeServer) -> Iterator[Connection]:
    with dial(fake) as connection:
        yield connection


def dial(fake: FakeServer) -> Connection:
    return connect(fake.root.replace("http", "ws") + "/v1/responses", max_size=None)


def ask(socket: Connection, **body: Any) -> list[str]:
    """The frames of one turn."""
    socket.send(json.dumps({"type": "response.create", "model": "gpt-4o", **body}))
    frames = [str(socket.recv(30))]
    while json.loads(frames[-1])["type"] not in ENDS:
        frames.append(str(socket.recv(30)))
    return frames


def as_stream(body: Body, frames: list[str]) -> Exchange:
    """The frames of a turn as the events of the stream that the same request by POST would get."""
    asked = {name: value for name, value in body.items() if name != "type"} | {"stream": True}
    fields = (("content-type", "application/json"), ("authorization", "Bearer any"))
    events = (f"event: {json.loads(frame)['type']}\ndata: {frame}\n\n" for frame in frames)
    return Exchange(
        Request("POST", "/v1/responses", fields, json.dumps(asked).encode()),
        200,
        (("content-type", "text/event-stream; charset=utf-8"), ("x-request-id", "req_1")),
        (Write("".join(events).encode()),),
        framing=Framing.CHUNKED,
    )


@pytest.mark.parametrize("seed", range(20))
def test_no_seed_has_a_finding_in_a_turn(fake: FakeServer, socket: Connection, seed: int) -> None:
    fake.settings.seed = seed
    for name, body in TURNS.items():
        exchange = as_stream({"model": "gpt-4o", **body}, ask(socket, **body))
        assert judge(exchange).findings == (), name


def test_what_is_broken_is_found_in_a_turn_too(fake: FakeServer) -> None:
    with dial(fake) as socket:
        fake.fault("drop-events", of="response.output_item.done", times=1)
        frames = ask(socket, input="Hello")
    assert "responses.stream.item-closes" in judge(as_stream({"model": "gpt-4o", "input": "Hello"}, frames)).ids()
