"""WebSocket mode of POST /responses: each `response.create` of a client is a request, each event a frame.

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

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from fake_server import connection
from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.server.request_context import LARGE, Refused, parse_large_object, parse_object
from fake_server.server.routes.lanes import TURN, Kept
from fake_server.server.state.memory import SMALL
from fake_server.server.turn_sender import TurnSender, error_event
from fake_server.server.waiting import close_soon
from fake_server.wire.budget import Budget, TooMuch

if TYPE_CHECKING:
    from starlette.types import Message

    from fake_server.server.sender import SocketSender
    from fake_server.server.settings import Settings

log = logging.getLogger("fake_server")
MOST_LANES, MOST_ACTIVE, MOST_PENDING = 32, 16, 64
"""Named lanes of a connection, turns under way side by side, and messages that wait for their turn."""
IDLE_SECONDS, FRAME_SECONDS, LIFE_SECONDS = 600.0, 60.0, 3600.0
"""Seconds that a connection may wait between turns, that one message may take, and that a connection lasts."""
CLOSE_SECONDS = 1.0
"""Seconds that the client has to answer a close frame."""
_NO_ROOM = "messages of others take all the room"
_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_CREATE = "response.create"
_MEMBERS = ("type", "stream_id", "stream", "generate")
_JSON = (b"content-type", b"application/json")
_OF_HANDSHAKE = re.compile(rb"connection|upgrade|sec-websocket-.*|content-.*|transfer-encoding|expect")
Serve = Callable[..., Awaitable[None]]


@dataclass
class _Message:
    """A frame's text, and the bytes of it that are counted in flight."""

    data: bytes
    held: int


@dataclass
class _Lane:
    """Turns that wait for those before them, and what runs them."""

    turns: deque[tuple[Mapping[str, Any] | ErrorReply, _Message]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class WebSocket:
    """One open connection; `protocol` knows the rules of RFC 6455 and does no I/O.

    The connection's HTTP protocol feeds it bytes, and tells it when the client has left or the server stops.
    """

    def __init__(self, protocol: ServerProtocol, scope: Mapping[str, Any], settings: Settings) -> None:
        self._rules, self._settings = protocol, settings
        headers = [pair for pair in scope["headers"] if not _OF_HANDSHAKE.fullmatch(pair[0])]
        self._scope = {**scope, "method": "POST", "headers": [*headers, _JSON]}
        self._kept = Kept()
        self._lanes: dict[str | None, _Lane] = {}
        self._active = asyncio.Semaphore(MOST_ACTIVE)
        self._arrived: deque[_Message] = deque()
        self._pieces: list[bytes] = []
        self._unread = self._held = self._since = self._pending = 0
        self._news, self.gone, self._closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._failed = False

    async def run(self, sender: SocketSender, serve: Serve) -> None:
        """Answer turns until the connection ends."""
        self._sender, self._serve = sender, serve
        self._http = http = sender.take_over(self)
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFE_SECONDS
        try:
            while not self._failed:
                if self._arrived:
                    await self._take(self._arrived.popleft())
                    continue
                busy = any(lane.task for lane in self._lanes.values())
                patience = FRAME_SECONDS if self._unread else LIFE_SECONDS if busy else IDLE_SECONDS
                http.note_waiting(not busy and not self._unread)
                self._news.clear()
                try:
                    async with asyncio.timeout(max(min(patience, end - loop.time()), 0)):
                        await self._news.wait()
                except TimeoutError:
                    await self._end_by_clock(loop.time() >= end)
            await self._wait_for_close()
        finally:
            self.gone.set()
            for lane in self._lanes.values():
                if lane.task is not None:
                    lane.task.cancel()
            self._kept.forget()
            self._release(self._held)
            sender.leave()

    def feed(self, data: bytes) -> None:
        """Take bytes of the client in: whole messages wait for `run`, control frames are answered."""
        if self._failed and self._rules.close_sent is None:
            return
        rules = self._rules
        if not self._unread:
            self._news.set()  # from now on a message is to come to its end
        self._unread += len(data)
        if self._unread > SMALL and not self._reserve(len(data), large=True):
            rules.fail(1013, _NO_ROOM)
        else:
            rules.receive_data(data)
        for event in rules.events_received():
            if isinstance(event, Frame):
                self._collect(event)
        self._flush()
        if rules.close_expected() or rules.close_sent is not None or rules.parser_exc is not None:
            self._failed = True
            self._news.set()
        if rules.close_rcvd is not None:
            self._closed.set()
        self.may_read()

    def lost(self) -> None:
        """Note that the client has left."""
        self._failed = True
        for event in (self.gone, self._closed, self._news):
            event.set()

    def stop(self) -> None:
        """Say that the server stops."""
        if not self._failed:
            self._close(1001, "the server stops")

    def drop(self, *, reset: bool) -> None:
        """End the connection without a close frame, as faults want it."""
        self._failed = True
        transport = self._http.transport
        if reset and not transport.is_closing():
            connection.reset(transport)
        else:
            transport.close()
        self.gone.set()
        self._news.set()

    async def say(self, event: str) -> None:
        """Send one event as a frame, once the client has taken those before it."""
        if self.gone.is_set() or self._failed:
            return
        self._rules.send_text(event.encode("utf-8", "replace"))
        self._flush()
        await self._sender.drain()

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
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) or self._failed:
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
        if self._pending >= MOST_PENDING or not (self._since or self._reserve(len(data), large=False)):
            full = self._pending >= MOST_PENDING
            self._rules.fail(1008 if full else 1013, "too many messages wait" if full else _NO_ROOM)
            return
        self._arrived.append(_Message(data, self._since))
        self._since = 0
        self._pending += 1
        self._news.set()

    def _reserve(self, size: int, *, large: bool) -> bool:
        size *= 2  # the bytes, and what they say
        if not self._settings.spaces.budget.reserve(size, large=large):
            return False
        self._held += size
        self._since += size
        return True

    def _release(self, size: int) -> None:
        if size:
            self._settings.spaces.budget.release(size)
            self._held -= size

    def may_read(self) -> None:
        """Read on only while the client takes what it is sent."""
        flow = self._http.flow
        if flow.write_paused:
            flow.pause_reading()
        elif not self.gone.is_set() and not self._http.transport.is_closing():
            flow.resume_reading()

    async def _take(self, message: _Message) -> None:
        """Put a message at the end of its lane."""
        budget = Budget()
        budget.heavy = len(message.data) > LARGE
        taken: Mapping[str, Any] | ErrorReply
        lane: Any = None
        try:
            if budget.heavy:
                work = asyncio.get_running_loop().run_in_executor
                body, message.data = await work(self._settings.worker, budget.run, _read_large, message.data)
            else:
                body, message.data = _read(message.data)
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
                        self.drop(reset=False)
                self._pending -= 1
                self._release(message.held)
        finally:
            lane.task = None
            self._news.set()

    async def _answer(self, name: str | None, body: Mapping[str, Any] | ErrorReply, message: _Message) -> None:
        if isinstance(body, ErrorReply):
            await self.say(error_event(body.status, body.body()["error"], name))
            return
        turn = self._kept.turn(name, body)
        waiting = [message.data]

        async def receive() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        scope = {**self._scope, TURN: turn}
        await self._serve(scope, receive, TurnSender(receive, self, turn), body_arrived=True)

    async def _end_by_clock(self, too_old: bool) -> None:
        if too_old:
            what = (
                f"Responses websocket connection limit reached ({LIFE_SECONDS / 60:.0f} minutes). Create a new "
                "websocket connection to continue."
            )
            reply = ErrorReply(400, what, code="websocket_connection_limit_reached")
            await self.say(error_event(400, reply.body()["error"], None))
        what = "too old" if too_old else "a message took too long" if self._unread else "nothing was asked"
        self._close(1000 if too_old else 1008, what)

    def _close(self, code: int, why: str) -> None:
        if self._rules.close_sent is None:
            self._rules.send_close(code, why)
            self._flush()
        self._failed = True
        self._news.set()

    async def _wait_for_close(self) -> None:
        """Give the client a moment to answer the close frame, or to take it."""
        transport = self._http.transport
        if not self.gone.is_set() and not transport.is_closing() and self._rules.close_rcvd is None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._closed.wait()
            except TimeoutError:
                pass
        close_soon(transport, CLOSE_SECONDS)


def _read(data: bytes) -> tuple[Mapping[str, Any], bytes]:
    """What a message says, and the body of the POST that it stands for. Raises Refused."""
    body = parse_object(data)
    return body, _as_post(body)


def _read_large(data: bytes) -> tuple[Mapping[str, Any], bytes]:
    body = parse_large_object(data)
    return body, _as_post(body)


def _as_post(body: Mapping[str, Any]) -> bytes:
    rest = {name: value for name, value in body.items() if name not in _MEMBERS}
    return json.dumps({**rest, "stream": True}, ensure_ascii=False, separators=(",", ":")).encode()
