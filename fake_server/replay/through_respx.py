"""Answers every httpx and httpx2 client of the process from recordings, through respx."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Iterable
from contextlib import ExitStack
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpcore
import httpx
import respx
from respx.mocks import HTTPCoreMocker

from fake_server.replay.clock import Clock, Pace
from fake_server.replay.ignoring import Part
from fake_server.replay.matching import Match
from fake_server.replay.sources import Answers, Recording, answers_from
from fake_server.replay.tape import Player

try:
    _httpcore2: Any = importlib.import_module("httpcore2")
except ImportError:  # an SDK older than openai 3 installs httpx alone
    _httpcore2 = None

OPENAI = "https://api.openai.com/v1"
HTTPCORE2 = "fake_server.httpcore2"
"""The name of our mocker in respx's registry, which other packages may extend for httpcore2 as well."""
_ASYNC = "fake_server.async"


class mocked:
    """While entered, httpx and httpx2 clients get recordings as answers to every request below `base_url`:

        with mocked("fixtures/bugs/cut.yaml", base_url="https://api.example.invalid/v1") as replay:
            ...
        assert not replay.misses and not replay.unplayed

    Sync and async clients are covered, existing ones included, such as those of the OpenAI SDK. A request to
    any other URL raises respx's AllMockedAssertionError and reaches no network. The path of `base_url`
    precedes the recorded paths; the other options are those of `ReplayTransport`. Also works as an async
    context manager. Raises FixtureError for recordings that cannot be read.
    """

    def __init__(
        self,
        recordings: Recording | Iterable[Recording] | Answers,
        *,
        base_url: str = OPENAI,
        match: Match | str = Match.BODY,
        speed: float = 1.0,
        miss_status: int = 404,
        ignore: Part | Iterable[Part] = (),
        clock: Clock | None = None,
    ) -> None:
        self._shelf: Any = answers_from(recordings, match=match, miss_status=miss_status, ignore=ignore)
        base, pace = base_url.rstrip("/"), Pace(speed, clock)
        root = urlsplit(base).path.removesuffix("/v1")
        below = f"{base}/"  # without the slash respx would take /v1x for below /v1
        libraries = ((HTTPCoreMocker.name, httpcore), (HTTPCORE2, _httpcore2))
        self._routers = [
            _Router(below, name, Player(core, self._shelf, pace, root)) for name, core in libraries if core
        ]
        self._entered = ExitStack()

    def __enter__(self) -> Any:
        for router in self._routers:
            self._entered.enter_context(router)
        return self._shelf

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self._entered.close()


class _Router(respx.MockRouter):
    """A router with one route, which calls the player's sync or async method as the client needs."""

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
        return _to_httpx(self._player.answer(request))

    async def _answer_async(self, request: httpx.Request) -> httpx.Response:
        return _to_httpx(await self._player.aanswer(request))


def _to_httpx(read: Any) -> httpx.Response:
    """A response of httpcore or httpcore2 as httpx.Response, the one type that respx passes on."""
    return httpx.Response(read.status, headers=read.headers, stream=read.stream, extensions=read.extensions)


if _httpcore2:

    class _Httpcore2Mocker(HTTPCoreMocker):
        """Patches httpcore2, on which httpx2 is built, the way respx patches httpcore."""

        name = HTTPCORE2
        targets: ClassVar[list[str]] = [
            target.replace("httpcore.", "httpcore2.", 1) for target in HTTPCoreMocker.targets
        ]

        @classmethod
        def from_sync_httpx_response(cls, httpx_response: httpx.Response, target: Any, **kwargs: Any) -> Any:
            return _httpcore2.Response(
                httpx_response.status_code,
                headers=httpx_response.headers.raw,
                content=httpx_response.stream,
                extensions=httpx_response.extensions,
            )
