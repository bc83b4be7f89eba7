"""A WebSocket on any ASGI server, which takes care of its frames: messages to turns, and what bounds them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.types import Message, Receive, Scope, Send

from fake_server.server.in_flight import InFlight
from fake_server.server.sender import AsgiSender
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.memory import SMALL
from fake_server.server.turns import NO_ROOM, TOO_MANY, Serve, Turns
from fake_server.wire.delivery import Delivery, Upgrade

if TYPE_CHECKING:
    from fake_server.server.settings import Settings


async def serve_socket(serve: Serve, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket's handshake as the request that it is, and then its turns."""
    await receive()  # websocket.connect
    arrived: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive_nothing() -> Message:
        if not arrived:
            await asyncio.Event().wait()
        return arrived.pop()

    sender = AsgiSocketSender(receive_nothing, receive, send, scope)
    await serve({**scope, "method": "GET"}, receive_nothing, sender, body_arrived=True)


class AsgiSocketSender(AsgiSender):
    """Sends the reply to a handshake: its connection, or a refusal, for which some servers know only 403."""

    def __init__(self, receive: Receive, receive_message: Receive, send: Send, scope: Scope) -> None:
        super().__init__(receive, self._refuse)
        self.receive_message, self.send_message = receive_message, send
        self._tells_why = "websocket.http.response" in (scope.get("extensions") or {})

    async def write(self, data: bytes, entry: JournalEntry, *, more: bool = True) -> None:
        delivery: Delivery | None = self._delivery
        if isinstance(delivery, Upgrade) and delivery.talk is not None:
            await delivery.talk(self)
        else:
            await super().write(data, entry, more=more)

    async def _refuse(self, message: Message) -> None:
        if self._tells_why:
            await self.send_message({**message, "type": f"websocket.{message['type']}"})
        elif not message.get("more_body", True):
            await self.send_message({"type": "websocket.close", "code": 1008})


class AsgiSocket:
    """One open connection of an ASGI server."""

    def __init__(self, scope: Mapping[str, Any], settings: Settings, serve: Serve) -> None:
        self._turns, self._largest = Turns(self, scope, settings, serve), settings.max_body
        self._closing: tuple[int, str] | None = None

    async def run(self, sender: AsgiSocketSender) -> None:
        """Answer turns until the connection ends."""
        self._send = sender.send_message
        await self._send({"type": "websocket.accept"})
        reading = asyncio.create_task(self._read(sender.receive_message))
        try:
            closing = await self._turns.run(lambda: False, lambda _: None) or self._closing
            if closing is not None:
                await self._send({"type": "websocket.close", "code": closing[0], "reason": closing[1]})
        finally:
            reading.cancel()
            self._turns.end()

    async def say(self, event: str) -> None:
        """Send one event as a message."""
        if not self._turns.ended:
            try:
                await self._send({"type": "websocket.send", "text": event.encode("utf-8", "replace").decode()})
            except OSError:  # what servers raise once the client has left
                self._end(gone=True)

    def drop(self, *, reset: bool) -> None:
        """End the connection without a close frame, where the server does so for an app that returns."""
        self._end(gone=True)

    async def _read(self, receive: Receive) -> None:
        """Let messages wait for their turn until the client leaves, or sends too much."""
        try:
            while self._closing is None and (message := await receive())["type"] != "websocket.disconnect":
                text = message.get("text")
                data = text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b""
                if len(data) > self._largest:
                    self._closing = 1009, f"a message has more than {self._largest:,} bytes"
                elif self._turns.full:
                    self._closing = 1008, TOO_MANY
                elif not self._turns.hold(held := InFlight(), len(data), large=len(data) > SMALL):
                    self._closing = 1013, NO_ROOM
                else:
                    self._turns.arrive(data, held)
        finally:
            self._end(gone=self._closing is None)

    def _end(self, *, gone: bool) -> None:
        self._turns.ended = True
        if gone:
            self._turns.gone.set()
        self._turns.news.set()
