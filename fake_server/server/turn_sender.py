"""How the reply to one turn leaves over a WebSocket: each event as a frame, a refusal as an `error` event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from starlette.types import Receive

from fake_server.api.reply import ErrorReply
from fake_server.server.deliveries import refuse
from fake_server.server.routes.lanes import Turn
from fake_server.server.sender import Sender
from fake_server.server.state.journal import JournalEntry
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending
from fake_server.wire.sse import Decoder

_PLAYED = frozenset(
    {
        "error",
        "insufficient-quota",
        "quota",
        "reply",
        "cut",
        "stall",
        "close",
        "slow",
        "drop-event",
        "double-event",
        "truncated-event",
        "error-event",
        "json",
        "drop-events",
        "repeat-events",
        "insert-event",
        "rewrite",
        "misread",
        "cross-talk",
        "one-slot",
        "slots",
        "preflight",
        "no-cors",
    }
)
"""Faults that a WebSocket can show; the others are about HTTP, or about how an event stream is written."""
_FAILURES = ("response.failed", "error")


class TurnConnection(Protocol):
    """What sends the events of turns, each as a message."""

    async def say(self, event: str) -> None:
        """Send one event, once the client has taken those before it."""

    def drop(self, *, reset: bool) -> None:
        """End the connection without a close frame, as faults want it."""


class TurnSender(Sender):
    """Sends the delivery of one turn as frames."""

    def __init__(self, receive: Receive, socket: TurnConnection, turn: Turn) -> None:
        super().__init__(receive)
        self._socket, self._turn = socket, turn

    async def send(self, delivery: Delivery, entry: JournalEntry) -> None:
        """Send all of it; faults that a WebSocket cannot show are refused in its place."""
        names = [note.partition(":")[0] for note in entry.faults]
        unplayed = [name for name in names if name not in _PLAYED]
        if unplayed:
            what = f"The fault {unplayed[0]} cannot be played over a WebSocket: it is about HTTP or an event stream."
            delivery = refuse(ErrorReply(400, what, param="x-fake-fault", code="unsupported_value"))
        await super().send(delivery, entry)

    def begin(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._decoder = Decoder() if delivery.streams and delivery.status < 400 else None
        self._body: list[bytes] = []

    async def write(self, data: bytes, entry: JournalEntry, *, more: bool = True) -> None:
        entry.sent(data)
        if self._decoder is None:
            self._body.append(data)
        else:
            for event in self._decoder.feed(data):
                if event.data is not None:
                    if event.type in _FAILURES:
                        self._turn.failed()
                    await self._socket.say(self._with_lane(event.data))
        if more:
            return
        delivery = self._delivery
        if delivery.ending is not Ending.CLEAN or delivery.silent:
            self._socket.drop(reset=delivery.ending is Ending.RESET)
        elif self._decoder is None:
            await self._say_whole(delivery, b"".join(self._body))

    async def _say_whole(self, delivery: Delivery, body: bytes) -> None:
        text = body.decode("utf-8", "replace")
        if delivery.status < 400:
            await self._socket.say(text)
            return
        self._turn.refused()
        try:
            error = json.loads(text)["error"]
        except (ValueError, TypeError, KeyError, RecursionError):
            error = None
        if not isinstance(error, dict):
            error = {"message": text[:1000], "type": "server_error", "param": None, "code": None}
        headers = {name: value for name, value in delivery.headers if not name.lower().startswith("content-")}
        await self._socket.say(error_event(delivery.status, {**error, "headers": headers}, self._turn.lane))

    def _with_lane(self, data: str) -> str:
        """The event, which names its lane where the turn did."""
        end = data.rstrip()
        if self._turn.lane is None or not (data.startswith("{") and end.endswith("}")):
            return data
        return f'{end[:-1]},"stream_id":{json.dumps(self._turn.lane)}}}'


def error_event(status: int, error: Mapping[str, Any], lane: str | None) -> str:
    """The `error` event of a refused turn."""
    named = {} if lane is None else {"stream_id": lane}
    return json.dumps({"type": "error", "status": status, "error": error, **named}, ensure_ascii=False)
