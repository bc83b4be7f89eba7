"""How one fake server behaves: its scripts, seed and bounds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from fake_server.access import AllowedHosts
from fake_server.api.render.style import Style
from fake_server.scripts.book import ScriptBook
from fake_server.server.state.journal import Counts
from fake_server.server.state.space import Spaces
from fake_server.wire.fixture import SHIPPED

if TYPE_CHECKING:
    from fake_server.bugs.catalogue import Bug

MIB = 1024 * 1024


@dataclass
class Settings:
    """What an app is made from, and the state that it holds.

    `models` None accepts any name. `style` replaces the styles drawn from the seed, and so does `plain` with
    `Style.PLAIN`; `fixed_style` is the one that applies, None where each request draws its own. `book` may be
    replaced while the server runs. `bugs` are played to every request that meets them. `max_body` is in
    bytes, `body_timeout` in seconds for the whole request body. `hosts` are the names that a socket of our own
    answers to; in process, or on another server, any is. `websocket` False answers
    upgrades of /responses with 426; `inspector` False has no page at /__fake__/. `followers` are those who follow
    the requests. `started` is a time of the monotonic clock. `worker`
    does what is too much work for the event loop, one request after the other, so that memory is needed for one.
    """

    book: ScriptBook = field(default_factory=ScriptBook)
    seed: int = 0
    plain: bool = False
    style: Style | None = None
    strict: bool = False
    api_key: str | None = None
    models: tuple[str, ...] | None = None
    bugs: tuple[Bug, ...] = ()
    max_body: int = 32 * MIB
    body_timeout: float = 60.0
    websocket: bool = True
    inspector: bool = True
    hosts: AllowedHosts = field(default_factory=AllowedHosts)
    spaces: Spaces = field(init=False)
    counts: Counts = field(default_factory=Counts)
    followers: WeakSet[object] = field(default_factory=WeakSet)
    started: float = field(default_factory=time.monotonic)
    fixed_style: Style | None = field(init=False)
    worker: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.spaces = Spaces(self, self.seed)
        self.fixed_style = Style.PLAIN if self.plain else self.style
        self.worker = ThreadPoolExecutor(1, "fake-work")


def default_scripts() -> list[Path]:
    """The poem of the seed program: it stands beside the package.

    The other scripts of that folder are examples; they would answer requests that never asked for them.
    """
    poem = SHIPPED / "scripts" / "poem.yaml"
    return [poem] if poem.is_file() else []
