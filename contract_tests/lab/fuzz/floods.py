"""Part `floods`: clients that send, keep or hold back as much as they can, each kind for itself.

The fake's peak of resident memory stays under MOST_RSS, and another client is answered within SECONDS meanwhile.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.lab.fuzz.fake_process import FakeProcess

MIB = 1024 * 1024
MOST_RSS, SECONDS = 300 * MIB, 1.0
GIVE_UP = 1200 * MIB
"""Bytes at which a flood is ended, because the machine needs memory too."""
EASY = 0.2
"""Seconds within which the machine itself is quick enough to time replies."""
CHAT, REPLIES, FAULTS = "/v1/chat/completions", "/__fake__/replies", "/__fake__/faults"
JSON = {"content-type": "application/json"}


@dataclass
class Flood:
    """One flood under way: its connections, which stay open until its end."""

    fake: FakeProcess
    links: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def ask(self, path: str, body: Any = None, method: str = "POST", **fields: str) -> int:
        """Send a request and read its reply; the status, 0 where the connection broke."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.fake.port, timeout=60)
        try:
            connection.request(
                method, path, data, {**JSON, **{name.replace("_", "-"): fields[name] for name in fields}}
            )
            reply = connection.getresponse()
            while reply.read(MIB):
                pass
            return reply.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def hold(self, *pieces: bytes, patience: float = 0.5) -> socket.socket | None:
        """Send bytes on a connection that nobody reads, and keep it open."""
        link = self.links.enter_context(socket.socket())
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(patience)
        try:
            link.connect(("127.0.0.1", self.fake.port))
            for piece in pieces:
                link.sendall(piece)
        except OSError:
            return None
        return link


def chat(content: Any, **members: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}], **members}


def raw(body: Any, path: str = CHAT, fields: str = "") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{fields}"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


GET = b"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n"
LARGE = {"reply": {"raw": {"body": "x" * 8 * MIB}}, "times": 10_000}


def replies_in_the_journal(flood: Flood) -> None:
    flood.ask(REPLIES, LARGE)
    for _ in range(60):
        flood.ask(CHAT, chat("hi"))


def bodies_in_the_journal(flood: Flood) -> None:
    for number in range(40):
        flood.ask(CHAT, chat("hi", x="x" * 5 * MIB), x_fake_space=f"s{number % 7}")


def clients_that_never_read(flood: Flood) -> None:
    flood.ask(REPLIES, LARGE)
    for _ in range(60):
        flood.hold(raw(chat("hi")))


def streams_never_read(flood: Flood) -> None:
    for _ in range(30):
        flood.hold(raw(chat("hi", stream=True), fields="x-fake-fault: comments;count=5000;size=1000\r\n"))


def pipelines_never_read(flood: Flood) -> None:
    flood.ask(REPLIES, LARGE)
    for _ in range(60):
        flood.hold(raw(chat("hi")) + (GET + b"\r\n") * 5000)


def slow_uploads(flood: Flood) -> None:
    for _ in range(30):
        flood.hold(raw(b" " * 30 * MIB)[: 29 * MIB])


def large_bodies(flood: Flood) -> None:
    size = 8 * MIB
    texts: tuple[bytes, ...] = (b"hello world " * (size // 12), b"a" * size, b"a" * size + "😀".encode())
    for text in texts:
        flood.ask(CHAT, b'{"model":"gpt-4o","messages":[{"role":"user","content":"' + text + b'"}]}')
    for item in (b"[],", b"{},", b"0.1,", b'"ab",', b'{"a":1},'):
        flood.ask(CHAT, b'{"model":"gpt-4o","messages":[' + item * (size // len(item)) + b"0]}")


def parallel_bodies(flood: Flood) -> None:
    body = chat("hi", x="x" * 6 * MIB)
    threads = [threading.Thread(target=flood.ask, args=(CHAT, body)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def scripts(flood: Flood) -> None:
    for number in range(60):
        texts = {"name": f"n{number}", "replies": [{"text": "x" * 10_000} for _ in range(200)]}
        flood.ask("/__fake__/scripts", texts, x_fake_space=f"s{number % 9}")


def small_scripts(flood: Flood) -> None:
    for number in range(15):
        flood.ask("/__fake__/scripts", [{"reply": {"text": "a"}} for _ in range(2000)], x_fake_space=f"s{number}")


def queued_replies(flood: Flood) -> None:
    for number in range(100):
        flood.ask(REPLIES, [{"text": "x" * MIB} for _ in range(2)], x_fake_space=f"s{number % 9}")


def armed_faults(flood: Flood) -> None:
    for number in range(100):
        fault = {"fault": "error", "message": "x" * MIB, "when": {"key": "y" * MIB}}
        flood.ask(FAULTS, fault, x_fake_space=f"s{number % 9}")


def large_patterns(flood: Flood) -> None:
    for number in range(40):
        pattern = rf"\w{{150}}{number}"
        shape = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}}
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": shape}}
        flood.ask(CHAT, chat("hi", response_format=form))
        when = {"messages": {"last": {"regex": pattern}}}
        flood.ask("/__fake__/scripts", {"when": when, "reply": {"text": "a"}}, x_fake_space=f"s{number}")
        flood.ask(FAULTS, {"fault": "error", "when": when}, x_fake_space=f"s{number}")
        flood.ask(CHAT, chat("hi"), x_fake_space=f"s{number}")


def keys(flood: Flood) -> None:
    script = {"name": "a", "per": "key", "when": {"call": 2}, "reply": {"text": "a"}}
    flood.ask("/__fake__/scripts", script)
    for number in range(1500):
        flood.ask(CHAT, chat("hi"), authorization=f"Bearer {'k' * 50_000}{number}")


def stored_completions(flood: Flood) -> None:
    for number in range(60):
        flood.ask(CHAT, chat("x" * 2 * MIB, store=True), x_fake_space=f"s{number % 9}")
        flood.ask(CHAT, chat([{"type": "text", "text": "a"}] * 2000, store=True))


def spaces(flood: Flood) -> None:
    for number in range(1500):
        flood.ask(CHAT, chat("hi", x="x" * 100_000), x_fake_space=f"s{number}")


def half_open(flood: Flood) -> None:
    for _ in range(1500):
        flood.hold(GET + b"x-a: " + b"x" * 60_000)


def half_open_with_fields(flood: Flood) -> None:
    for _ in range(1500):
        flood.hold(GET + b"".join(b"a%d: %s\r\n" % (number, b"x" * 100) for number in range(450)))


def idle_after_large_heads(flood: Flood) -> None:
    for _ in range(1500):
        if (link := flood.hold(GET + b"x-a: " + b"x" * 60_000 + b"\r\n\r\n")) is not None:
            with contextlib.suppress(OSError):
                link.recv(10_000)


def open_streams(flood: Flood) -> None:
    """1,000 streams that pause: they must all be open at once."""
    flood.ask(REPLIES, {"reply": {"text": "a b c", "timing": {"pauses": [0.0, 30.0]}}, "times": 10_000})
    links = [flood.hold(raw(chat("hi", stream=True)), patience=60) for _ in range(1000)]
    begun = [link is not None and link.recv(2000)[:15] == b"HTTP/1.1 200 OK" for link in links]
    assert all(begun), f"{begun.count(False)} of 1,000 streams did not begin"


def long_stream(flood: Flood) -> None:
    """A stream of 100,000 tokens to a client that reads."""
    flood.ask(REPLIES, {"text": "word " * 100_000})
    assert flood.ask(CHAT, chat("hi", stream=True)) == 200


def listing(flood: Flood) -> None:
    for number in range(25):
        flood.ask(CHAT, chat("hi", x=[[number]] * 100_000))
    for _ in range(3):
        flood.ask("/__fake__/requests?limit=1000", method="GET")


FLOODS: tuple[Callable[[Flood], None], ...] = (
    replies_in_the_journal,
    bodies_in_the_journal,
    clients_that_never_read,
    streams_never_read,
    pipelines_never_read,
    slow_uploads,
    large_bodies,
    parallel_bodies,
    scripts,
    small_scripts,
    queued_replies,
    armed_faults,
    large_patterns,
    keys,
    stored_completions,
    spaces,
    half_open,
    half_open_with_fields,
    idle_after_large_heads,
    open_streams,
    long_stream,
    listing,
)


@dataclass(frozen=True)
class Measured:
    """The fake's peak of resident memory in bytes; the longest wait of another client in seconds, before and during."""

    peak: int
    wait_before: float
    wait: float


def run(flood: Callable[[Flood], None], fake: FakeProcess) -> Measured:
    """Run a flood while another client asks again and again."""
    with contextlib.ExitStack() as links:
        before, waits = max(_wait(fake) for _ in range(3)), [0.0]
        work = threading.Thread(target=flood, args=(Flood(fake, links),), daemon=True)
        work.start()
        while work.is_alive():
            waits.append(_wait(fake))
            assert fake.peak_rss() < GIVE_UP, f"{flood.__name__}: {fake.peak_rss() / MIB:.0f} MiB"
            work.join(0.05)
        return Measured(fake.peak_rss(), before, max(waits))


def _wait(fake: FakeProcess) -> float:
    """Seconds that one small request takes; 60 for one that fails."""
    began = time.monotonic()
    status = Flood(fake).ask(CHAT, chat("Repeat after me: a"), x_fake_space="another")
    return time.monotonic() - began if status == 200 else 60.0


def run_all(folder: Path, seconds: float, seed: int) -> str:
    """Run each flood against a fake of its own until the time is over; what was measured. Raises AssertionError.

    Where the machine answers slowly without a flood, waits tell nothing and are not judged.
    """
    began, lines = time.monotonic(), []
    for number, flood in enumerate(FLOODS):
        if number and time.monotonic() - began > seconds:
            break
        place = folder / f"{number}"
        place.mkdir()
        with FakeProcess(seed, place, patience=30.0) as fake:
            measured = run(flood, fake)
        line = f"{flood.__name__} {measured.peak / MIB:.0f} MiB, {measured.wait:.2f} s"
        assert measured.peak < MOST_RSS, line
        assert measured.wait < SECONDS or measured.wait_before > EASY, line
        lines.append(line)
    return f"{len(lines)} of {len(FLOODS)} floods; {'; '.join(lines)}"
