"""What connections hold counts, and leaves with them: heads, bodies that nobody took in, replies that nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import tracemalloc
import weakref
from collections.abc import Iterator

import pytest

from fake_server import FakeServer
from fake_server.server.http_protocol import Protocol
from fake_server.server.state import memory
from fake_server.server.state.journal import Journal, JournalEntry
from fake_server.server.state.memory import CONNECTIONS, MIB, UnderWay
from fake_server.tests.edge_client import ask
from fake_server.tests.raw_client import wait_until
from fake_server.tests.test_stalling_clients import CHAT, GET, POST, busy, connect, links, port_of

pytestmark = pytest.mark.security("memory")
__all__ = ["links"]
PAUSED = {"name": "paused", "reply": {"text": "a b", "timing": {"pauses": [0.0, 60.0]}}}
SMALL_FIELDS = b"".join(b"a%d: b\r\n" % number for number in range(450))


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    script = {**PAUSED, "when": {"stream": True}}
    with FakeServer([script, {"name": "quick", "reply": {"text": "a"}}], seed=1, plain=True) as server:
        yield server


def chat(fields: bytes = b"", *, stream: bool = False, more: int = 0) -> bytes:
    """A request, whose body is longer than what is sent by `more` bytes."""
    body = json.dumps({**CHAT, "stream": stream}).encode()
    return POST + fields + b"Content-Length: %d\r\n\r\n" % (len(body) + more) + body


def held(fake: FakeServer) -> int:
    return fake.settings.spaces.budget.kinds[CONNECTIONS]


SENT = {
    "nothing": b"",
    "half a head": GET + b"x-a: b\r\n",
    "a head of many fields": GET + SMALL_FIELDS,
    "no HTTP": b"x\r\n\r\n",
    "requests in a row": (GET + b"\r\n") * 5,
    "a request": chat(),
    "a stream": chat(stream=True),
    "half a body": chat(more=100),
    "a foreign host": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
@pytest.mark.parametrize("reads", [True, False])
def test_lost_connections_do_not_wait_for_the_collector(
    fake: FakeServer, sent: bytes, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 1,500 heads of many fields, those dropped took 150 MiB, and collecting them blocked the event loop."""
    ask(port_of(fake), body=CHAT)
    seen, made, connection_made = weakref.WeakSet[Protocol](), [0], Protocol.connection_made

    def note(protocol: Protocol, transport: asyncio.Transport) -> None:
        seen.add(protocol)
        made[0] += 1
        connection_made(protocol, transport)

    monkeypatch.setattr(Protocol, "connection_made", note)
    gc.collect()
    gc.disable()
    try:
        with contextlib.ExitStack() as links:
            opened = [connect(fake, links, sent) for _ in range(5)]
            wait_until(lambda: made[0] == 5)
            for link in opened if reads and len(sent) not in (0, len(SENT["half a body"])) else ():
                link.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    link.recv(10)
        wait_until(lambda: not seen)
    finally:
        gc.enable()
    assert held(fake) == 0


@pytest.mark.parametrize(
    "fields",
    [SMALL_FIELDS, b"x-a: " + b"x" * 40_000 + b"\r\n", b"".join(b"a%d: %s\r\n" % (n, b"x" * 90) for n in range(450))],
    ids=["small fields", "a long field", "long fields"],
)
def test_an_unfinished_head_counts_as_what_it_takes(
    fake: FakeServer, links: contextlib.ExitStack, fields: bytes
) -> None:
    assert fake._server is not None
    state = fake._server.server_state
    connect(fake, links, GET + fields)
    wait_until(lambda: bool(state.waiting))
    tracemalloc.start()
    try:
        for _ in range(10):
            connect(fake, links, GET + fields)
        wait_until(lambda: len(state.waiting) == 11 and min(state.waiting.values()) >= len(fields))
        taken = tracemalloc.get_traced_memory()[0] / 10
    finally:
        tracemalloc.stop()
    counted = min(state.waiting.values())
    assert 0.6 * (taken - 12_000) <= counted <= 2 * taken


@pytest.mark.parametrize("fields", [b"", SMALL_FIELDS, b"x-a: " + b"x" * 40_000 + b"\r\n"])
def test_a_request_under_way_counts_until_its_reply_was_sent(
    fake: FakeServer, links: contextlib.ExitStack, fields: bytes
) -> None:
    link = connect(fake, links, chat(fields, stream=True))
    wait_until(lambda: busy(fake) == 1)
    assert memory.UNDER_WAY + 2 * len(fields) < held(fake) < 80_000 + 3 * len(fields) + 130 * 1000
    link.close()
    wait_until(lambda: held(fake) == 0)
    assert ask(port_of(fake), body=CHAT).status == 200
    wait_until(lambda: held(fake) == 0)


def test_large_heads_under_way_leave_room_for_small_requests(
    fake: FakeServer, links: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_CONNECTIONS", MIB)
    monkeypatch.setattr(memory, "SPARE", MIB // 2)
    large = [connect(fake, links, chat(b"x-a: " + b"x" * 40_000 + b"\r\n", stream=True)) for _ in range(10)]
    statuses = [link.recv(12)[-3:] for link in large]
    assert statuses.count(b"200") in range(2, 6)
    assert set(statuses) == {b"200", b"503"}
    assert ask(port_of(fake), body=CHAT).status == 200
    assert held(fake) <= MIB
    small = [connect(fake, links, chat(stream=True)) for _ in range(30)]
    assert {link.recv(12)[-3:] for link in small} == {b"200", b"503"}
    links.close()
    wait_until(lambda: not busy(fake) and held(fake) == 0)


def test_bodies_that_nobody_took_in_count(fake: FakeServer, links: contextlib.ExitStack) -> None:
    under_way = UnderWay(fake.settings.spaces.budget)
    assert under_way.begin(100, 2)
    before = held(fake)
    assert under_way.hold(body=50_000)
    assert under_way.hold(unread=20_000)
    assert held(fake) == before + 70_000
    assert not under_way.hold(body=memory.MOST_CONNECTIONS)
    assert held(fake) == before + 70_000
    under_way.end()
    assert under_way.hold(unread=0)
    assert held(fake) == 0


def test_a_client_that_takes_no_reply_counts_and_is_dropped_where_there_is_no_room(
    links: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = {"raw": {"stream": ["x" * 60_000] * 300}}
    with FakeServer([{"name": "large", "reply": events}], seed=1, plain=True) as fake:
        assert fake._server is not None
        state = fake._server.server_state
        connect(fake, links, chat(stream=True))
        seen: list[int] = []

        def takes_no_more() -> bool:
            """Whether the system has taken what it can: until then the reply waits, goes on, and waits again."""
            seen.append(held(fake))
            return seen[-1] > memory.UNDER_WAY + 60_000 and len(seen) > 20 and len(set(seen[-20:])) == 1

        wait_until(takes_no_more)
        monkeypatch.setattr(memory, "MOST_CONNECTIONS", held(fake) + memory.UNDER_WAY + 20_000)
        monkeypatch.setattr(memory, "SPARE", 0)
        second: socket.socket = connect(fake, links, chat(stream=True))
        wait_until(lambda: len(state.connections) == 1)
        with contextlib.suppress(ConnectionResetError):
            while second.recv(MIB):
                pass


def test_what_a_reply_under_way_has_sent_counts_before_its_end() -> None:
    """1,000 streams that pause held 256 KiB each, uncounted."""
    journal = Journal(entries=2)
    entry = JournalEntry("POST", "/")
    journal.add(entry)
    for _ in range(100):
        entry.sent(b"x" * 1000)
    assert journal._held >= 95_000
    journal.add(JournalEntry("POST", "/"))
    journal.add(JournalEntry("POST", "/"))
    entry.sent(b"x" * 1000)
    assert (entry.reply, entry.sent_bytes) == (b"", 101_000)
    assert journal._held < 10_000
    entry.ended()
    journal.grown(entry)
    assert journal._held < 10_000


@pytest.mark.parametrize("forget", [Journal.clear, lambda journal: journal.forget_space("")], ids=["all", "space"])
def test_a_reply_that_has_ended_stays_with_whom_holds_its_entry(forget: object) -> None:
    journal, entry = Journal(), JournalEntry("POST", "/")
    journal.add(entry)
    entry.sent(b"abc")
    entry.ended()
    forget(journal)  # type: ignore[operator]
    assert entry.reply == b"abc"
    assert entry.journal is None
