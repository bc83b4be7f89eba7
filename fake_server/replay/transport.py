"""An httpx2 transport that answers from recordings, without a socket and without patches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2

from fake_server.replay.clock import Clock, Pace
from fake_server.replay.ignoring import Part
from fake_server.replay.matching import Match
from fake_server.replay.sources import Answers, Recording, answers_from
from fake_server.replay.tape import Player
from fake_server.wire.exchange import Exchange


class ReplayTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers an `httpx2.Client` or `httpx2.AsyncClient` from recordings, whatever the host:

        openai.OpenAI(http_client=httpx2.Client(transport=ReplayTransport("fixtures/bugs")), api_key="any")

    The client's own HTTP code reads the recorded bytes, so status, header case, errors and broken streams
    are those of a real connection. `iter_raw()` yields each recorded write whole, after its pause divided
    by `speed` (0: no pauses) on `clock`. `match` is exact, body, order or any (see Match), `ignore` what of a
    request does not count, as in ReplayServer. A request that
    nothing matches gets a reply with `miss_status` and code no_fixture_match that names the nearest
    recording; `misses` collects these messages, `unplayed` lists the recordings that answered nothing.
    Raises FixtureError for recordings that cannot be read.
    """

    def __init__(
        self,
        recordings: Recording | Iterable[Recording] | Answers,
        *,
        match: Match | str = Match.BODY,
        speed: float = 1.0,
        miss_status: int = 404,
        ignore: Part | Iterable[Part] = (),
        clock: Clock | None = None,
    ) -> None:
        self._answers = answers_from(recordings, match=match, miss_status=miss_status, ignore=ignore)
        self._player = Player(httpcore2, self._answers, Pace(speed, clock))

    @property
    def misses(self) -> list[str]:
        """The messages sent for requests that nothing matched."""
        return getattr(self._answers, "misses", [])

    @property
    def unplayed(self) -> list[Exchange]:
        """The recordings that have answered no request."""
        return getattr(self._answers, "unplayed", [])

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        with _errors_of_httpx2():
            return _response(self._player.answer(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with _errors_of_httpx2():
            return _response(await self._player.aanswer(request))


class _Stream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """Adapts a stream of httpcore2 to httpx2."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx2():
            yield from self._stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx2():
            async for piece in self._stream:
                yield piece

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _response(read: httpcore2.Response) -> httpx2.Response:
    return httpx2.Response(read.status, headers=read.headers, stream=_Stream(read.stream), extensions=read.extensions)


@contextmanager
def _errors_of_httpx2() -> Iterator[None]:
    """Raise errors of httpcore2 as the httpx2 errors of the same name, which callers catch."""
    try:
        yield
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise getattr(httpx2, type(error).__name__)(str(error)) from error
