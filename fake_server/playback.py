"""Raw playback: a server on 127.0.0.1 that repeats recorded replies byte for byte, faults included.

Plain asyncio, because web servers lower-case header names, fix status lines, refuse a wrong
Content-Length and cannot reset a connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable

from fake_server.link import Link, Listener
from fake_server.playback_match import Shelf
from fake_server.reply import ErrorReply
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Request, Write
from fake_server.wire.fixture import Fixture
from fake_server.wire.head import Malformed, TooLarge, keeps_alive
from fake_server.wire.outgoing import outgoing, stopped_early
from fake_server.wire.request import RequestCapture

HANG_UP = frozenset({Ending.RESET, Ending.UNREACHABLE})
SILENT = frozenset({Ending.TIMED_OUT})


class Playback(Listener):
    """Serves recordings while entered: `async with Playback(exchanges) as playback`.

    A request gets the recording with its method, path (with and without `/v1`) and JSON body;
    with `in_order` bodies are not compared. `speed` scales the recorded pace, 0 plays without
    pauses. A reply that timed out stays silent until the client leaves, at most
    `bounds.exchange` seconds; one that was unreachable is reset. One that outgrew a bound, or
    whose client left, is cut where the recording stops. A request nothing fits gets a 404 that
    names the nearest recording; `misses` keeps these messages.
    """

    def __init__(
        self,
        recordings: Iterable[Exchange | Fixture],
        *,
        speed: float = 1.0,
        in_order: bool = False,
        port: int = 0,
        bounds: Bounds | None = None,
    ) -> None:
        if speed < 0:
            raise ValueError(f"the speed must be 0 (no pauses) or more, not {speed:g}")
        super().__init__(port)
        self.speed = speed
        self.bounds = bounds or Bounds()
        self.misses: list[str] = []
        self._shelf = Shelf(
            [one.exchange if isinstance(one, Fixture) else one for one in recordings], in_order=in_order
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def unplayed(self) -> list[Exchange]:
        """The recordings no request has asked for."""
        return [
            one for one, count in zip(self._shelf.recordings, self._shelf.played, strict=True) if not count
        ]

    async def serve_connection(self, client: Link) -> None:
        try:
            while (request := await self._read(client)) is not None:
                exchange = self._shelf.find(request.request) or self._miss(request.request)
                if not await self._play(client, exchange) or not request.keeps_alive:
                    await client.close()
                    return
        finally:
            client.drop()

    async def _read(self, client: Link) -> RequestCapture | None:
        """The next whole request; None when the client is gone, too slow, or does not speak HTTP."""
        request = RequestCapture(self.bounds)
        deadline: float | None = None
        while not request.done:
            piece = client.take()
            if piece is None:
                if client.finished or not await client.changed(deadline):
                    return None
                continue
            data, at = piece
            try:
                used = request.feed(data)
            except (Malformed, TooLarge) as error:
                await self._play(client, _error(ErrorReply(400, f"The request cannot be read: {error}.")))
                return None
            client.put_back(data[used:], at)
            deadline = deadline or asyncio.get_running_loop().time() + self.bounds.idle
        return request

    def _miss(self, request: Request) -> Exchange:
        message = self._shelf.explain(request)
        self.misses.append(message)
        return _error(ErrorReply(404, message, code="no_fixture_match"))

    async def _play(self, client: Link, exchange: Exchange) -> bool:
        """Send one reply with its pauses and its ending; whether the connection stays open."""
        loop = asyncio.get_running_loop()
        for write in outgoing(exchange):
            if not await self._pause(client, write.pause):
                return False
            client.write(write.data)
            while client.blocked and not client.lost:
                if not await client.changed(loop.time() + self.bounds.idle):
                    return False
        if exchange.ending in SILENT:
            await self._wait_for_leaving(client, self.bounds.exchange)
            return False
        if exchange.ending in HANG_UP:
            await client.flushed(loop.time() + self.bounds.idle)
            await client.reset()
            return False
        closes = stopped_early(exchange) or exchange.framing is Framing.CLOSE
        return not closes and keeps_alive(exchange.http_version, exchange.headers)

    async def _pause(self, client: Link, seconds: float) -> bool:
        """Let a recorded pause pass; False when the client left meanwhile."""
        if seconds and self.speed:
            await self._wait_for_leaving(client, seconds / self.speed)
        return not client.lost

    async def _wait_for_leaving(self, client: Link, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while not client.lost and not client.eof:
            if not await client.changed(deadline):
                return


def _error(error: ErrorReply) -> Exchange:
    """An error reply of our own as an exchange to play."""
    headers = (("Content-Type", "application/json"), ("x-should-retry", "false"))
    return Exchange(
        Request("POST", "/"),
        error.status,
        headers,
        (Write(json.dumps(error.body(), ensure_ascii=False).encode()),),
        unknown=frozenset({Aspect.FRAMING}),
    )


async def serve(
    recordings: Iterable[Exchange | Fixture],
    *,
    port: int = 1337,
    speed: float = 1.0,
    in_order: bool = False,
    ready: Callable[[Playback], None] | None = None,
) -> None:
    """Play until cancelled; `ready` is called once the port is open. Raises OSError when it is taken."""
    async with Playback(recordings, speed=speed, in_order=in_order, port=port) as playback:
        if ready:
            ready(playback)
        await asyncio.Event().wait()
