"""What a relay keeps of the replies that are under way: a bounded part, whoever gets how many."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fake_server.relay import relay as module
from fake_server.relay.forwarding import Forwarding
from fake_server.relay.recorder import Recorder
from fake_server.relay.relay import Relay
from fake_server.tests.listening import listening
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import STOPPED
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.request import RequestCapture
from fake_server.wire.room import SMALL

SIZE, MANY = 200_000, 6
memory = pytest.mark.security("memory")
Form = Callable[[bytes], tuple[str, bytes]]


def sized(body: bytes) -> tuple[str, bytes]:
    return f"Content-Type: text/plain\r\nContent-Length: {len(body)}", body


def chunked(body: bytes) -> tuple[str, bytes]:
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    return "Transfer-Encoding: chunked", b"".join(
        b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces
    ) + b"0\r\n\r\n"


class Meeting:
    """A target that ends no reply before `expected` have all come but for their ends."""

    def __init__(self, form: Form, expected: int) -> None:
        self._form, self._expected, self._all, self.begun = form, expected, asyncio.Event(), 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        fields, body = self._form(b"%d" % self.begun * SIZE)
        writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body[:-1])
        await writer.drain()
        self.begun += 1
        if self.begun == self._expected:
            self._all.set()
        await self._all.wait()
        writer.write(body[-1:])
        await writer.drain()


def kept_of(relay: Relay) -> int:
    return sum(exchange.size - len(exchange.request.body) for exchange in relay.exchanges)


@memory
@pytest.mark.parametrize("form", [sized, chunked])
@pytest.mark.parametrize("keep_raw", [False, True])
@pytest.mark.parametrize("room", [1, 2, 2 * MANY + 2])
def test_a_recorder_passes_on_replies_that_it_has_no_room_to_keep(
    room: int, keep_raw: bool, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IN_FLIGHT", room * SIZE)

    async def main() -> None:
        target = Meeting(form, MANY)
        bounds = Bounds(body=SIZE)
        async with (
            listening(target) as port,
            Relay(f"http://127.0.0.1:{port}", bounds=bounds, pass_on=True, keep_raw=keep_raw) as relay,
        ):
            answers = await asyncio.gather(*(ask(relay.port, post()) for _ in range(MANY)))
            await relay.wait_until_passed_on()
            assert relay._replies.held == 0
        whole = [exchange for exchange in relay.exchanges if exchange.ending is Ending.CLEAN]
        others = [exchange for exchange in relay.exchanges if exchange.ending is not Ending.CLEAN]
        assert sorted(answer.body for answer in answers) == [form(b"%d" % number * SIZE)[1] for number in range(MANY)]
        assert len(relay.exchanges) == MANY
        assert kept_of(relay) <= room * SIZE + MANY * SMALL
        assert all(len(exchange.payload) == SIZE for exchange in whole)
        assert len(whole) == MANY if room > 2 * MANY else len(whole) <= room
        assert all(exchange.problem.startswith(STOPPED) and "bound: room" in exchange.problem for exchange in others)

    run(main())


@memory
@pytest.mark.parametrize("form", [sized, chunked])
def test_a_run_gives_up_a_reply_that_it_has_no_room_for_and_blames_nobody(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IN_FLIGHT", 2 * SIZE)

    async def main() -> None:
        bounds = Bounds(body=SIZE)
        async with listening(Meeting(form, MANY)) as port, Relay(f"http://127.0.0.1:{port}", bounds=bounds) as relay:
            await asyncio.gather(*(ask(relay.port, post()) for _ in range(MANY)))
            await relay.wait_until_idle()
            assert relay._replies.held == 0
        assert kept_of(relay) <= 2 * SIZE + MANY * SMALL
        given_up = [exchange for exchange in relay.exchanges if "bound: room" in exchange.problem]
        assert len(given_up) >= MANY - 2
        assert {exchange.ending for exchange in given_up} == {Ending.CLIENT_LEFT}

    run(main())


@memory
@pytest.mark.parametrize("form", [sized, chunked])
@pytest.mark.parametrize("replies", [1, 3])
def test_a_connection_that_is_idle_holds_neither_its_request_nor_its_reply(
    replies: int, form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: weakref.WeakSet[object] = weakref.WeakSet()

    class Counted(RequestCapture):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            alive.add(self)

    class Watched(Forwarding):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            alive.add(self.reply)

    monkeypatch.setattr(module, "RequestCapture", Counted)
    monkeypatch.setattr(module, "Forwarding", Watched)
    saved: list[Exchange] = []

    async def target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(2)
            fields, body = form(b"{}")
            writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body)

    async def main() -> None:
        def on_saved(exchange: Exchange, _: object) -> None:
            saved.append(exchange)

        async with (
            listening(target) as port,
            Recorder(f"http://127.0.0.1:{port}", tmp_path, on_saved=on_saved) as recorder,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", recorder._relay.port)
            for _ in range(replies):
                writer.write(post(close=False))
                await wait_for(reader.readuntil(b"{}"))
                await recorder.wait_until_idle()
            assert len(saved) == replies
            await asyncio.sleep(0.01)
            gc.collect()
            held = [type(capture).__name__ for capture in alive]
            writer.transport.abort()
        assert held == ["Counted"], "only the capture that waits for the next head"

    run(main())


async def wait_for(reading: Coroutine[Any, Any, bytes]) -> bytes:
    async with asyncio.timeout(30):
        return await reading
