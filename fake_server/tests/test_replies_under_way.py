"""Replies under way count where they are made, and are held once: while they wait for faults, the thread, a client."""

from __future__ import annotations

import contextlib
import gc
import json
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from fake_server import FakeServer
from fake_server.server.body_text import VALUE
from fake_server.server.in_flight import InFlight
from fake_server.server.request_context import parse_large_object
from fake_server.server.state import memory
from fake_server.server.state.memory import IN_FLIGHT
from fake_server.server.state.space import Spaces
from fake_server.tests.edge_client import ask
from fake_server.tests.raw_client import wait_until
from fake_server.tests.test_stalling_clients import CHAT, LARGE, POST, buffered, busy, connect, links, port_of
from fake_server.wire.delivery import fixed_length
from fake_server.wire.exchange import Write

pytestmark = pytest.mark.security("memory")
__all__ = ["links"]
REPLIES: dict[str, Any] = {
    "body": {"raw": {"body": "x" * LARGE}},
    "event": {"raw": {"stream": ["x" * LARGE]}},
    "events": {"raw": {"stream": ["x" * 2000] * (LARGE // 2000)}},
    "paced": {"raw": {"stream": ["x" * (LARGE // 2)] * 2}, "timing": {"pauses": [0.001]}},
}


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Iterator[FakeServer]:
    with FakeServer([{"name": "large", "reply": REPLIES[request.param]}], seed=1, plain=True) as server:
        yield server


def chat(fields: bytes = b"", **members: object) -> bytes:
    body = json.dumps({**CHAT, **members}).encode()
    return POST + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


def held_by_writes() -> int:
    """Bytes of all writes that are held anywhere."""
    data = {id(write.data): len(write.data) for write in gc.get_objects() if isinstance(write, Write)}
    return sum(data.values())


@pytest.mark.parametrize("fake", ["body", "events"], indirect=True)
@pytest.mark.parametrize("fault", ["comments;count=5000;size=1000", "cut;after_bytes=9", 'rewrite;find="xx";by="y"'])
def test_replies_that_wait_for_the_thread_count(
    fake: FakeServer, links: contextlib.ExitStack, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", 3 * LARGE)
    budget, go_on = fake.settings.spaces.budget, threading.Event()
    before = held_by_writes()  # by what other tests have left
    fake.settings.worker.submit(go_on.wait, 60)
    try:
        for _ in range(8):
            connect(fake, links, chat(b"X-Fake-Fault: %b\r\n" % fault.encode()))
        wait_until(lambda: budget.refused[IN_FLIGHT] == 6)
        assert held_by_writes() - before <= budget.kinds[IN_FLIGHT] <= 3 * LARGE
    finally:
        go_on.set()
    links.close()
    wait_until(lambda: not busy(fake) and budget.kinds[IN_FLIGHT] == 0)


@pytest.mark.parametrize("fake", list(REPLIES), indirect=True)
def test_a_reply_that_nobody_reads_is_held_once_and_counts(fake: FakeServer, links: contextlib.ExitStack) -> None:
    number = 4
    assert ask(port_of(fake), body=CHAT).status == 200
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(number):
            connect(fake, links, chat(stream=True))
        wait_until(lambda: len(buffered(fake)) == number and all(buffered(fake)))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    counted = fake.settings.spaces.budget.kinds[IN_FLIGHT]
    assert counted >= number * LARGE
    assert held <= 1.1 * counted + 2 * 1024 * 1024


def test_a_reply_counts_once_however_often_it_is_made_anew_and_never_after_its_request() -> None:
    spaces, holder = Spaces(FakeServer().settings), InFlight()
    budget = spaces.budget
    for size in (LARGE, 2 * LARGE, LARGE // 2, 10):
        assert holder.hold_reply(spaces, fixed_length(200, (), b"x" * size)).status == 200
        assert size <= budget.kinds[IN_FLIGHT] <= size + 1000
    holder.release(spaces)
    assert holder.hold_reply(spaces, fixed_length(200, (), b"x" * LARGE)).status == 503
    assert budget.kinds[IN_FLIGHT] == 0


@pytest.mark.parametrize("item", ["[]", "{}", "[0.5,1]", '{"a":"b"}', '"ab"', "1", "[[[[]]]]"])
def test_what_a_body_says_counts_as_python_holds_it(item: str) -> None:
    counted: list[int] = []
    text = b'{"x":[%b]}' % ",".join([item] * 10_000).encode()
    parse_large_object(text, lambda _: None)
    gc.collect()
    tracemalloc.start()
    try:
        body = parse_large_object(text, counted.append)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert body["x"]
    assert 0.6 * held <= counted[0] * VALUE + 2 * len(text) <= 8 * held


@pytest.mark.parametrize("fake", ["body"], indirect=True)
def test_values_that_have_no_room_are_not_made(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", 4 * 1024 * 1024)
    refused = ask(port_of(fake), body={**CHAT, "x": [[]] * 200_000})
    assert (refused.status, refused.error["code"]) == (503, "overloaded")
    wait_until(lambda: fake.settings.spaces.budget.kinds[IN_FLIGHT] == 0)
    assert ask(port_of(fake), body={**CHAT, "metadata": {"a": "b"}}).status == 200
