"""FakeServer in process: sync, async, the journal, reset, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fake_server import FakeServer
from fake_server.scripts.book import ScriptError
from fake_server.server.state.journal import FRAME, Journal, JournalEntry
from fake_server.tests.edge_client import ASK, ask

SLOW = """
- name: slow
  reply: {text: one two three four five six, timing: {first: 0.01, rate: 0.05}}
"""


def port_of(server: FakeServer) -> int:
    return int(server.url.rpartition(":")[2])


def test_urls() -> None:
    with FakeServer() as server:
        assert server.base_url == f"{server.url}/v1"
        assert not server.url.endswith("/v1")
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


def test_the_journal_keeps_what_was_asked_without_credentials() -> None:
    with FakeServer() as server:
        headers = {"Authorization": "Bearer sk-very-secret", "X-Mine": "yes"}
        ask(port_of(server), body=ASK, headers=headers)
        ask(port_of(server), "GET", "/v1/nope?key=1")
        chat, nope = server.requests
        assert (chat.method, chat.path, chat.status, chat.json) == ("POST", "/v1/chat/completions", 200, ASK)
        assert (chat.header("authorization"), chat.header("X-Mine")) == ("<redacted>", "yes")
        assert (nope.path, nope.status) == ("/v1/nope", 404)
        assert "secret" not in repr(server.requests)
        server.reset()
        assert server.requests == ()


def test_the_journal_is_bounded() -> None:
    journal = Journal(entries=3, size=3 * (FRAME + len("/0")) + 10)
    for index in range(5):
        journal.add(JournalEntry("GET", f"/{index}"))
    assert [entry.path for entry in journal.entries()] == ["/2", "/3", "/4"]
    first, _, last = journal.entries()
    first.body = last.body = b"x" * 8
    journal.grown(first)
    assert len(journal.entries()) == 3
    journal.grown(last)
    assert [entry.path for entry in journal.entries()] == ["/3", "/4"]
    first.sent(b"x" * 100)
    journal.grown(first)  # it has left already and counts no more
    assert (len(journal.entries()), journal.dropped) == (2, 3)
    journal.add(JournalEntry("GET", "/5", {"x-large": "x" * 3 * FRAME}))  # a head takes room as a body does
    assert [entry.path for entry in journal.entries()] == ["/5"]


def test_reset_gives_scripts_back_their_uses(tmp_path: Path) -> None:
    script = tmp_path / "once.yaml"
    script.write_text("- {name: once, times: 1, reply: {text: only once}}\n")
    with FakeServer([script]) as server:

        def said() -> str:
            return str(ask(port_of(server), body=ASK).json["choices"][0]["message"]["content"])

        assert said() == "only once"
        assert said() != "only once"
        server.reset()
        assert said() == "only once"


def test_seed_none_draws_one_and_equal_seeds_answer_alike() -> None:
    assert FakeServer().seed != FakeServer().seed
    bodies = []
    for _ in range(2):
        with FakeServer(seed=7) as server:
            bodies.append(ask(port_of(server), body=ASK).json["choices"])
    assert bodies[0] == bodies[1]


def test_errors_come_before_serving(tmp_path: Path) -> None:
    script = tmp_path / "bad.yaml"
    script.write_text("- {name: x, replly: {}}\n")
    with pytest.raises(ScriptError, match=r"bad\.yaml:1"):
        FakeServer([script])
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        FakeServer(port=taken.getsockname()[1]).start()


def test_async_inside_a_running_loop() -> None:
    async def session() -> int:
        async with FakeServer() as server:
            reply = await asyncio.to_thread(ask, port_of(server), body=ASK)
            with FakeServer() as inner:
                assert (await asyncio.to_thread(ask, port_of(inner), "GET", "/health")).status == 200
            return reply.status

    assert asyncio.run(session()) == 200


def test_it_stops_soon_with_open_streams_and_half_requests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = tmp_path / "slow.yaml"
    script.write_text(SLOW)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(FakeServer([script], plain=True))
        links = [stack.enter_context(socket.create_connection(("127.0.0.1", port_of(server)), 60)) for _ in range(3)]
        body = b'{"model":"x","stream":true,"messages":[{"role":"user","content":"x"}]}'
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        links[0].sendall(head + body)
        links[1].sendall(head + body[:5])
        assert links[0].recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 30  # the stream would take two minutes
        assert not any(thread.name == "fake-server" for thread in threading.enumerate())
    assert caplog.text == ""


def test_a_stream_ends_when_its_client_leaves(tmp_path: Path) -> None:
    script = tmp_path / "slow.yaml"
    script.write_text(SLOW)
    with FakeServer([script], plain=True) as server:
        leave(server, seen=True)
        assert idle(server)


@pytest.mark.parametrize(
    ("fault", "parameters", "seen"),
    [
        ("cross-talk", {"wait": 30}, False),
        ("slow-head", {"piece": 5, "seconds": 30}, True),
        ("stall", {"after_events": 0}, True),
        ("stall", {"silent": True}, False),
        ("one-slot", {"each": 30}, True),
        ("slow", {"bytes_per_second": 10}, True),
    ],
)
def test_a_fault_waits_no_longer_than_the_client(fault: str, parameters: dict[str, Any], seen: bool) -> None:
    with FakeServer([], plain=True) as server:
        server.fault(fault, **parameters)
        leave(server, seen=seen)
        assert idle(server)


def leave(server: FakeServer, *, seen: bool) -> None:
    """Ask for a stream and hang up, once something has come where something is to be `seen`."""
    body = b'{"model":"x","stream":true,"messages":[{"role":"user","content":"x"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port_of(server)), 60) as link:
        link.sendall(head)
        link.sendall(body)
        if seen:
            link.recv(1)
        else:
            link.settimeout(0.2)
            with pytest.raises(TimeoutError):
                link.recv(1)


def idle(server: FakeServer, seconds: float = 60.0) -> bool:
    """Whether the server works on nothing, now or soon."""
    uvicorn = server._server
    assert uvicorn is not None
    deadline = time.monotonic() + seconds
    while uvicorn.server_state.tasks and time.monotonic() < deadline:
        time.sleep(0.01)
    return not uvicorn.server_state.tasks


def test_fifty_starts_leak_nothing() -> None:
    def held() -> int:
        return len(os.listdir("/proc/self/fd"))

    with FakeServer() as server:
        ask(port_of(server), "GET", "/health")
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are counted in /proc, which this system lacks")
    threads, files = threading.active_count(), held()
    for _ in range(50):
        with FakeServer([]) as server:
            assert ask(port_of(server), "GET", "/health").status == 200
    assert threading.active_count() == threads
    assert held() <= files


def test_stop_and_start_again() -> None:
    server = FakeServer([])
    for _ in range(2):
        server.start()
        with pytest.raises(RuntimeError, match="already"):
            server.start()
        assert ask(port_of(server), "GET", "/health").status == 200
        server.stop()
        server.stop()


SERVE = """
import http.client, json, sys
from fake_server import FakeServer
with FakeServer(plain=True) as server:
    link = http.client.HTTPConnection(server.url.removeprefix("http://"))
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    link.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    assert link.getresponse().read().endswith(b"[DONE]\\n\\n")
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("openai", "contract_tests")))
"""


def test_serving_imports_neither_openai_nor_the_suite() -> None:
    done = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


def test_a_dict_is_not_held_back_by_nagle() -> None:
    with FakeServer([]) as server:
        link = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=5)
        took = []
        for _ in range(25):
            began = time.monotonic()
            link.request("POST", "/v1/chat/completions", json.dumps(ASK), {"Content-Type": "application/json"})
            assert link.getresponse().read()
            took.append(time.monotonic() - began)
        link.close()
    assert min(took[1:]) < 0.03, "each reply waits some 40 ms for a delayed acknowledgement"
