"""Playback: a server on 127.0.0.1 that repeats recorded replies byte for byte, faults included.

It is plain asyncio because web servers lower-case header names, correct status lines, reject a wrong
Content-Length and cannot reset a connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from fake_server.access import AllowedHosts
from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.connection import PIECE, Connection, Listener
from fake_server.replay.clock import Clock, Pace
from fake_server.replay.ignoring import Part
from fake_server.replay.inspection import Inspection
from fake_server.replay.matching import Match, RecordingMatcher, error_exchange
from fake_server.replay.sources import Recording, load_exchanges
from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Request, header
from fake_server.wire.head import Malformed, TooLarge
from fake_server.wire.outgoing import serialize_reply
from fake_server.wire.request import RequestCapture

IDLE_SECONDS = 75.0
"""Seconds that a connection may wait before it sends a request."""
MOST_IN_FLIGHT = 64 * 1024 * 1024
"""Bytes of the requests of all connections that are under way; larger ones than PIECE are refused beyond it."""
NO_WEB_SOCKET = "Recordings hold no frames of WebSockets; send the request by POST."
"""What clients are told that try one first, as Codex does; it is no miss, and no recording is used up."""
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # silent unless the application configures logging


class Playback(Listener):
    """Serves recordings while entered: `async with Playback(exchanges) as playback`.

    `match` says which recording answers a request (see Match), `ignore` which parts of it do not count (see
    Ignored). `speed` divides the recorded pauses, 0 skips them; `clock` is the clock on which they pass. A
    recording that timed out stays silent until the client leaves, at most `bounds.exchange` seconds; for one
    whose target was unreachable the connection is reset. A recording that exceeded a limit, or whose client
    left, stops where it stopped then. A request that nothing matches gets a reply with `miss_status` that
    names the nearest recording; `misses` collects these messages. `allow_hosts` are names that clients may give
    the server (see AllowedHosts);
    `inspector` False serves no page at /__fake__/. Raises FixtureError for recordings that cannot be read,
    ValueError for what cannot be ignored and for what is no name.
    """

    def __init__(
        self,
        recordings: Recording | Iterable[Recording],
        *,
        speed: float = 1.0,
        match: Match | str = Match.BODY,
        miss_status: int = 404,
        ignore: Part | Iterable[Part] = (),
        port: int = 0,
        bounds: Bounds | None = None,
        clock: Clock | None = None,
        allow_hosts: Iterable[str] = (),
        inspector: bool = True,
    ) -> None:
        super().__init__(port)
        self._held: dict[Connection, int] = {}  # the bytes of requests under way
        self.bounds = bounds or Bounds()
        self._pace = Pace(speed, clock)
        self._hosts = AllowedHosts(allow_hosts)
        self._matcher = RecordingMatcher(
            load_exchanges(recordings), match=match, miss_status=miss_status, ignore=ignore
        )
        self.misses = self._matcher.misses
        self._inspection = Inspection(self._matcher) if inspector else None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def unplayed(self) -> list[Exchange]:
        """The recordings that have answered no request."""
        return self._matcher.unplayed

    def reset(self) -> None:
        """Forget the misses and which recordings were played."""
        self._matcher.reset()

    async def serve_connection(self, client: Connection) -> None:
        try:
            while (request := await self._read(client)) is not None:
                stays = await self._serve(client, request.request)
                self._held.pop(client, None)
                self.wait(client)
                if not stays or not request.keeps_alive:
                    await client.close()
                    return
        finally:
            self._held.pop(client, None)
            client.drop()

    async def _serve(self, client: Connection, request: Request) -> bool:
        """Answer one request; returns whether the connection stays open."""
        refusal = self._hosts.refuse(header(request.headers, "host"), request.target.encode("latin-1"))
        if refusal is not None:
            error = ErrorReply(refusal.status, refusal.message, code=refusal.code)
            return await play(client, error_exchange(error, request), request, self._pace, self.bounds)
        inspection = self._inspection
        if inspection is not None and inspection.is_asked(request):
            if await inspection.follow(client, request, self.bounds.idle):
                return False
            return await play(client, inspection.answer(request), request, self._pace, self.bounds)
        missed = self._matcher.missed
        exchange = self._answer(request)
        if inspection is None:
            return await play(client, exchange, request, self._pace, self.bounds)
        played = inspection.add(request, exchange, self.misses[-1] if self._matcher.missed > missed else "")
        try:
            return await play(client, exchange, request, self._pace, self.bounds)
        finally:
            played.ended()

    async def _read(self, client: Connection) -> RequestCapture | None:
        """The next complete request; None if the client left, is too slow, or does not send HTTP."""
        request, loop = RequestCapture(self.bounds), asyncio.get_running_loop()
        deadline, begun, continued = loop.time() + IDLE_SECONDS, False, False
        while not request.done:
            piece = client.take()
            if piece is None:
                # Such a client sends its body only after this line, or after about a second (curl).
                if request.head_done and not continued and request.expects_continue:
                    client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    continued = True
                if client.finished or not await client.changed(deadline):
                    return None
                continue
            data, at = piece
            try:
                used = request.feed(data)
            except (Malformed, TooLarge) as error:
                unread = ErrorReply(400, f"The request cannot be read: {error}.")
                await play(client, error_exchange(unread, request.request), request.request, self._pace, self.bounds)
                return None
            client.put_back(data[used:], at)
            if not begun:
                begun, deadline = True, loop.time() + self.bounds.idle
            if request.head_done:
                self.work(client)
            self._held[client] = self._held.get(client, 0) + used
            if self._held[client] > PIECE and sum(self._held.values()) > MOST_IN_FLIGHT:
                full = errors.busy("the bodies of other requests take all the room")
                await play(client, error_exchange(full, request.request), request.request, self._pace, self.bounds)
                await client.close(linger=1.0)
                return None
        return request

    def _answer(self, request: Request) -> Exchange:
        if _is_upgrade(request) and not any(_is_upgrade(recorded.request) for recorded in self._matcher.recordings):
            upgrade = error_exchange(ErrorReply(426, NO_WEB_SOCKET, code="websocket_not_supported"), request)
            return upgrade.but(headers=(*upgrade.headers, ("Upgrade", "HTTP/1.1")))
        before = self._matcher.missed
        exchange = self._matcher.answer(request)
        if self._matcher.missed > before:
            _log.warning("%s", self.misses[-1])
        return exchange


def _is_upgrade(request: Request) -> bool:
    return header(request.headers, "sec-websocket-key") is not None


async def play(client: Connection, exchange: Exchange, request: Request, pace: Pace, bounds: Bounds) -> bool:
    """Send one reply with its pauses and its ending; returns whether the connection stays open.

    The bytes sent are parsed as a client would parse them: if some are left over after the reply's end,
    the connection must close, or the client would take them for the next reply.
    """
    loop = asyncio.get_running_loop()
    read = ReplyCapture(request, bounds=replace(bounds, body=0), parse_on=True)  # parsed, but not kept
    for write in serialize_reply(exchange):
        if not await _pause(client, write.pause, pace):
            return False
        read.feed(write.data)
        if not await client.write_in_pieces(write.data, bounds.idle) and client.blocked:
            return False
    if exchange.ending is Ending.TIMED_OUT:
        deadline = loop.time() + bounds.exchange
        while not client.lost and not client.eof and await client.changed(deadline):
            pass
        return False
    if exchange.ending in (Ending.RESET, Ending.UNREACHABLE):
        await client.flushed(loop.time() + bounds.idle)
        await client.reset()
        return False
    return read.keeps_alive


async def _pause(client: Connection, seconds: float, pace: Pace) -> bool:
    """Wait for a recorded pause; returns False if the connection was lost meanwhile."""
    seconds = pace.scale(seconds)
    if seconds:
        pause = asyncio.ensure_future(pace.clock.asleep(seconds))
        pause.add_done_callback(lambda _: client.wake.set())
        try:
            while not pause.done() and not client.lost:
                await client.changed()
        finally:
            pause.cancel()
    return not client.lost


async def serve(
    recordings: Recording | Iterable[Recording],
    *,
    port: int = 1337,
    ready: Callable[[Playback], None] | None = None,
    **options: Any,
) -> None:
    """Serve until cancelled, with the options of Playback; `ready` is called once the port is open.

    Raises FixtureError for recordings that cannot be read, OSError if the port is in use.
    """
    async with Playback(recordings, port=port, **options) as playback:
        if ready:
            ready(playback)
        await asyncio.Event().wait()
