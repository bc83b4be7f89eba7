"""main() on the kit's fake, under every generation of the SDK: the poem, whole and token by token."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from contract_tests.tests.sdk_runs import EACH_GENERATION, Driver, driver_for
from contract_tests.tests.sdk_server import RawServer, chunk, head
from fake_server import FakeServer
from fake_server.wire import sse

POEM_REQUEST = {
    "model": "gpt-3.5-turbo",
    "messages": [{"role": "user", "content": "write a poem about a tree"}],
}


@pytest.fixture(params=EACH_GENERATION)
def run(request: pytest.FixtureRequest) -> Driver:
    return driver_for(request.param)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(seed=7) as server:
        yield server


def port_of(fake: FakeServer) -> int:
    return int(fake.url.rpartition(":")[2])


def ask(fake: FakeServer, **more: object) -> bytes:
    """What the fake sends for the poem, taken without any SDK."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(fake), timeout=10)
    body = json.dumps({**POEM_REQUEST, **more})
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    try:
        return connection.getresponse().read()
    finally:
        connection.close()


def poem(fake: FakeServer) -> str:
    text: str = json.loads(ask(fake))["choices"][0]["message"]["content"]
    return text


def token_of(event: sse.Event) -> str:
    if event.data is None or event.data == "[DONE]":
        return ""
    choices = json.loads(event.data)["choices"]
    return (choices[0]["delta"].get("content") or "") if choices else ""


def test_the_poem_is_one_worth_printing(fake: FakeServer) -> None:
    assert len(poem(fake).splitlines()) > 10
    assert "—" in poem(fake)


@pytest.mark.parametrize("form", [(), ("--no-stream",)], ids=["stream", "dict"])
def test_main_prints_the_poem(run: Driver, fake: FakeServer, form: tuple[str, ...]) -> None:
    result = run("--base-url", fake.base_url, *form)
    assert (result.code, result.out, result.err) == (0, poem(fake) + "\n", "")


def test_the_form_of_the_seed(fake: FakeServer) -> None:
    """openai 0.28.1 and a base URL on localhost that has no /v1."""
    seed = driver_for("0.28.1")
    for form in ((), ("--no-stream",)):
        result = seed("--base-url", f"http://localhost:{port_of(fake)}", *form)
        assert (result.code, result.out, result.err) == (0, poem(fake) + "\n", "")


def test_every_token_of_the_poem_is_printed_before_the_next_is_sent(run: Driver, fake: FakeServer) -> None:
    stream = ask(fake, stream=True)
    events = sse.decode(stream)
    tokens = [token for event in events if (token := token_of(event))]
    assert "".join(tokens) == poem(fake)
    seen: queue.Queue[str] = queue.Queue()
    early: list[str] = []

    def act(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(head(200, "text/event-stream", "Transfer-Encoding: chunked"))
        for event in events:
            early.extend(seen.queue)
            connection.sendall(chunk(stream[event.start : event.stop]))
            if token := token_of(event):
                assert seen.get(timeout=60) == token
        connection.sendall(b"0\r\n\r\n")

    with RawServer(act) as server, run.script("--base-url", server.url, "--timeout", "60") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for token in tokens:
            seen.put(process.stdout.read(len(token.encode())).decode())
        assert process.stdout.read() == b"\n"
        assert process.stderr.read() == b""
    assert (process.returncode, early) == (0, [])
