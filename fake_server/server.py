"""Uvicorn as the fake needs it: it says when it is ready, refuses in OpenAI's form, and leaves at once."""

from __future__ import annotations

import asyncio
import contextlib
import http
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fake_server.app import create_app
from fake_server.edge import to_json
from fake_server.reply import ErrorReply
from fake_server.settings import Settings
from fake_server.wire_sending import RAW, Writer

GRACE, TICK = 0.5, 0.01
"""Seconds that open streams get when the server stops, and between two looks; then they are cut."""


HEAD_SECONDS = 60.0
"""How long a connection may take to send the head of a request."""


class Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1 that waits only so long for a head and refuses in OpenAI's form."""

    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        app = self.app

        async def with_raw_send(scope: Any, receive: Any, send: Any) -> None:
            scope[RAW] = True
            await app(scope, receive, Writer(self, scope, send))

        self.app = with_raw_send

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._refuse(ErrorReply(408, f"No whole request arrived within {HEAD_SECONDS:g} seconds."))

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a server may ignore an Upgrade header (RFC 9110 section 7.8)."""

    def send_400_response(self, msg: str) -> None:
        self._refuse(ErrorReply(400, msg))

    def _refuse(self, error: ErrorReply) -> None:
        """Answer below the app unless an answer is under way, and hang up.

        A request whose body is broken may have reached the app already, which then has nothing to say. h11 is
        not told of an answer under way (see wire_sending), but its cycle is.
        """
        cycle = self.cycle
        waiting = cycle is None or cycle.response_complete or not cycle.response_started
        if not waiting or self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        body = to_json(error.body())
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        reason = http.HTTPStatus(error.status).phrase.encode()
        head = h11.Response(status_code=error.status, headers=headers, reason=reason)
        unread = cycle is not None and not cycle.response_complete and cycle.scope["method"] == "HEAD"
        for event in (head, h11.Data(data=b"" if unread else body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Server(uvicorn.Server):
    """Uvicorn that says when it is ready, leaves at once when told to, and cuts what does not end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    def stop(self) -> None:
        """Ask the server to leave, from any thread."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has left already
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._leave.set)

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leave.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await self._until(lambda: not state.connections)
        for connection in list(state.connections):
            connection.transport.abort()
        await self._until(lambda: not state.tasks)
        for task in list(state.tasks):
            task.cancel()

    async def _until(self, done: Callable[[], bool]) -> None:
        for _ in range(round(GRACE / TICK)):
            if done() or self.force_exit:
                return
            await asyncio.sleep(TICK)


def listen(host: str, port: int) -> socket.socket:
    """An open socket to serve on. Raises OSError when the port is taken or the host is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only where the socket names its protocol; create_server does not.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def uvicorn_server(settings: Settings) -> Server:
    """A uvicorn server of the fake: no server header, no access log, HTTP/1.1 by h11."""
    config = uvicorn.Config(
        create_app(settings),
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
    )
    return Server(config)


def serve_on(server: Server, listener: socket.socket) -> None:
    """Serve on an open socket until the server is told to stop; closes the socket."""
    with listener:
        asyncio.run(server.serve(sockets=[listener]))
