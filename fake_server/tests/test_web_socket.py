"""WebSocket mode of /responses: turns, lanes, refusals, continuation, and what ends the connection."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from fake_server import FakeServer
from fake_server.relay.relay import Relay

_PREVIOUS = "previous_response_id"
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer(seed=3, scripts=[]) as server:
        yield server


@pytest.fixture
def fake(server: FakeServer) -> FakeServer:
    server.reset()
    return server


def dial(fake: FakeServer, path: str = "/v1/responses", **fields: str) -> Connection:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    url = fake.root.replace("http", "ws") + path
    return connect(url, additional_headers=headers, open_timeout=10, close_timeout=10, max_size=None)


def send(socket: Connection, text: str = "Say hello.", **members: Any) -> None:
    socket.send(json.dumps({"type": "response.create", "model": "gpt-4o", "input": text, **members}))


def events(socket: Connection) -> list[dict[str, Any]]:
    """The events of one turn."""
    received: list[dict[str, Any]] = []
    while not received or received[-1]["type"] not in ENDS:
        received.append(json.loads(socket.recv(30)))
    return received


def ask(socket: Connection, text: str = "Say hello.", **members: Any) -> dict[str, Any]:
    """The last event of one turn."""
    send(socket, text, **members)
    return events(socket)[-1]


def test_each_frame_is_the_data_of_an_event(fake: FakeServer) -> None:
    with dial(fake) as socket:
        send(socket, "Say exactly: good morning")
        received = events(socket)
    assert [event["sequence_number"] for event in received] == list(range(len(received)))
    assert received[0]["type"] == "response.created"
    text = "".join(event["delta"] for event in received if event["type"] == "response.output_text.delta")
    assert text == received[-1]["response"]["output"][-1]["content"][0]["text"] == "good morning"
    assert not any("stream_id" in event for event in received)


def test_turns_of_one_lane_run_one_after_the_other(fake: FakeServer) -> None:
    with dial(fake) as socket:
        for number in range(5):
            send(socket, f"Say exactly: {number}")
        turns = [events(socket) for _ in range(5)]
    assert [len({e["response"]["id"] for e in turn if "response" in e}) for turn in turns] == [1] * 5
    assert [t[-1]["response"]["output"][-1]["content"][0]["text"] for t in turns] == list("01234")
    assert [entry.method for entry in fake.requests] == ["GET", *["POST"] * 5]


def test_lanes_run_side_by_side_and_are_echoed(fake: FakeServer) -> None:
    fake.reply({"text": "a b c", "timing": {"first": 0.5}}, when={"messages": {"last": {"contains": "slow"}}})
    with dial(fake) as socket:
        send(socket, "slow", stream_id="one")
        send(socket, "quick", stream_id="two")
        first, second = events(socket), events(socket)
    assert {event["stream_id"] for event in first if event["type"] == "response.completed"} == {"two"}
    assert second[-1]["stream_id"] == "one"


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        ("{", None),
        ("[1]", None),
        ("", None),
        ('{"model": "gpt-4o"}', "type"),
        ('{"type": "response.steer", "input": []}', "type"),
        ('{"type": "response.create", "model": "gpt-4o", "input": "x", "temperature": 9}', "temperature"),
        ('{"type": "response.create", "model": "text-embedding-3-small", "input": "x"}', "model"),
        ('{"type": "response.create", "model": "gpt-4o", "input": "x", "background": true}', "background"),
        ('{"type": "response.create", "model": "gpt-4o", "input": "x", "stream_id": "a b"}', "stream_id"),
        ('{"type": "response.create", "model": "gpt-4o", "input": "x", "previous_response_id": "resp_0"}', _PREVIOUS),
        ('{"type": "response.create", "model": "gpt-4o", "input": "x", "generate": 1}', "generate"),
        ("[" * 100_000, None),
        ('{"type": "response.create", "input": "\\ud800"}', None),
    ],
)  # fmt: skip
@pytest.mark.security("raw HTTP")
def test_a_refusal_is_an_event_and_leaves_the_connection_open(fake: FakeServer, frame: str, param: str | None) -> None:
    with dial(fake) as socket:
        socket.send(frame)
        (error,) = events(socket)
        assert error["status"] == 400
        assert error["error"]["param"] == param
        assert error["error"]["message"]
        assert ask(socket)["type"] == "response.completed"


@pytest.mark.parametrize("store", [True, False])
def test_a_response_is_gone_on_from(fake: FakeServer, store: bool) -> None:
    with dial(fake) as socket:
        ids, sizes, previous = [], [], None
        for _ in range(4):
            response = ask(socket, "My name is Ada.", store=store, previous_response_id=previous)["response"]
            previous = response["id"]
            ids.append(previous)
            sizes.append(response["usage"]["input_tokens"])
        assert sizes == sorted(set(sizes))
        older = ask(socket, previous_response_id=ids[0], store=store)
        assert older["type"] == ("response.completed" if store else "error")
    with dial(fake) as socket:
        again = ask(socket, previous_response_id=previous)
        assert again["type"] == ("response.completed" if store else "error")
        if not store:
            assert again["error"]["code"] == "previous_response_not_found"
            with pytest.raises(openai.NotFoundError):
                openai.OpenAI(base_url=fake.base_url, api_key="any").responses.retrieve(str(previous))


def test_a_refused_turn_forgets_what_it_went_on_from(fake: FakeServer) -> None:
    with dial(fake) as socket:
        name = ask(socket, store=False)["response"]["id"]
        forked = ask(socket, store=False, previous_response_id=name, temperature=9, stream_id="fork")
        assert forked["stream_id"] == "fork"
        assert ask(socket, store=False, previous_response_id=name, stream_id="fork")["type"] == "response.completed"
        assert ask(socket, store=False, previous_response_id=name, temperature=9)["type"] == "error"
        lost = ask(socket, store=False, previous_response_id=name)
        assert lost["error"]["code"] == "previous_response_not_found"


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("failed", [True, False])
def test_a_failed_turn_is_not_gone_on_from(fake: FakeServer, store: bool, failed: bool) -> None:
    fake.fault("error-event", failed=failed, after_events=3, message="Broken.", times=1)
    with dial(fake) as socket:
        send(socket, store=store)
        received = events(socket)
        assert received[-1]["type"] == ("response.failed" if failed else "error")
        lost = ask(socket, previous_response_id=received[0]["response"]["id"])
        assert lost["error"]["code"] == "previous_response_not_found"


def test_warming_up_generates_nothing_and_uses_no_script_up(fake: FakeServer) -> None:
    fake.reply("from the script")
    with dial(fake) as socket:
        warm = ask(socket, store=False, generate=False)["response"]
        assert warm["output"] == []
        assert warm["usage"]["output_tokens"] == 0
        response = ask(socket, store=False, previous_response_id=warm["id"])["response"]
    assert response["output"][-1]["content"][0]["text"] == "from the script"
    assert [json.loads(entry.body).get("generate") for entry in fake.requests[1:]] == [False, None]


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/@mine/v1/responses"])
def test_a_space_is_entered(fake: FakeServer, path: str) -> None:
    space = fake.space("mine")
    space.reply({"text": "mine"})
    with dial(fake, path) as socket:
        text = ask(socket)["response"]["output"][-1]["content"][0]["text"]
    assert (text == "mine") == ("@mine" in path)


def test_scripts_refuse_and_say(fake: FakeServer) -> None:
    fake.reply({"error": {"status": 429, "message": "Slow down.", "headers": {"retry-after": "7"}}})
    with dial(fake) as socket:
        error = ask(socket)
        assert (error["status"], error["error"]["message"]) == (429, "Slow down.")
        assert error["error"]["headers"]["retry-after"] == "7"
        assert ask(socket)["type"] == "response.completed"


def test_a_cut_ends_the_connection(fake: FakeServer) -> None:
    with dial(fake, x_fake_fault="cut;after_events=3") as socket:
        send(socket)
        assert [json.loads(socket.recv(10))["sequence_number"] for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv(10)
        assert ended.value.rcvd is None


def test_a_stall_is_silence(fake: FakeServer) -> None:
    with dial(fake, x_fake_fault="stall;after_events=2") as socket:
        send(socket)
        assert [json.loads(socket.recv(10))["sequence_number"] for _ in range(2)] == [0, 1]
        with pytest.raises(TimeoutError):
            socket.recv(0.2)


def test_an_event_is_dropped(fake: FakeServer) -> None:
    with dial(fake, x_fake_fault="drop-event;event=2") as socket:
        send(socket)
        assert [event["sequence_number"] for event in events(socket)][:2] == [0, 2]


@pytest.mark.parametrize("fault", ["bom", "compress", "double-framing", "no-space", "merge"])
def test_what_a_web_socket_cannot_show_is_refused(fake: FakeServer, fault: str) -> None:
    with dial(fake, x_fake_fault=fault) as socket:
        error = ask(socket)
    assert error["status"] == 400
    assert fault.partition(";")[0] in error["error"]["message"]


def test_the_sdk_speaks_it(fake: FakeServer) -> None:
    client = openai.OpenAI(base_url=fake.base_url, api_key="any")
    with client.responses.connect() as connection:
        connection.send({"type": "response.create", "model": "gpt-4o", "input": "Say exactly: hello"})
        for event in connection:
            if event.type == "response.completed":
                assert event.response.output_text == "hello"
                break


def test_the_lanes_of_the_sdk(fake: FakeServer) -> None:
    lib = pytest.importorskip("openai.lib.responses_websocket")
    limits = lib.ResponsesWebSocketLimits(8, 1000, 4000, 2**24, 2**25)
    client = openai.OpenAI(base_url=fake.base_url, api_key="any")
    with client.responses.connect() as connection, lib.ResponsesWebSocketSession(connection, limits=limits) as lanes:
        lane, other = lanes.lane("first"), lanes.lane("second")
        for each in (lane, other):
            each.send({"type": "response.create", "model": "gpt-4o", "input": "Say exactly: hello"})
        assert lane.get_final_response(timeout=10).output_text == "hello"
        assert other.get_final_response(timeout=10).output_text == "hello"


@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
def test_without_web_sockets_it_answers_426(path: str) -> None:
    with FakeServer(websocket=False) as fake:
        with pytest.raises(InvalidStatus) as refused:
            dial(fake, path)
        assert refused.value.response.status_code == 426
        answer = openai.OpenAI(base_url=fake.base_url, api_key="any").responses.create(model="gpt-4o", input="x")
        assert answer.status == "completed"


def test_without_the_package_the_refusal_names_the_extra(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fake_server.server.web_socket", None)
    with pytest.raises(InvalidStatus) as refused:
        dial(fake)
    assert refused.value.response.status_code == 426
    message = json.loads(refused.value.response.body or b"{}")["error"]["message"]
    assert "pip install 'openai-contract-kit[websocket]'" in message
    assert "POST" in message


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/embeddings", 405), ("/v1/models", 200), ("/v1/responses/resp_1", 404), ("/v1/realtime", 404)],
)
def test_other_paths_ignore_an_upgrade(fake: FakeServer, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        dial(fake, path)
    assert refused.value.response.status_code == status


def test_the_server_stops_in_time() -> None:
    with FakeServer() as own:
        socket = dial(own)
        assert ask(socket)["type"] == "response.completed"
    with pytest.raises(ConnectionClosed) as ended:
        socket.recv(10)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1001


def test_a_relay_tells_clients_to_go_on_by_post(fake: FakeServer) -> None:
    async def try_it() -> tuple[int, int, list[int | None]]:
        async with Relay(fake.root) as relay:
            with pytest.raises(InvalidStatus) as refused:
                async with connect_async(f"ws://127.0.0.1:{relay.port}/v1/responses", open_timeout=10):
                    pass
            async with httpx2.AsyncClient() as client:
                body = {"model": "gpt-4o", "input": "x"}
                answered = await client.post(f"{relay.base_url}/v1/responses", json=body)
            statuses = [exchange.status for exchange in relay.exchanges]
        return refused.value.response.status_code, answered.status_code, statuses

    assert asyncio.run(try_it()) == (426, 200, [200])
