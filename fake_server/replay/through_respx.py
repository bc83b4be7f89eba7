"""Every httpx and httpx2 client of the process, answered from recordings through respx."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpcore
import httpx
import respx
from respx.mocks import HTTPCoreMocker

from fake_server.playback_match import Match, Shelf
from fake_server.replay.clock import Clock, check_speed
from fake_server.replay.in_process import Player
from fake_server.replay.sources import Recording, exchanges
from fake_server.replay.tape import Pace

OPENAI = "https://api.openai.com/v1"


@contextmanager
def mocked(
    recordings: Recording | Iterable[Recording],
    *,
    base_url: str = OPENAI,
    match: Match | str = Match.BODY,
    speed: float = 1.0,
    miss_status: int = 404,
    clock: Clock | None = None,
) -> Iterator[Shelf]:
    """While entered, httpx and httpx2 clients get recordings for every request below `base_url`:

        with mocked("fixtures/bugs/cut.yaml", base_url="https://api.example.invalid/v1") as replay:
            ...
        assert not replay.misses and not replay.unplayed

    Sync and async clients that exist already are caught as well as new ones, those of the OpenAI SDK among
    them. A request to anywhere else raises respx's AllMockedAssertionError and reaches no network. The
    path of `base_url` stands before the recorded paths; the rest is as in `ReplayTransport`. Serves as a
    decorator too. Raises FixtureError for recordings that cannot be read.
    """
    shelf = Shelf(exchanges(recordings), match=match, miss_status=miss_status)
    pace = Pace(check_speed(speed), clock)
    base = base_url.rstrip("/")
    root = urlsplit(base).path.removesuffix("/v1")
    with ExitStack() as stack:
        stack.enter_context(_Router(base, HTTPCoreMocker.name, Player(httpcore, shelf, pace, root)))
        if _HTTPCORE2 is not None:
            stack.enter_context(_Router(base, "fake_server.httpcore2", Player(_HTTPCORE2, shelf, pace, root)))
        yield shelf


class _Router(respx.MockRouter):
    """A router with one route; it tells the player whether a sync or an async client asks."""

    def __init__(self, base_url: str, using: str, player: Player) -> None:
        super().__init__(assert_all_called=False, base_url=base_url, using=using)
        self._player = player
        self.route().mock(side_effect=self._answer)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        request.extensions[_ASYNC] = True
        return await super().async_handler(request)

    def _answer(self, request: httpx.Request) -> httpx.Response | Awaitable[httpx.Response]:
        if request.extensions.pop(_ASYNC, False):
            return self._answer_async(request)
        return _carried(self._player.answer(request))

    async def _answer_async(self, request: httpx.Request) -> httpx.Response:
        return _carried(await self._player.aanswer(request))


_ASYNC = "fake_server.async"


def _carried(read: Any) -> httpx.Response:
    """A response of httpcore or httpcore2 in the one type that respx passes on."""
    return httpx.Response(read.status, headers=read.headers, stream=read.stream, extensions=read.extensions)


try:
    _HTTPCORE2: Any = importlib.import_module("httpcore2")
except ImportError:  # an SDK older than openai 3 brings httpx alone
    _HTTPCORE2 = None
else:

    class _Httpcore2Mocker(HTTPCoreMocker):
        """What respx does to httpcore, done to httpcore2, on which httpx2 stands."""

        name = "fake_server.httpcore2"
        targets: ClassVar[list[str]] = [
            target.replace("httpcore.", "httpcore2.", 1) for target in HTTPCoreMocker.targets
        ]

        @classmethod
        def from_sync_httpx_response(cls, httpx_response: httpx.Response, target: Any, **kwargs: Any) -> Any:
            return _HTTPCORE2.Response(
                httpx_response.status_code,
                headers=httpx_response.headers.raw,
                content=httpx_response.stream,
                extensions=httpx_response.extensions,
            )
