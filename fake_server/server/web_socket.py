"""A WebSocket on a connection of our own server: bytes to messages, and what keeps them within bounds.

`websockets`, which this module needs, knows the rules of RFC 6455 and does no I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from fake_server import connection
from fake_server.server.in_flight import InFlight
from fake_server.server.state.memory import SMALL
from fake_server.server.turns import NO_ROOM, TOO_MANY, Serve, Turns
from fake_server.server.waiting import close_soon
from fake_server.wire.exchange import Headers

if TYPE_CHECKING:
    from fake_server.server.sender import SocketSender
    from fake_server.server.settings import Settings

CLOSE_SECONDS = 1.0
"""Seconds that the client has to answer a close frame."""


def shake_hands(fields: Mapping[str, str], max_size: int) -> tuple[ServerProtocol, Headers]:
    """What knows the rules from now on, and the fields of a 101. Raises BadHandshake.

    No extension is agreed on, so no frame is compressed, and no subprotocol.
    """
    rules = ServerProtocol(max_size=max_size)
    lines = [f"{name}: {value}\r\n" for name, value in fields.items()]
    rules.receive_data("".join(("GET / HTTP/1.1\r\n", *lines, "\r\n")).encode("latin-1"))
    requests = rules.events_received()
    if not requests or not isinstance(requests[0], Request):
        raise BadHandshake(400, "The handshake is malformed.")
    response = rules.accept(requests[0])
    if response.status_code != 101:
        raise BadHandshake(response.status_code, (response.body or b"").decode("utf-8", "replace").partition("\n")[0])
    rules.send_response(response)
    rules.data_to_send()
    return rules, tuple((name.lower(), value) for name, value in response.headers.raw_items() if name != "Date")


class BadHandshake(ValueError):
    """A handshake against the rules; it gets `status`, and the message says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class WebSocket:
    """One open connection.

    Its HTTP protocol feeds it bytes, and tells it when the client has left or the server stops.
    """

    def __init__(self, rules: ServerProtocol, scope: Mapping[str, Any], settings: Settings, serve: Serve) -> None:
        self._rules, self._turns = rules, Turns(self, scope, settings, serve)
        self._pieces: list[bytes] = []
        self._unread, self._held, self._spaces = 0, InFlight(), settings.spaces
        self._closed = asyncio.Event()

    async def run(self, sender: SocketSender) -> None:
        """Answer turns until the connection ends."""
        self._sender, self._http = sender, sender.take_over(self)
        try:
            closing = await self._turns.run(lambda: self._unread > 0, self._http.note_waiting)
            if closing is not None:
                self._close(*closing)
            await self._wait_for_close()
        finally:
            self._turns.end()
            self._held.release(self._spaces)
            sender.leave()

    def feed(self, data: bytes) -> None:
        """Take bytes of the client in: whole messages wait for `run`, control frames are answered."""
        if self._turns.ended and self._rules.close_sent is None:
            return
        rules = self._rules
        if not self._unread:
            self._turns.news.set()  # from now on a message is to come to its end
        self._unread += len(data)
        if self._unread > SMALL and not self._turns.hold(self._held, len(data), large=True):
            rules.fail(1013, NO_ROOM)
        else:
            rules.receive_data(data)
        for event in rules.events_received():
            if isinstance(event, Frame):
                self._collect(event)
        self._flush()
        if rules.close_expected() or rules.close_sent is not None or rules.parser_exc is not None:
            self._turns.ended = True
            self._turns.news.set()
        if rules.close_rcvd is not None:
            self._closed.set()
        self.may_read()

    def lost(self) -> None:
        """Note that the client has left."""
        self._turns.ended = True
        for event in (self._turns.gone, self._closed, self._turns.news):
            event.set()

    def stop(self) -> None:
        """Say that the server stops."""
        if not self._turns.ended:
            self._close(1001, "the server stops")

    def drop(self, *, reset: bool) -> None:
        """End the connection without a close frame, as faults want it."""
        self._turns.ended = True
        transport = self._http.transport
        if reset and not transport.is_closing():
            connection.reset(transport)
        else:
            transport.close()
        self._turns.gone.set()
        self._turns.news.set()

    async def say(self, event: str) -> None:
        """Send one event as a frame, once the client has taken those before it."""
        if self._turns.gone.is_set() or self._turns.ended:
            return
        self._rules.send_text(event.encode("utf-8", "replace"))
        self._flush()
        await self._sender.drain()

    def may_read(self) -> None:
        """Read on only while the client takes what it is sent."""
        flow = self._http.flow
        if flow.write_paused:
            flow.pause_reading()
        elif not self._turns.gone.is_set() and not self._http.transport.is_closing():
            flow.resume_reading()

    def _flush(self) -> None:
        transport = self._http.transport
        for data in self._rules.data_to_send():
            if transport.is_closing():
                return
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()

    def _collect(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) or self._turns.ended:
            self._unread *= bool(self._pieces)
            return
        self._pieces.append(bytes(frame.data))
        if not frame.fin:
            return
        data, self._pieces, self._unread = b"".join(self._pieces), [], 0
        try:
            data.decode()
        except UnicodeDecodeError:
            self._rules.fail(1007, "a message is not UTF-8")
            return
        if self._turns.full or not (self._held.size or self._turns.hold(self._held, len(data), large=False)):
            full = self._turns.full
            self._rules.fail(1008 if full else 1013, TOO_MANY if full else NO_ROOM)
            return
        self._turns.arrive(data, self._held)
        self._held = InFlight()

    def _close(self, code: int, why: str) -> None:
        if self._rules.close_sent is None:
            self._rules.send_close(code, why)
            self._flush()
        self._turns.ended = True
        self._turns.news.set()

    async def _wait_for_close(self) -> None:
        """Give the client a moment to answer the close frame, or to take it."""
        transport = self._http.transport
        if not self._turns.gone.is_set() and not transport.is_closing() and self._rules.close_rcvd is None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._closed.wait()
            except TimeoutError:
                pass
        close_soon(transport, CLOSE_SECONDS)
