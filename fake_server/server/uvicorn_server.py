"""Uvicorn as the fake needs it: it reports when it is ready, and stops at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable

import uvicorn

from fake_server.connection import handle_accept_errors, stop_accepting
from fake_server.server.app import App
from fake_server.server.http_protocol import Protocol
from fake_server.server.settings import Settings
from fake_server.server.waiting import State

BACKLOG = 2048
"""Connections that the system accepts before the server does."""
GRACE, TICK = 0.5, 0.01
"""Seconds that open streams get when the server stops before they are cut, and between two checks."""


class Server(uvicorn.Server):
    """Uvicorn that reports when it is ready, stops at once when told to, and cuts streams that do not end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self.ready = threading.Event()
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        waiting = self.server_state.waiting
        handle_accept_errors(self._loop, lambda: waiting.drop(waiting.burst))
        self.config.backlog = waiting.burst
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(BACKLOG)  # asyncio makes the queue as short as what it accepts in one turn
        self.ready.set()

    def stop(self) -> None:
        """Tell the server to stop, from any thread."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped already
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
            await stop_accepting(server)
        for listener in sockets or []:
            listener.close()
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
    """Open a socket to serve on. Raises OSError if the port is taken or the host is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only where the socket names its protocol; create_server does not.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def uvicorn_server(settings: Settings) -> Server:
    """Make a uvicorn server of the fake: no server header, no access log, HTTP/1.1 by httptools."""
    config = uvicorn.Config(
        App(settings),
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        proxy_headers=False,
    )
    return Server(config)


def serve_on(server: Server, listener: socket.socket) -> None:
    """Serve on an open socket until the server is told to stop; closes the socket."""
    with listener:
        asyncio.run(server.serve(sockets=[listener]))
