"""Requests of httpx and httpx2 clients, answered from recordings by their own HTTP/1.1 code."""

from __future__ import annotations

from typing import Any

from fake_server.replay.sources import Answers
from fake_server.replay.tape import AsyncTape, Pace, Tape
from fake_server.wire.exchange import Request


class Player:
    """Answers requests of one library with `core` responses: `core` is httpcore or httpcore2.

    `root` is a path that stands before the recorded ones. Raises the errors of `core`.
    """

    def __init__(self, core: Any, shelf: Answers, pace: Pace, root: str = "") -> None:
        self._core = core
        self._shelf = shelf
        self._pace = pace
        self._root = root

    def answer(self, request: Any) -> Any:
        """The response to an `httpx` or `httpx2` request, its stream not yet read."""
        request.read()
        url = self._url(request)
        tape = Tape(self._core, self._shelf.answer(self._asked(request)), self._pace)
        return self._core.HTTP11Connection(url.origin, tape).handle_request(self._sent(request, url))

    async def aanswer(self, request: Any) -> Any:
        """As `answer`, for the library's async client."""
        await request.aread()
        url = self._url(request)
        tape = AsyncTape(self._core, self._shelf.answer(self._asked(request)), self._pace)
        connection = self._core.AsyncHTTP11Connection(url.origin, tape)
        return await connection.handle_async_request(self._sent(request, url))

    def _asked(self, request: Any) -> Request:
        target = request.url.raw_path.decode("latin-1")
        fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        return Request(request.method, target.removeprefix(self._root), tuple(fields), request.content)

    def _url(self, request: Any) -> Any:
        url = request.url
        return self._core.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/"
        )

    def _sent(self, request: Any, url: Any) -> Any:
        return self._core.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
