"""WebSocket mode of /responses where another ASGI server runs the app: uvicorn's own, and Starlette's test client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import fastapi
import openai
import pytest
import uvicorn
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from fake_server import FakeServer
from fake_server.server import turns
from fake_server.server.uvicorn_server import listen
from fake_server.tests.test_web_socket import ask, events, send

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what other servers and clients import


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer(seed=3, scripts=[], api_key="secret")


@pytest.fixture(scope="module", params=["websockets-sansio", "none"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, FakeServer]]:
    """Uvicorn as users run it, which has the app below a path of theirs."""
    fake = FakeServer(seed=3, scripts=[], api_key="secret")
    outer = fastapi.FastAPI()
    outer.mount("/openai", fake.app)
    config = uvicorn.Config(outer, ws=request.param, lifespan="off", log_config=None, access_log=False)
    server, listener = uvicorn.Server(config), listen("127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    yield request.param, f"127.0.0.1:{listener.getsockname()[1]}/openai", fake
    server.should_exit = True
    thread.join(20)
    listener.close()


def dial(root: str, path: str = "/v1/responses", key: str = "secret", **fields: str) -> Connection:
    headers = {name.replace("_", "-"): value for name, value in fields.items()} | {"authorization": f"Bearer {key}"}
    return connect(f"ws://{root}{path}", additional_headers=headers, open_timeout=10, close_timeout=10, max_size=None)


def test_uvicorn_serves_turns(served: tuple[str, str, FakeServer]) -> None:
    kind, root, fake = served
    fake.reset()
    if kind == "none":
        with pytest.raises(InvalidStatus) as refused:
            dial(root)
        assert refused.value.response.status_code == 426
        assert b"does not offer WebSockets" in (refused.value.response.body or b"")
        return
    with dial(root) as socket:
        send(socket, "Say exactly: good morning", store=False)
        received = events(socket)
        assert [event["sequence_number"] for event in received] == list(range(len(received)))
        name = received[-1]["response"]["id"]
        assert ask(socket, previous_response_id=name, store=False)["type"] == "response.completed"
        assert ask(socket, temperature=9)["error"]["param"] == "temperature"
        assert ask(socket, stream_id="lane")["stream_id"] == "lane"
    with dial(root, "/@mine/v1/responses", x_fake_fault="cut;after_events=2") as socket:
        send(socket)
        assert [json.loads(socket.recv(10))["sequence_number"] for _ in range(2)] == [0, 1]
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv(10)
        assert ended.value.rcvd is None
    with pytest.raises(InvalidStatus) as refused:
        dial(root, key="wrong")
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "invalid_api_key"
    assert [entry.status for entry in fake.requests] == [101, 200, 200, 400, 200, 401]
    assert fake.settings.spaces.budget.kinds["in_flight"] == 0


def test_the_sdk_speaks_it_to_uvicorn(served: tuple[str, str, FakeServer]) -> None:
    kind, root, _ = served
    if kind == "none":
        pytest.skip("this uvicorn serves no WebSocket")
    client = openai.OpenAI(base_url=f"http://{root}/v1", api_key="secret")
    with client.responses.connect() as connection:
        connection.send({"type": "response.create", "model": "gpt-4o", "input": "Say exactly: hello"})
        last = next(event for event in connection if event.type == "response.completed")
    assert last.response.output_text == "hello"


def test_starlettes_client_speaks_it(fake: FakeServer) -> None:
    client = TestClient(fake.app, headers={"authorization": "Bearer secret"})
    with client.websocket_connect("/v1/responses") as socket:
        for text in ("one", "two"):
            socket.send_json({"type": "response.create", "model": "gpt-4o", "input": f"Say exactly: {text}"})
            assert _last(socket)["response"]["output"][-1]["content"][0]["text"] == text
        socket.send_bytes(b'{"type": "response.create", "model": "gpt-4o", "input": "Say exactly: bytes"}')
        assert _last(socket)["type"] == "response.completed"
    assert fake.settings.spaces.budget.kinds["in_flight"] == 0


def test_a_fake_without_web_sockets_says_so() -> None:
    client = TestClient(FakeServer(websocket=False).app)
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/v1/responses"):
        pass
    assert refused.value.status_code == 426
    assert "switched off" in refused.value.json()["error"]["message"]


def test_a_route_of_your_own_comes_first(fake: FakeServer) -> None:
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("mine")
        await socket.close()

    app = fake.app
    app.add_api_websocket_route("/v1/responses", greet)
    with TestClient(app).websocket_connect("/v1/responses") as socket:
        assert socket.receive_text() == "mine"


@pytest.mark.security("work of one request")
@pytest.mark.parametrize(
    ("bound", "value", "sent", "code"),
    [("IDLE_SECONDS", 0.1, 0, 1008), ("LIFE_SECONDS", 0.2, 0, 1000), ("MOST_PENDING", 2, 4, 1008)],
)
def test_bounds(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, bound: str, value: Any, sent: int, code: int
) -> None:
    monkeypatch.setattr(turns, bound, value)
    fake.fault("stall", after_events=1)
    client = TestClient(fake.app, headers={"authorization": "Bearer secret"})
    with client.websocket_connect("/v1/responses") as socket:
        for _ in range(sent):
            socket.send_json({"type": "response.create", "model": "gpt-4o", "input": "x"})
        with pytest.raises(WebSocketDisconnect) as ended:
            all(iter(socket.receive_json, None))
    assert ended.value.code == code


@pytest.mark.security("memory")
@pytest.mark.parametrize(("limit", "room", "code"), [(1000, True, 1009), (10_000, False, 1013)])
def test_messages_are_bounded(fake: FakeServer, limit: int, room: bool, code: int) -> None:
    fake.settings.max_body = limit
    budget = fake.settings.spaces.budget
    taken = 0 if room else 81 * 1024 * 1024
    budget.kinds["in_flight"] += taken
    client = TestClient(fake.app, headers={"authorization": "Bearer secret"})
    with client.websocket_connect("/v1/responses") as socket:
        socket.send_text("x" * 2000)
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert ended.value.code == code
    assert budget.kinds["in_flight"] == taken


def _last(socket: Any) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = socket.receive_json()
        if event["type"] in ("response.completed", "error"):
            return event
