"""What a recorder keeps of the requests that are under way: a bounded part, whoever sends how many."""

from __future__ import annotations

import asyncio

import pytest

from fake_server.connection import Connection
from fake_server.relay import relay as module
from fake_server.relay.relay import Relay
from fake_server.tests.listening import listening
from fake_server.tests.raw_client import until
from fake_server.tests.wire_client import OK, ask, post, run
from fake_server.wire.exchange import Aspect, Request

SIZE, MANY = 200_000, 6
memory = pytest.mark.security("memory")


class Meeting:
    """A target that answers once `expected` requests have come whole."""

    def __init__(self, expected: int) -> None:
        self.bodies: list[bytes] = []
        self._expected, self._all = expected, asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        self.bodies.append(await reader.readexactly(length))
        if len(self.bodies) == self._expected:
            self._all.set()
        await self._all.wait()
        writer.write(OK)
        await writer.drain()


async def not_known(_: Connection, request: Request) -> None:
    """An `answer` that knows no reply."""


@memory
@pytest.mark.parametrize("room", [1, 2, MANY])
def test_a_recorder_passes_on_what_it_has_no_room_to_keep(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_IN_FLIGHT", room * SIZE)

    async def main() -> None:
        meeting = Meeting(MANY)
        async with listening(meeting) as port, Relay(f"http://127.0.0.1:{port}", pass_on=True) as relay:
            asked = (ask(relay.port, post(b"%d" % number * SIZE)) for number in range(MANY))
            answers = await asyncio.gather(*asked)
            await relay.wait_until_idle()
            kept = sum(len(exchange.request.body) for exchange in relay.exchanges)
            whole = [exchange for exchange in relay.exchanges if exchange.knows(Aspect.REQUEST)]
            assert relay._room.held == 0
        assert [answer.data for answer in answers] == [OK] * MANY
        assert sorted(meeting.bodies) == [b"%d" % number * SIZE for number in range(MANY)]
        assert len(relay.exchanges) == MANY
        assert kept <= room * SIZE + MANY * 64 * 1024
        assert all(len(exchange.request.body) == SIZE for exchange in whole)
        assert len(whole) == MANY if room == MANY else len(whole) <= room

    run(main())


@memory
@pytest.mark.parametrize("room", [1, 2])
def test_a_recorder_that_replays_refuses_what_it_has_no_room_to_look_up(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IN_FLIGHT", room * SIZE)

    async def main() -> None:
        begun: list[asyncio.StreamWriter] = []
        async with (
            listening(Meeting(1)) as port,
            Relay(f"http://127.0.0.1:{port}", pass_on=True, answer=not_known) as relay,
        ):
            for _ in range(room):
                _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
                writer.write(post(b"x" * SIZE)[:-10])
                begun.append(writer)
            await until(lambda: relay._room.held >= room * (SIZE - 10))
            refused = await ask(relay.port, post(b"y" * SIZE))
            small = await ask(relay.port, post(b"z" * 1000))
            assert refused.data.startswith(b"HTTP/1.1 503 ")
            assert b"server_busy" in refused.data
            assert small.data == OK
            for writer in begun:
                writer.transport.abort()
            await until(lambda: not relay._room.held)

    run(main())
