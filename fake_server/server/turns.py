"""The turns of one WebSocket of POST /responses: each `response.create` of a client is a request, each event a message.

The handshake has passed the app's chain as every request does; so does each turn, as the POST that it stands for. A
turn is thus in the journal, is answered by scripts and broken by faults, and its refusal is an `error` event. Turns of
one lane (`stream_id`) run one after the other, lanes side by side.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.server.body_text import LARGE, VALUE
from fake_server.server.in_flight import InFlight
from fake_server.server.request_context import Refused, parse_large_object, parse_object
from fake_server.server.routes.lanes import TURN, Kept
from fake_server.server.turn_sender import TurnConnection, TurnSender, error_event
from fake_server.wire.budget import Budget, TooMuch

if TYPE_CHECKING:
    from starlette.types import Message

    from fake_server.server.settings import Settings

log = logging.getLogger("fake_server")
MOST_LANES, MOST_ACTIVE, MOST_PENDING = 32, 16, 64
"""Named lanes of a connection, turns under way side by side, and messages that wait for their turn."""
IDLE_SECONDS, FRAME_SECONDS, LIFE_SECONDS = 600.0, 60.0, 3600.0
"""Seconds that a connection may wait between turns, that one message may take, and that a connection lasts."""
TOO_MANY, NO_ROOM = "too many messages wait", "messages of others take all the room"
"""Why a connection is closed that sends more than it gets answered, or than there is room for."""
_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_CREATE = "response.create"
_MEMBERS = ("type", "stream_id", "stream")
_JSON = (b"content-type", b"application/json")
_OF_HANDSHAKE = re.compile(rb"connection|upgrade|sec-websocket-.*|content-.*|transfer-encoding|expect")
Serve = Callable[..., Awaitable[None]]
"""`App.serve`: answers one request through a sender."""


@dataclass(eq=False)
class _Message:
    """A message's text, and what of it is counted in flight."""

    data: bytes
    held: InFlight


@dataclass
class _Lane:
    """Turns that wait for those before them, and what runs them."""

    turns: deque[tuple[Mapping[str, Any] | ErrorReply, _Message]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Turns:
    """What a connection is asked, lane by lane; `connection` sends the events.

    `ended` tells that nothing more is answered, `gone` that nobody waits for what is under way either. Whoever sets
    them sets `news`.
    """

    def __init__(self, connection: TurnConnection, scope: Mapping[str, Any], settings: Settings, serve: Serve) -> None:
        self._connection, self._settings, self._serve = connection, settings, serve
        headers = [pair for pair in scope["headers"] if not _OF_HANDSHAKE.fullmatch(pair[0])]
        self._scope = {**scope, "type": "http", "method": "POST", "headers": [*headers, _JSON]}
        self._kept = Kept()
        self._lanes: dict[str | None, _Lane] = {}
        self._arrived: deque[_Message] = deque()
        self._active = asyncio.Semaphore(MOST_ACTIVE)
        self._pending: set[_Message] = set()
        self.ended = False
        self.news, self.gone = asyncio.Event(), asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether as many messages wait as may."""
        return len(self._pending) >= MOST_PENDING

    def hold(self, held: InFlight, size: int, *, large: bool) -> bool:
        """Count so many bytes of a message in flight; False, and nothing is counted, where there is no room."""
        return held.hold(self._settings.spaces, 2 * size, large=large)  # the bytes, and what they say

    def arrive(self, data: bytes, held: InFlight) -> None:
        """Let a message wait for `run`; `held` is released once it is answered."""
        message = _Message(data, held)
        self._pending.add(message)
        self._arrived.append(message)
        self.news.set()

    async def run(self, reads: Callable[[], bool], note_waiting: Callable[[bool], None]) -> tuple[int, str] | None:
        """Answer what arrives until `ended`; returns code and reason of a close frame where the clock ends it.

        `reads` tells whether a message has begun to arrive; `note_waiting` is told whether the connection is idle.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFE_SECONDS
        while not self.ended:
            if self._arrived:
                await self._take(self._arrived.popleft())
                continue
            busy = any(lane.task for lane in self._lanes.values())
            patience = FRAME_SECONDS if reads() else LIFE_SECONDS if busy else IDLE_SECONDS
            note_waiting(not busy and not reads())
            self.news.clear()
            try:
                async with asyncio.timeout(max(min(patience, end - loop.time()), 0)):
                    await self.news.wait()
            except TimeoutError:
                if loop.time() >= end:
                    await self._connection.say(_too_old())
                    return 1000, "too old"
                return 1008, "a message took too long" if reads() else "nothing was asked"
        return None

    async def _take(self, message: _Message) -> None:
        """Put a message at the end of its lane."""
        budget = Budget()
        budget.heavy = len(message.data) > LARGE
        taken: Mapping[str, Any] | ErrorReply
        lane: Any = None
        try:
            if budget.heavy:
                work = asyncio.get_running_loop().run_in_executor
                body, message.data = await work(self._settings.worker, budget.run, self._read_large, message)
            else:
                body, message.data = _as_post(parse_object(message.data))
            lane = body.get("stream_id")
            self._check(body)
            taken = body
        except Refused as refused:
            taken = refused.reply
        except TooMuch as error:
            taken = errors.too_much(str(error))
        name = lane if isinstance(lane, str) and _LANE.fullmatch(lane) else None
        if name not in self._lanes and isinstance(taken, ErrorReply):
            name = None  # what is refused opens no lane
        place = self._lanes.setdefault(name, _Lane())
        place.turns.append((taken, message))
        if place.task is None:
            place.task = asyncio.create_task(self._run_lane(name, place))

    def end(self) -> None:
        """Stop what is under way, and forget what was kept for the connection."""
        self.gone.set()
        for lane in self._lanes.values():
            if lane.task is not None:
                lane.task.cancel()
        self._kept.forget()
        for message in tuple(self._pending):
            self._release(message)

    def _release(self, message: _Message) -> None:
        self._pending.discard(message)
        message.held.release(self._settings.spaces)

    def _read_large(self, message: _Message) -> tuple[Mapping[str, Any], bytes]:
        """What a large message says, and the body of its POST, for work in a thread. Raises Refused, TooMuch."""

        def hold_values(values: int) -> None:
            if not message.held.hold(self._settings.spaces, values * VALUE):
                raise Refused(errors.busy(NO_ROOM))

        return _as_post(parse_large_object(message.data, hold_values))

    def _check(self, body: Mapping[str, Any]) -> None:
        """Raises Refused for what is no turn."""
        kind, lane = body.get("type"), body.get("stream_id")
        if kind != _CREATE:
            shown = repr(kind)[:60] if isinstance(kind, str) else "missing"
            what = f"Invalid value: {shown}. Supported values are: '{_CREATE}'."
            raise Refused(ErrorReply(400, what, param="type", code="invalid_value"))
        if lane is not None and (not isinstance(lane, str) or not _LANE.fullmatch(lane)):
            what = "'stream_id' has 1 to 256 ASCII letters, digits, underscores, hyphens or periods."
            raise Refused(ErrorReply(400, what, param="stream_id", code="invalid_stream_id"))
        if lane is not None and lane not in self._lanes and len(self._lanes.keys() - {None}) >= MOST_LANES:
            what = f"A connection takes {MOST_LANES} distinct values of 'stream_id'."
            raise Refused(ErrorReply(400, what, param="stream_id", code="websocket_stream_limit_reached"))
        if not isinstance(body.get("generate"), bool | None):
            what = "Invalid type for 'generate': expected a boolean."
            raise Refused(ErrorReply(400, what, param="generate", code="invalid_type"))
        if body.get("background"):
            what = "'background' is for HTTP only: leave it out of what is sent over a WebSocket."
            raise Refused(ErrorReply(400, what, param="background", code="unsupported_parameter"))

    async def _run_lane(self, name: str | None, lane: _Lane) -> None:
        try:
            while lane.turns and not self.gone.is_set():
                body, message = lane.turns.popleft()
                async with self._active:
                    try:
                        await self._answer(name, body, message)
                    except Exception:
                        log.exception("a turn of a WebSocket failed")
                        self._connection.drop(reset=False)
                self._release(message)
        finally:
            lane.task = None
            self.news.set()

    async def _answer(self, name: str | None, body: Mapping[str, Any] | ErrorReply, message: _Message) -> None:
        if isinstance(body, ErrorReply):
            await self._connection.say(error_event(body.status, body.body()["error"], name))
            return
        turn = self._kept.turn(name, body)
        waiting = [message.data]

        async def receive() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        scope = {**self._scope, TURN: turn}
        await self._serve(scope, receive, TurnSender(receive, self._connection, turn), body_arrived=True)


def _too_old() -> str:
    """The event that a connection gets once it has lasted LIFE_SECONDS."""
    minutes = f"{LIFE_SECONDS / 60:.0f}"
    what = (
        f"Responses websocket connection limit reached ({minutes} minutes). Create a new "
        "websocket connection to continue."
    )
    reply = ErrorReply(400, what, code="websocket_connection_limit_reached")
    return error_event(400, reply.body()["error"], None)


def _as_post(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
    """What a message says, and the body of the POST that it stands for."""
    rest = {name: value for name, value in body.items() if name not in _MEMBERS}
    return body, json.dumps({**rest, "stream": True}, ensure_ascii=False, separators=(",", ":")).encode()
