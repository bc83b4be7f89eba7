"""The fake's answers without a socket, as exchanges that can be played."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from starlette.types import Message, Receive, Scope

from fake_server.ending import run_loop
from fake_server.server.sender import Sender
from fake_server.server.state.journal import JournalEntry
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Exchange, Request


class Serves(Protocol):
    """An app that answers through a sender."""

    async def serve(self, scope: Scope, receive: Receive, sender: Sender, *, body_arrived: bool = False) -> None: ...


class InProcess:
    """Answers requests as the server would, faults included; what plays recordings plays these too."""

    def __init__(self, app: Serves, space: str = "") -> None:
        self._app = app
        self._prefix = f"/@{space}" if space else ""

    def answer(self, request: Request) -> Exchange:
        """The reply to a request. May be called inside a running event loop and outside."""
        return _run(self._answer(request))

    async def _answer(self, request: Request) -> Exchange:
        path, _, query = request.target.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": self._prefix + path,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers or ()
            ],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
        }

        arrived = [request.body]

        async def receive() -> Message:
            if not arrived:
                await asyncio.Event().wait()  # the client does not leave
            return {"type": "http.request", "body": arrived.pop(), "more_body": False}

        sender = _ToExchange(receive, request)
        await self._app.serve(scope, receive, sender, body_arrived=True)
        assert sender.exchange is not None, "every request is answered"
        return sender.exchange


class _ToExchange(Sender):
    """Makes an exchange of the delivery instead of sending it."""

    def __init__(self, receive: Receive, request: Request) -> None:
        super().__init__(receive)
        self._request = request
        self.exchange: Exchange | None = None

    async def send(self, delivery: Delivery, entry: JournalEntry) -> None:
        fields = tuple(pair for pair in delivery.headers if pair[0].lower() != "content-length")
        self.exchange = delivery.but(headers=fields).exchange(self._request)
        entry.sent(self.exchange.payload)


def _run(work: Coroutine[Any, Any, Exchange]) -> Exchange:
    """Run to the end; in a thread of its own where this one has a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run_loop(work)
    with ThreadPoolExecutor(1, "fake-in-process") as thread:
        return thread.submit(run_loop, work).result()
