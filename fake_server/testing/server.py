"""FakeServer: the fake on a thread and port of its own, for tests and scripts."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fake_server.access import AllowedHosts
from fake_server.api.render.style import Style
from fake_server.bugs.playing import find_bugs
from fake_server.scripts import book as script_book
from fake_server.server.app import App
from fake_server.server.settings import Settings, default_scripts
from fake_server.server.uvicorn_server import Server, listen, serve_on, uvicorn_server
from fake_server.testing.space import FakeSpace

if TYPE_CHECKING:
    from fake_server.server.pages import FakeApp

ScriptSource = str | Path | Mapping[str, Any]


class FakeServer(FakeSpace):
    """A fake OpenAI server while entered: `with FakeServer() as fake: ... fake.base_url`.

    `scripts` are files, folders, or scripts written as mappings (None: the kit's own, []: none). `seed` None
    is a random one; `style` writes every reply in one way instead. `bugs` are ids of known bugs to reproduce.
    `allow_hosts` are names beyond localhost by which clients call it, such as host.docker.internal; `*` is any.
    `websocket` False answers 426 to a WebSocket of /v1/responses, upon which clients ask by POST; `inspector` False
    serves no page at /__fake__/.
    It is an async context manager too. The server itself is the space without a name; `space(name)` is
    another. Raises ScriptError for a bad script, BugError for an unknown bug, OSError for a taken port,
    ValueError for what is no name of a host.
    """

    def __init__(
        self,
        scripts: ScriptSource | Iterable[ScriptSource] | None = None,
        *,
        seed: int | None = None,
        plain: bool = False,
        style: Style | None = None,
        api_key: str | None = None,
        models: Sequence[str] | None = None,
        strict: bool = False,
        bugs: Sequence[str] = (),
        port: int = 0,
        allow_hosts: Iterable[str] = (),
        websocket: bool = True,
        inspector: bool = True,
    ) -> None:
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        settings = Settings(
            book=book_of(scripts),
            seed=self.seed,
            plain=plain,
            style=style,
            strict=strict,
            api_key=api_key,
            models=None if models is None else tuple(models),
            bugs=find_bugs(bugs),
            hosts=AllowedHosts(allow_hosts),
            websocket=websocket,
            inspector=inspector,
        )
        super().__init__(settings, "", lambda: self.root)
        self._wanted = port
        self._port: int | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def root(self) -> str:
        """`http://127.0.0.1:PORT`. Raises RuntimeError if the server is not running."""
        if self._port is None:
            raise RuntimeError("the fake server is not running: enter it with `with` or call start()")
        return f"http://127.0.0.1:{self._port}"

    @cached_property
    def app(self) -> FakeApp:
        """The FastAPI app, to be called, mounted, or given routes of your own in this process."""
        return App(self.settings).fastapi

    def space(self, name: str) -> FakeSpace:
        """A space of this server, for a test that runs beside others. Raises ValueError for a bad name."""
        self.settings.spaces(name)
        return FakeSpace(self.settings, name, lambda: self.root)

    def reset(self) -> None:
        """Forget requests, uses of scripts, and what was added, in every space."""
        for space in self.settings.spaces.known():
            space.reset()

    def start(self) -> FakeServer:
        """Serve on a thread of its own; returns once connections are accepted."""
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
        """Stop serving; open streams are cut after half a second. Safe to call twice."""
        server, thread = self._server, self._thread
        self._server = self._thread = self._port = None
        if server is not None and thread is not None:
            server.stop()
            thread.join(10)

    def __enter__(self) -> FakeServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> FakeServer:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)


def book_of(given: ScriptSource | Iterable[ScriptSource] | None) -> script_book.ScriptBook:
    """Load the scripts of files, folders and mappings; None: the kit's own. Raises ScriptError."""
    if given is None:
        return script_book.load(default_scripts())
    several = [given] if isinstance(given, (str, Path, Mapping)) else list(given)
    for source in several:
        if not isinstance(source, (str, Path, Mapping)):
            raise TypeError(f"scripts are files, folders or mappings, not {type(source).__name__}")
    paths = [Path(source) for source in several if isinstance(source, (str, Path))]
    scripts = [source for source in several if isinstance(source, Mapping)]
    return script_book.join_books(script_book.parse(scripts), script_book.load(paths))
