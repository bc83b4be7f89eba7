"""The fake in process: a server on its own thread and port, for tests and scripts."""

from __future__ import annotations

import asyncio
import contextlib
import http
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fake_server import scripts as script_book
from fake_server.app import create_app
from fake_server.edge import to_json
from fake_server.journal import Entry
from fake_server.reply import ErrorReply
from fake_server.settings import Settings, default_scripts
from fake_server.style import Style

GRACE, TICK = 0.5, 0.01
"""Seconds that open streams get when the server stops, and between two looks; then they are cut."""


HEAD_SECONDS = 60.0
"""How long a connection may take to send the head of a request."""


class Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1 that waits only so long for a head and refuses in OpenAI's form."""

    _deadline: asyncio.TimerHandle | None = None

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
        """Answer below the app unless an answer is under way, and hang up."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = to_json(error.body())
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        reason = http.HTTPStatus(error.status).phrase.encode()
        head = h11.Response(status_code=error.status, headers=headers, reason=reason)
        for event in (head, h11.Data(data=body), h11.EndOfMessage()):
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


def _path(script: object) -> Path:
    if isinstance(script, (str, Path)):
        return Path(script)
    raise TypeError(f"scripts are files or folders, not {type(script).__name__}: write it as a YAML file")


class FakeServer:
    """A fake OpenAI server while entered: `with FakeServer() as fake: ... fake.base_url`.

    `scripts` are files or folders (None: the kit's own, []: none); `seed` None draws one; `style`
    writes every reply one way instead. Works as an async context manager too. Raises ScriptError
    for a bad script, OSError for a taken port.
    """

    def __init__(
        self,
        scripts: str | Path | Iterable[str | Path] | None = None,
        *,
        seed: int | None = None,
        plain: bool = False,
        style: Style | None = None,
        api_key: str | None = None,
        models: Sequence[str] | None = None,
        strict: bool = False,
        port: int = 0,
    ) -> None:
        given = [scripts] if isinstance(scripts, (str, Path)) else scripts
        paths = default_scripts() if given is None else [_path(one) for one in given]
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        self.settings = Settings(
            book=script_book.load(paths),
            seed=self.seed,
            plain=plain,
            style=style,
            strict=strict,
            api_key=api_key,
            models=None if models is None else tuple(models),
        )
        self._wanted = port
        self._port: int | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without `/v1`. Raises RuntimeError when the server is not running."""
        if self._port is None:
            raise RuntimeError("the fake server is not running: enter it with `with` or call start()")
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The URL with `/v1`, as the SDKs want it."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> tuple[Entry, ...]:
        """What was asked, oldest first; bounded, credentials redacted."""
        return self.settings.spaces.default.journal.entries()

    def reset(self) -> None:
        """Forget in every space what was asked, what was used, and what was added."""
        for space in self.settings.spaces.known():
            space.reset()

    def start(self) -> FakeServer:
        """Serve on a thread of its own; returns once connections are answered."""
        if self._thread is not None:
            raise RuntimeError("the fake server is running already")
        listener = listen("127.0.0.1", self._wanted)
        server = uvicorn_server(self.settings)
        thread = threading.Thread(target=serve_on, args=(server, listener), name="fake-server", daemon=True)
        self._server, self._thread, self._port = server, thread, listener.getsockname()[1]
        thread.start()
        if not server.ready.wait(10):
            self.stop()
            raise RuntimeError("the fake server did not start within 10 seconds")
        return self

    def stop(self) -> None:
        """Stop serving; streams still open are cut after `GRACE` seconds. Safe to call twice."""
        server, thread = self._server, self._thread
        self._server = self._thread = self._port = None
        if server is not None and thread is not None:
            server.stop()
            thread.join(10)

    def __enter__(self) -> FakeServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> FakeServer:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


def serve_on(server: Server, listener: socket.socket) -> None:
    """Serve on an open socket until the server is told to stop; closes the socket."""
    with listener:
        asyncio.run(server.serve(sockets=[listener]))
