"""The seven WebSocket tests of Open Responses, written anew from their descriptions, against the fake.

Each is named as there. A turn must fit `contract_tests.lab.suites.open_responses`, and keep the rules of streams.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from websockets.sync.connection import Connection

from contract_tests.lab.suites import open_responses as spec
from contract_tests.rules import judge
from contract_tests.tests.test_web_socket_turns import Body, as_stream, ask, dial
from fake_server import FakeServer


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(plain=True, scripts=[]) as server:
        yield server


@pytest.fixture
def socket(fake: FakeServer) -> Iterator[Connection]:
    with dial(fake) as connection:
        yield connection


def answered(socket: Connection, **body: Any) -> Body:
    """The response that a turn ends with, whose events break no rule and fit the specification."""
    exchange = as_stream({"model": "gpt-4o", **body}, ask(socket, **body))
    assert judge(exchange).findings == ()
    response, problems = spec.problems_of_stream(exchange.payload)
    assert set(problems) == set()
    assert response["status"] == "completed"
    return response


def refused(socket: Connection, **body: Any) -> Body:
    """The error of a turn that has no other event."""
    (frame,) = ask(socket, **body)
    event: Body = json.loads(frame)
    assert event["type"] == "error"
    assert isinstance(event["error"]["message"], str)
    assert 400 <= event["status"] < 500
    return dict(event["error"])


def text_of(response: Body) -> str:
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def test_websocket_response(socket: Connection) -> None:
    response = answered(socket, input="Say exactly: hello", store=False)
    assert (response["status"], text_of(response)) == ("completed", "hello")


def test_websocket_sequential_responses(socket: Connection) -> None:
    first = answered(socket, input="Say exactly: one", store=False)
    second = answered(socket, input="Say exactly: two", store=False)
    assert (text_of(first), text_of(second)) == ("one", "two")
    assert first["id"] != second["id"]


def test_websocket_continuation(socket: Connection) -> None:
    first = answered(socket, input="Remember the word copper.", store=False)
    second = answered(socket, input="Go on.", store=False, previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]


def test_websocket_reconnect_store_false_recovery(fake: FakeServer) -> None:
    with dial(fake) as socket:
        name = answered(socket, input="Remember the word copper.", store=False)["id"]
    with dial(fake) as socket:
        error = refused(socket, input="Go on.", store=False, previous_response_id=name)
        assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
        assert answered(socket, input="Start anew.", store=False)["previous_response_id"] is None


def test_websocket_previous_response_not_found(socket: Connection) -> None:
    error = refused(socket, input="Go on.", store=False, previous_response_id="resp_" + "0" * 50)
    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
    assert answered(socket, input="Hello", store=False)["status"] == "completed"


def test_websocket_failed_continuation_evicts_cache(socket: Connection) -> None:
    name = answered(socket, input="Remember the word copper.", store=False)["id"]
    output = {"type": "function_call_output", "call_id": "call_missing", "output": "{}"}
    error = refused(socket, input=[output], store=False, previous_response_id=name)
    assert error["param"] == "input"
    error = refused(socket, input="Go on.", store=False, previous_response_id=name)
    assert error["code"] == "previous_response_not_found"


def test_websocket_compact_new_chain(fake: FakeServer, socket: Connection) -> None:
    given = [{"role": "user", "content": "Remember the word copper."}]
    with httpx2.Client(base_url=fake.root, headers={"authorization": "Bearer any"}) as client:
        compacted = client.post("/v1/responses/compact", json={"model": "gpt-4o", "input": given}).json()
    window = [*compacted["output"], {"type": "message", "role": "user", "content": "Which word?"}]
    first = answered(socket, input=window, store=False)
    assert first["previous_response_id"] is None
    assert answered(socket, input="And now?", store=False, previous_response_id=first["id"])["status"] == "completed"
