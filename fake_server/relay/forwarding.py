"""Forwarding one exchange: bytes in both directions, a copy parsed on the way, every wait bounded.

One task serves both directions: it moves what can be moved, then waits until either side changes or
the nearest deadline expires. With a task per direction, one would have to cancel the other whenever
a reply ends before its request does (a refusal, a limit, a client that left), and bytes moved in
between would be lost or captured twice. One task has one order of events, and nothing is left
running when the exchange ends.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable

from fake_server.connection import Connection
from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.delivery import reason_phrase
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing
from fake_server.wire.head import Malformed, TooLarge
from fake_server.wire.request import RequestCapture
from fake_server.wire.room import Room

LINGER = 0.5
"""Seconds to read on from a client before closing: an unread byte would turn our FIN into an RST."""
SWITCHING = 101
"""The status after which both sides speak another protocol (RFC 9110 section 15.2.2)."""


class Forwarding:
    """Forwards one exchange between `client` and an upstream connection.

    `upstream` is the connection used, None if there was none; `reusable` says whether both
    connections can carry another exchange. With `pass_on` a bound ends what is captured, not the
    exchange: it goes on until one of the two sides ends it.
    """

    def __init__(
        self,
        client: Connection,
        request: RequestCapture,
        bounds: Bounds,
        label: str,
        emit: Callable[[Exchange], None],
        keep_raw: bool = False,
        pass_on: bool = False,
        room: Room | None = None,
    ) -> None:
        self.client = client
        self.request = request
        self.bounds = bounds
        self.upstream: Connection | None = None
        self.reusable = False
        self._emit = emit
        self._emitted = False
        self._loop = asyncio.get_running_loop()
        self._started = self._progress = self._loop.time()
        self._left_at: float | None = None
        self._refusal = ""
        self._pass_on = pass_on
        self.reply = ReplyCapture(
            request.request,
            sent_at=self._started,
            bounds=bounds,
            label=label,
            keep_raw=keep_raw,
            parse_on=pass_on,
            room=room,
        )

    async def run(self, head: bytes, upstream: Connection) -> None:
        """Send `head`, then move bytes until the reply has ended; closes connections that cannot stay."""
        self.upstream = upstream
        upstream.wake = self.client.wake  # one event for both sides, so that one task can wait for either
        upstream.write(head)
        self._mark_request_sent()
        while not self.reply.ended:
            moved = self._move_request()
            moved = self._move_reply() or moved
            if self.reply.ended:
                break
            if not moved:
                deadline, _ = self._deadline()
                await self.client.changed(None if deadline == math.inf else deadline)
            self._check_time(moved)
            if not self.reply.keeping:
                self._emit_once()
        self._emit_once()
        if self._pass_on and self.reply.ending in (Ending.MALFORMED, Ending.OVERSIZED):
            await self._pass_unparsed()
        await self._hang_up()

    async def refuse(self, problem: str) -> None:
        """Answer the client with OpenAI's error object: the target cannot be reached."""
        self.reply.stop(Ending.UNREACHABLE, problem)
        self._emit_once()
        await send_error(self.client, 502, f"The relay has no answer: {problem}.", "target_unreachable")

    def interrupt(self) -> None:
        """End an exchange that is still in progress when the relay closes: the target would have gone on."""
        self.reply.stop(Ending.CLIENT_LEFT, "the relay was closed before the reply ended")
        self._emit_once()

    def _move_request(self) -> bool:
        """Pass one read from the client on to the target; returns whether anything moved."""
        client, upstream = self.client, self.upstream
        switched = self._pass_on and self.reply.status == SWITCHING
        if (self.request.done and not switched) or upstream is None or upstream.blocked:
            return False
        piece = client.take()
        if piece is None:
            return False
        data, at = piece
        if switched:
            upstream.write(data)
            self._progress = self._loop.time()
            return True
        try:
            used = self.request.feed(data)
        except (Malformed, TooLarge) as error:
            self._refusal = str(error)
            self.reply.stop(Ending.CLIENT_LEFT, f"the relay refused the client's request: {error}")
            return True
        client.put_back(data[used:], at)
        upstream.write(data[:used])
        self._progress = self._loop.time()
        self._mark_request_sent()
        return True

    def _mark_request_sent(self) -> None:
        if self.request.done:
            self.reply.request = self.request.request
            self.reply.sent_at = self._loop.time()

    def _move_reply(self) -> bool:
        """Pass one read from the target on to the client; returns whether anything moved."""
        upstream = self.upstream
        if upstream is None or (self.client.blocked and not self.client.lost):
            return False
        piece = upstream.take()
        if piece is None:
            if not upstream.finished:
                return False
            self.reply.reset() if upstream.was_reset else self.reply.eof()
            return True
        data, at = piece
        self._progress = self._loop.time()
        self.reply.feed(data, at)
        if self.reply.ended:
            while (more := upstream.take()) is not None:
                self.reply.feed(*more)
                data += more[0]
            self._emit_once()  # before the last bytes: a client that has the whole reply finds the exchange
        self.client.write(data)
        return True

    async def _pass_unparsed(self) -> None:
        """Pass on what follows bytes that cannot be parsed, until a side ends or the client asks again."""
        client, upstream = self.client, self.upstream
        assert upstream is not None
        while not (upstream.finished or client.lost or client.eof or client.readable):
            piece = None if client.blocked else upstream.take()
            if piece is None:
                await client.changed()
            else:
                client.write(piece[0])

    def _deadline(self) -> tuple[float, str]:
        """The nearest deadline on the loop's clock, and the limit it belongs to."""
        bounds, client = self.bounds, self.client
        nearest = (self._started + bounds.exchange if self.reply.keeping else math.inf, "exchange")
        if self._left_at is None and (client.lost or client.eof):
            self._left_at = self._loop.time()
        if self._left_at is not None:
            nearest = min(nearest, (self._left_at + bounds.grace, "left"))
        if not self.reply.keeping:
            return nearest
        if client.blocked:
            return min(nearest, (self._progress + bounds.idle, "client reads nothing"))
        if not self.request.done and not (self.upstream and self.upstream.blocked):
            return min(nearest, (self._progress + bounds.idle, "client sends nothing"))
        if not self.reply.received:
            return min(nearest, (self._progress + bounds.first_byte, "first_byte"))
        return min(nearest, (self._progress + bounds.idle, "idle"))

    def _check_time(self, moved: bool) -> None:
        deadline, kind = self._deadline()
        if self._loop.time() < deadline or (moved and kind not in ("exchange", "left")):
            return  # bytes moved, so nobody was idle: it was this process that took long
        bounds = self.bounds
        endings = {
            "exchange": (Ending.TIMED_OUT, f"the reply had not ended after {bounds.exchange:g} s (bound: exchange)"),
            "first_byte": (
                Ending.TIMED_OUT,
                f"no byte of a reply came for {bounds.first_byte:g} s (bound: first_byte)",
            ),
            "idle": (Ending.TIMED_OUT, f"no byte came for {bounds.idle:g} s (bound: idle)"),
            "left": (Ending.CLIENT_LEFT, "the client hung up before the reply ended"),
        }
        of_client = (Ending.CLIENT_LEFT, f"the {kind} for {bounds.idle:g} s (bound: idle)")
        ending, problem = endings.get(kind, of_client)
        if self._pass_on and kind != "left":
            self.reply.stop_keeping(problem)
        else:
            self.reply.stop(ending, problem)

    def _emit_once(self) -> None:
        if not self._emitted:
            self._emitted = True
            self.reply.request = self.request.request
            exchange = self.reply.exchange
            if self.request.truncated or not (self.reply.keeping or self.request.done):
                exchange = exchange.but(unknown=exchange.unknown | {Aspect.REQUEST})
            self._emit(exchange)

    async def _hang_up(self) -> None:
        """Leave both connections open for the next exchange, or end both the way the reply ended."""
        assert self.upstream is not None
        reply, client = self.reply, self.client
        self.reusable = (
            reply.keeps_alive
            and self.request.done
            and self.request.keeps_alive
            and not (client.lost or client.eof or self.upstream.finished)
        )
        if self.reusable:
            return
        if reply.ending in (Ending.CLEAN, Ending.CUT):
            self.upstream.finish()
        else:
            await self.upstream.reset()
        # To a client that reads until the connection closes, FIN would mean a complete reply.
        unclean = reply.ending not in (Ending.CLEAN, Ending.CUT, Ending.MALFORMED)
        broken = unclean and reply.framing is Framing.CLOSE
        if self._refusal and not reply.received:
            await send_error(client, 400, f"The relay refused the request: {self._refusal}.", "bad_request")
        elif broken or reply.ending in (Ending.RESET, Ending.CLIENT_LEFT):
            await client.reset()
        else:
            await client.close(linger=0.0 if self.request.done else LINGER, flush=self.bounds.idle)


async def send_error(client: Connection, status: int, message: str, code: str, fields: str = "") -> None:
    """Answer with OpenAI's error object, ask SDKs not to retry, and close; each of `fields` ends in a line end."""
    error = {"message": message, "type": "relay_error", "param": None, "code": code}
    body = json.dumps({"error": error}).encode()
    head = (
        f"HTTP/1.1 {status} {reason_phrase(status)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{fields}x-should-retry: false\r\nConnection: close\r\n\r\n"
    )
    client.write(head.encode() + body)
    await client.close(linger=LINGER)
