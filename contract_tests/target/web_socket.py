"""A WebSocket to the target's /responses: each turn is an exchange whose stream is what the messages say.

It goes to the target directly: the relay carries no frames. What a turn may take is bounded as an exchange is, in
seconds, bytes and frames; pings and fragments count as well, and neither keeps a turn alive.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from contract_tests.target.errors import NotReached, SetupFailed, Unsupported
from contract_tests.target.session import Session
from fake_server.relay.upstream import parse_target, tls_context
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Request, Write
from fake_server.wire.text import shorten

if TYPE_CHECKING:
    from websockets.client import ClientProtocol

BETA = "responses_websockets=2026-02-06"
"""What Codex CLI and openai-python send in `OpenAI-Beta` when they ask for a WebSocket."""
_ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
_NEEDS = "it needs the package websockets: pip install 'openai-contract-kit[websocket]'"
_LOST = frozenset({Aspect.ALL_HEADERS, Aspect.FRAMING})
"""What a turn has not: header fields and the framing of HTTP. The lines of the events are made here."""
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})\b")
_CLOSING = 1.0
_READS_AT_CLOSE = 100
"""Seconds that the target has to answer a close frame, and what is read until then."""


@dataclass
class _Turn:
    """What came of one turn so far."""

    began: float
    writes: list[Write] = field(default_factory=list)
    size: int = 0
    last: float = 0.0
    ended: bool = False
    first: Any = None
    """The first message, where it is a JSON object."""


class WebSocket:
    """An open WebSocket; one turn after the other."""

    def __init__(
        self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bounds: Bounds
    ) -> None:
        self._protocol, self._reader, self._writer, self._bounds = protocol, reader, writer, bounds
        self.early: list[Any] = []
        """Frames that came with the handshake; they belong to the first turn."""
        self._parts: list[bytes] = []
        self._frames = 0
        self._is_broken = False
        self._turns = 0

    async def turn(self, label: str, body: Mapping[str, Any]) -> Exchange:
        """Ask for a Response and return the exchange: what the same POST with `stream: true` would have been.

        A turn whose only message is an `error` is a refusal with the status that it names.
        """
        turn = _Turn(monotonic())
        turn.last = turn.began
        self._frames = 0
        self._turns += 1
        asked = json.dumps({"type": "response.create", **body}, ensure_ascii=False).encode()
        ending, problem = Ending.CLEAN, ""
        try:
            async with asyncio.timeout(self._bounds.exchange):
                if self._protocol.state.name != "OPEN":  # the target closed it with, or after, its last answer
                    raise _Closed(f"the WebSocket was closed{self._closed_with()} before this turn")
                self._protocol.send_text(asked)
                await self.flush()
                await self._read(turn)
        except TimeoutError:
            waited = "for the next message" if turn.writes else "for the first message"
            ending, problem = Ending.TIMED_OUT, f"the WebSocket was silent for too long: {waited}"
        except _TooMuch as error:
            ending, problem = Ending.OVERSIZED, str(error)
        except (ConnectionError, asyncio.IncompleteReadError, _Closed) as error:
            ending, problem = Ending.CUT, str(error) or "the connection broke"
        except _Malformed as error:
            ending, problem = Ending.MALFORMED, str(error)
        self._is_broken = ending is not Ending.CLEAN
        return self._exchange(label, body, turn, ending, problem)

    def _exchange(self, label: str, body: Mapping[str, Any], turn: _Turn, ending: Ending, problem: str) -> Exchange:
        sent = json.dumps({**body, "stream": True}, ensure_ascii=False).encode()
        fields = (("content-type", "application/json"), ("upgrade", "websocket"))
        request = Request("POST", "/v1/responses", fields, sent)
        status, kind, writes = 200, "text/event-stream", tuple(turn.writes)
        if len(writes) == 1 and isinstance(turn.first, dict) and turn.first.get("type") == "error":
            named = turn.first.get("status")
            if type(named) is int and 400 <= named < 600:
                data = writes[0].data.partition(b"data: ")[2].strip()
                status, kind, writes = named, "application/json", (Write(data, writes[0].pause),)
        return Exchange(
            request,
            status if self._is_answered(turn, ending) else None,
            (("content-type", kind),),
            writes,
            ending=ending,
            framing=Framing.CHUNKED,
            problem=problem,
            unknown=_LOST,
            label=label,
        )

    def _is_answered(self, turn: _Turn, ending: Ending) -> bool:
        """Whether the target began to answer, or broke off where it had to.

        A close between turns is no broken turn: whether it may close there is for the case to say.
        """
        is_between = ending is Ending.CUT and self._turns > 1
        return bool(turn.writes) or not (is_between or ending in (Ending.TIMED_OUT, Ending.OVERSIZED))

    async def _read(self, turn: _Turn) -> None:
        """Read messages until one ends the turn; what came with it belongs to it."""
        bounds, self.early, early = self._bounds, [], self.early
        for frame in early:
            self._take(frame, turn)
        while not turn.ended:
            patience = bounds.idle if turn.writes else bounds.first_byte
            async with asyncio.timeout(max(turn.last + patience - monotonic(), 0)):
                data = await self._reader.read(65536)
            self._protocol.receive_data(data) if data else self._protocol.receive_eof()
            for frame in self._protocol.events_received():
                self._take(frame, turn)
            await self.flush()
            wrong, close = self._protocol.parser_exc, self._protocol.close_rcvd
            if turn.ended:
                return
            if wrong is not None and type(wrong).__name__ == "PayloadTooBig":
                raise _TooMuch(f"a message of more than {bounds.event} bytes (bound: event)")
            if close is not None or not data:
                how = self._closed_with() or " without a word"
                place = "in the middle of a turn" if turn.writes else "before this turn was answered"
                raise _Closed(f"the WebSocket was closed{how} {place}")
            if wrong is not None:
                raise _Malformed(f"what came is no WebSocket frame: {shorten(str(wrong), 200)}")

    def _closed_with(self) -> str:
        close = self._protocol.close_rcvd
        return "" if close is None else f" with {close.code} ({shorten(close.reason, 100)!r})"

    def _take(self, frame: Any, turn: _Turn) -> None:
        from websockets.frames import DATA_OPCODES

        self._frames += 1
        turn.size += len(getattr(frame, "data", b""))
        if turn.size > self._bounds.body:
            raise _TooMuch(f"a turn of more than {self._bounds.body} bytes (bound: body)")
        if self._frames > self._bounds.writes:
            raise _TooMuch(f"a turn of more than {self._bounds.writes} frames (bound: writes)")
        if getattr(frame, "opcode", None) not in DATA_OPCODES:
            return
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        message, self._parts = b"".join(self._parts), []
        value = _as_json(message)
        kind = value.get("type") if isinstance(value, dict) else None
        if not turn.writes:
            turn.first = value
        now = monotonic()
        turn.writes.append(Write(_as_event(message, kind), now - turn.last))
        turn.last = now
        turn.ended = turn.ended or kind in _ENDS

    async def flush(self) -> None:
        """Send what the protocol has to send."""
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Close as RFC 6455 asks, wait a moment for the answer, and hang up."""
        with suppress(Exception):
            if not self._is_broken:
                async with asyncio.timeout(min(_CLOSING, self._bounds.idle)):
                    await self._say_goodbye()
        self._writer.transport.abort()

    async def _say_goodbye(self) -> None:
        self._protocol.send_close(1000)
        await self.flush()
        for _ in range(_READS_AT_CLOSE):
            data = await self._reader.read(65536)
            if data:
                self._protocol.receive_data(data)
            if not data or self._protocol.close_rcvd is not None:
                return


class _TooMuch(Exception):
    """A bound was reached."""


class _Closed(Exception):
    """The target closed the connection."""


class _Malformed(Exception):
    """What came breaks RFC 6455."""


def _as_json(message: bytes) -> Any:
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None


def _as_event(message: bytes, kind: Any) -> bytes:
    """A message as the event of a stream: one line of data where it is an event, else as many as it has."""
    name = kind if isinstance(kind, str) and kind.isprintable() and kind.isascii() else ""
    lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if kind is not None:  # it is JSON, whose strings hold no line ends
        lines = [b" ".join(lines)]
    return (b"event: %s\n" % name.encode() if name else b"") + b"".join(b"data: %s\n" % line for line in lines) + b"\n"


@asynccontextmanager
async def web_socket(session: Session, path: str = "/responses") -> AsyncIterator[WebSocket]:
    """A WebSocket to a path of the target, with the key, header fields and query of the run.

    Raises NotReached without the package websockets, where the run has stopped, or where nobody can be reached;
    Unsupported where the handshake is answered with anything but 101; SetupFailed for a 101 that breaks RFC 6455.
    No redirect is followed.
    """
    try:
        from websockets.client import ClientProtocol
        from websockets.uri import parse_uri
    except ImportError as error:
        raise NotReached(_NEEDS) from error
    options, bounds = session.options, session.options.bounds
    target = parse_target(session.root, options.headers, options.query)
    scheme = "wss" if target.encrypted else "ws"
    uri = f"{scheme}://{target.authority}{target.join(session.prefix + path)}"
    protocol = ClientProtocol(parse_uri(uri), max_size=bounds.event)
    session.count()
    context = tls_context(options.ca_file) if target.encrypted else None
    try:
        async with asyncio.timeout(bounds.connect):
            reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
    except (OSError, TimeoutError) as error:
        raise NotReached(f"no connection to {target.host} port {target.port}: {error or 'no answer'}") from error
    socket = WebSocket(protocol, reader, writer, bounds)
    try:
        await _shake_hands(socket, protocol, reader, session)
        yield socket
    finally:
        await socket.close()


async def _shake_hands(
    socket: WebSocket, protocol: ClientProtocol, reader: asyncio.StreamReader, session: Session
) -> None:
    options, bounds = session.options, session.options.bounds
    request = protocol.connect()
    named = {name.lower() for name, _ in options.headers}
    if options.api_key and "authorization" not in named:
        request.headers["Authorization"] = f"Bearer {options.api_key}"
    request.headers["OpenAI-Beta"] = BETA
    for name, value in options.headers:
        request.headers[name] = value
    protocol.send_request(request)
    await socket.flush()
    head, frames = b"", list[Any]()
    try:
        async with asyncio.timeout(bounds.first_byte):
            while not frames and protocol.handshake_exc is None and len(head) < bounds.head:
                data = await reader.read(4096)
                head += data
                protocol.receive_data(data) if data else protocol.receive_eof()
                frames += protocol.events_received()
                if (said := _STATUS.match(head)) and said[1] != b"101":
                    raise Unsupported(f"the target offers no WebSocket: status {said[1].decode()}")
                if not data:
                    break
    except (TimeoutError, ConnectionError) as error:
        raise Unsupported(f"the target offers no WebSocket: it did not answer ({error or 'in time'})") from error
    wrong = protocol.handshake_exc
    if not _STATUS.match(head):
        raise Unsupported("the target offers no WebSocket: it answered the request for one with no status line")
    if wrong is not None or protocol.state.name != "OPEN":
        raise SetupFailed(f"the handshake of the WebSocket is wrong: {shorten(str(wrong or 'it has no end'), 200)}")
    socket.early = frames[1:]
