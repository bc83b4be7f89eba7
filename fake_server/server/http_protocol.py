"""One connection of our own server: uvicorn's HTTP/1.1 with bounds, and refusals in OpenAI's form."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.server.deliveries import last_reply, refuse
from fake_server.server.parsing import head_without_upgrade, make_parser
from fake_server.server.request_context import UPGRADE
from fake_server.server.routes.table import DIRECT
from fake_server.server.sender import WRITE_SECONDS, SocketSender
from fake_server.server.settings import Settings
from fake_server.server.state.memory import FIELD, PIPELINED, UnderWay
from fake_server.server.straight import rest_of
from fake_server.server.waiting import MOST_BUSY, Waiting, close_soon

MOST_FIELDS, MOST_PIPELINED = 500, 100
"""Fields of a head, and requests on one connection that wait for the replies before theirs."""
_TOO_MANY_FIELDS = ErrorReply(431, f"The head of a request has more than {MOST_FIELDS} fields.")
_MANY_REQUESTS = f"{MOST_BUSY} requests are under way, or {MOST_PIPELINED} wait on this connection"
_NO_ROOM = "requests under way take all the room"
_RECEIVED = 64 * 1024
"""Bytes that are received at once from one connection: none of them count before they are here."""
HEAD_SECONDS, HEAD_BYTES = 60.0, 64 * 1024
"""Seconds that a connection may take to send the head of a request, and bytes that it may send before one.

The bytes bound everything that is neither a complete head nor a body: endless fields, trailers, chunk
extensions.
"""
_ACCEPTED = {("1.1", 1), ("1.0", 0), ("1.0", 1)}
"""Versions of HTTP, each with a number of Host fields that it allows."""
_REFUSAL = "fake_server.refusal"
"""Where the scope of a request holds why it is refused, whatever it asks for."""


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1, with bounds on what a request may take, and refusals in OpenAI's form."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = _brought = _serving = _straight = False
    _idle_since: float | None = None
    _next: tuple[RequestResponseCycle, Any] | None = None
    """The request whose last byte has not arrived, until the bytes that have are read: then a task begins it."""
    _useless = 0
    _refusal: ErrorReply | None = None
    _upgrade = b""
    socket: Any = None
    """What has the connection after an upgrade."""
    _wrong = ErrorReply(400, "Invalid HTTP request received.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fake: Any = self.app
        self._settings: Settings = fake.settings
        self._waiting: Waiting = self.server_state.waiting  # type: ignore[attr-defined]
        self._under_way = UnderWay(self._settings.spaces.budget)

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            cycle = send.__self__
            sender = SocketSender(self, scope, cycle)
            self._serving = True
            try:
                if (refusal := scope.pop(_REFUSAL, None)) is None:
                    await fake.serve(scope, receive, sender, body_arrived=not cycle.more_body)
                else:
                    await fake.refuse(ErrorReply(refusal.status, refusal.message, code=refusal.code), scope, sender)
            finally:
                self._serving = False
                if self.parser is None:
                    self._forget()

        self.app = serve

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.max_size = _RECEIVED  # type: ignore[attr-defined]
        self._waiting.add(self)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def data_received(self, data: bytes) -> None:
        if self.socket is not None:
            self.socket.feed(data)
            return
        if self._refusal is not None:
            return
        self._idle_since = None
        self._brought, self._straight, rest = False, True, data
        try:
            while rest:
                rest = self._feed(rest)
        except HttpParserError:
            self._begin_task()
            self._refuse(self._wrong)
            return
        self._straight = False
        if self._next is not None:
            self._begin_task()
        self._useless = 0 if self._brought else self._useless + len(data)
        if self._useless:
            self._waiting.hold(self, self._useless + len(self.headers or ()) * FIELD)
        elif self.cycle is not None and len(self.cycle.body) > PIPELINED and not self._has_room_for_body():
            self._refuse(errors.busy(_NO_ROOM))
            return
        if self._useless > HEAD_BYTES:
            self._refuse(ErrorReply(431, f"The head of a request is longer than {HEAD_BYTES} bytes."))
        elif self._in_head and len(self.headers) > MOST_FIELDS:
            self._refuse(_TOO_MANY_FIELDS)
        elif not self._in_head and (self._brought or self._busy):
            if self._deadline is not None:
                self._forget_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _has_room_for_body(self) -> bool:
        """Count what nobody has taken in of a body; a small one counts with the head."""
        return not self._busy or self._under_way.hold(body=len(self.cycle.body))

    @property
    def _busy(self) -> bool:
        """Whether a request is under way; blank lines and the like beside it must end at some point."""
        return self.cycle is not None and not self.cycle.response_complete

    def _feed(self, data: bytes) -> bytes:
        """Feed the parser; returns what is left after an Upgrade field: the head without it, and the rest.

        A server may ignore the field (RFC 9110 section 7.8), but this parser then leaves out the body.
        """
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                raise HttpParserError("this is no proxy") from None
            self._upgrade = b", ".join(value for name, value in self.headers if name == b"upgrade")
            head = head_without_upgrade(self)
            self.parser = make_parser(self)  # after `Connection: close` the old one is deaf
            return head + data[upgrade.args[0] :]
        return b""

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head, self._brought = False, True
        if self._upgrade:
            self.scope[UPGRADE], self._upgrade = self._upgrade.decode("latin-1"), b""  # type: ignore[literal-required]
        hosts = [value.strip(b" \t").decode("latin-1") for name, value in self.headers if name == b"host"]
        if (self.parser.get_http_version(), len(hosts)) not in _ACCEPTED:
            raise HttpParserError("another version, or not one Host (RFC 9112 section 3.2)")
        host, allowed = hosts[0] if hosts else None, self._settings.hosts
        if host not in allowed.seen or self.url[:1] != b"/":
            self.scope[_REFUSAL] = allowed.refuse(host, self.url)  # type: ignore[literal-required]
        if len(self.headers) > MOST_FIELDS or len(self.pipeline) >= MOST_PIPELINED or len(self.tasks) >= MOST_BUSY:
            self._wrong = _TOO_MANY_FIELDS if len(self.headers) > MOST_FIELDS else errors.busy(_MANY_REQUESTS)
            raise HttpParserError(self._wrong.message)
        head = sum(map(len, chain.from_iterable(self.headers))) + len(self.url)
        if not self._under_way.begin(head, len(self.headers)):
            self._wrong = errors.busy(_NO_ROOM)
            raise HttpParserError(self._wrong.message)
        self._waiting.pop(self, None)
        super().on_headers_complete()
        self.headers = []  # trailers, which nobody reads, must not join the head's fields

    def on_body(self, body: bytes) -> None:
        self._brought = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        if self._next is not None:  # it is whole: no task, unless it has to wait for something
            (cycle, app), self._next, self._straight = self._next, None, False
            work = cycle.run_asgi(app)
            try:
                awaited = work.send(None)
            except StopIteration:
                return
            task = self.loop.create_task(rest_of(work, awaited))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._straight and (cycle.scope["method"], cycle.scope["path"]) in DIRECT:
            self._next = cycle, app  # the rest of it may lie in the bytes that are here
        else:
            super()._start_asgi_task(cycle, app)

    def _begin_task(self) -> None:
        """Begin the request of which not all bytes are here, where there is one."""
        self._straight = False
        if self._next is not None:
            (cycle, app), self._next = self._next, None
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            else:
                self._idle_since = self.loop.time()
                if self.timeout_keep_alive_task is None:
                    self._look_later(self.timeout_keep_alive)
        self._under_way.end()
        if self.cycle is not None and self.cycle.response_complete:
            self.cycle.scope = {}  # type: ignore[typeddict-item]  # an idle connection holds no head
            if not self._in_head:
                self.scope = self.cycle.scope
            self._waiting[self] = 0
            if self._refusal is not None:
                self._refuse(self._refusal)

    def _look_later(self, seconds: float) -> None:
        """Look then whether the connection is idle: one timer for many requests, where uvicorn sets one for each."""
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_later(left)
        else:
            close_soon(self.transport, WRITE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._waiting.pop(self, None)
        if self.socket is not None:
            self.socket.lost()
        self._under_way.release()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # which uvicorn does where nothing went wrong
        self.headers, self.scope = [], {}  # type: ignore[typeddict-item]
        self.pipeline.clear()
        if not self._serving:  # of requests in a row, some may never be answered
            self._forget()

    def _forget(self) -> None:
        """Refer to nothing that refers to this: the memory of lost connections must not wait for the collector."""
        self.cycle = self.app = None  # type: ignore[assignment]

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self._under_way.hold(unread=self.transport.get_write_buffer_size()):
            self.transport.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._under_way.hold(unread=0)
        if self.socket is not None:
            self.socket.may_read()

    def shutdown(self) -> None:
        if self.socket is not None:
            self.socket.stop()
        super().shutdown()

    def note_waiting(self, waits: bool) -> None:
        """Note whether a connection that was taken over waits, so that it may be dropped where too many do."""
        if waits:
            self._waiting[self] = 0
        else:
            self._waiting.pop(self, None)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._refuse(ErrorReply(408, f"No whole request arrived within {HEAD_SECONDS:g} seconds."))

    def _refuse(self, error: ErrorReply) -> None:
        """Answer below the app and hang up; complete requests before this one get their replies first."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                self._refusal = error
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                close_soon(self.transport, WRITE_SECONDS)
                return
        self.transport.write(last_reply(refuse(error)))
        close_soon(self.transport, WRITE_SECONDS)
