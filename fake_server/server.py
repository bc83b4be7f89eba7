"""The fake in process: a server on its own thread and port, for tests and scripts."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import uvicorn

from fake_server import scripts as script_book
from fake_server.app import create_app
from fake_server.journal import Entry
from fake_server.settings import Settings, default_scripts

GRACE = 1
"""Seconds that open streams get when the server stops."""


class Server(uvicorn.Server):
    """Uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def listen(host: str, port: int) -> socket.socket:
    """An open socket to serve on. Raises OSError when the port is taken or the host is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def uvicorn_server(settings: Settings, grace: int = GRACE) -> Server:
    """A uvicorn server of the fake: no server header, no access log, HTTP/1.1 by h11."""
    config = uvicorn.Config(
        create_app(settings),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=grace,
    )
    return Server(config)


class FakeServer:
    """A fake OpenAI server while entered: `with FakeServer() as fake: ... fake.base_url`.

    `scripts` are files or folders (None: the kit's own, []: none); `seed` None draws one. Works as an
    async context manager too. Raises ScriptError for a bad script, OSError for a taken port.
    """

    def __init__(
        self,
        scripts: Iterable[str | Path] | None = None,
        *,
        seed: int | None = None,
        plain: bool = False,
        api_key: str | None = None,
        models: Sequence[str] | None = None,
        strict: bool = False,
        port: int = 0,
    ) -> None:
        paths = default_scripts() if scripts is None else [Path(path) for path in scripts]
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        self.settings = Settings(
            book=script_book.load(paths),
            seed=self.seed,
            plain=plain,
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
        return self.settings.journal.entries()

    def reset(self) -> None:
        """Forget the requests and how often scripts were used."""
        self.settings.journal.clear()
        self.settings.state.reset()

    def start(self) -> FakeServer:
        """Serve on a thread of its own; returns once connections are answered."""
        if self._thread is not None:
            raise RuntimeError("the fake server is running already")
        listener = listen("127.0.0.1", self._wanted)
        server = uvicorn_server(self.settings)
        thread = threading.Thread(target=_serve, args=(server, listener), name="fake-server", daemon=True)
        self._server, self._thread, self._port = server, thread, listener.getsockname()[1]
        thread.start()
        if not server.ready.wait(10):
            self.stop()
            raise RuntimeError("the fake server did not start within 10 seconds")
        return self

    def stop(self) -> None:
        """Stop serving; open streams are cut after a second. Safe to call twice."""
        server, thread = self._server, self._thread
        self._server = self._thread = self._port = None
        if server is not None and thread is not None:
            server.should_exit = True
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


def _serve(server: Server, listener: socket.socket) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    with listener:
        asyncio.run(server.serve(sockets=[listener]))
