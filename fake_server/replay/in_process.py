"""Answers requests of httpx and httpx2 clients from recordings, through the clients' own HTTP/1.1 code."""

from __future__ import annotations

from typing import Any

from fake_server.replay.clock import Pace
from fake_server.replay.sources import Answers
from fake_server.replay.tape import AsyncTape, Tape
from fake_server.wire.exchange import Request


class Player:
    """Answers requests of one library with responses of `core`, which is httpcore or httpcore2.

    `root` is the path that precedes the recorded paths in requests. Raises the errors of `core`.
    """

    def __init__(self, core: Any, answers: Answers, pace: Pace, root: str = "") -> None:
        self._core = core
        self._answers = answers
        self._pace = pace
        self._root = root

    def answer(self, request: Any) -> Any:
        """The response to an `httpx` or `httpx2` request, its stream not yet read."""
        request.read()
        tape = Tape(self._core, self._answers.answer(self._to_request(request)), self._pace)
        outgoing = self._to_core_request(request)
        return self._core.HTTP11Connection(outgoing.url.origin, tape).handle_request(outgoing)

    async def aanswer(self, request: Any) -> Any:
        """`answer` for the library's async client."""
        await request.aread()
        tape = AsyncTape(self._core, self._answers.answer(self._to_request(request)), self._pace)
        outgoing = self._to_core_request(request)
        return await self._core.AsyncHTTP11Connection(outgoing.url.origin, tape).handle_async_request(outgoing)

    def _to_request(self, request: Any) -> Request:
        target = request.url.raw_path.decode("latin-1")
        fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        return Request(request.method, target.removeprefix(self._root), tuple(fields), request.content)

    def _to_core_request(self, request: Any) -> Any:
        url = request.url
        return self._core.Request(
            request.method,
            self._core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/"),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
