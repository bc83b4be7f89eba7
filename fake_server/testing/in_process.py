"""The fake's answers without a socket: what the app would send, as an exchange that can be played."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from starlette.types import Message

from fake_server.server.app import create_app
from fake_server.server.paths import ENTRY
from fake_server.server.settings import Settings
from fake_server.server.socket_writer import RAW
from fake_server.wire.delivery import Delivery, reason_phrase
from fake_server.wire.exchange import Exchange, Headers, Request, Write


class AppShelf:
    """Answers requests as the server would, faults included; what plays recordings plays these too."""

    def __init__(self, settings: Settings, space: str = "") -> None:
        self._app = create_app(settings)
        self._prefix = f"/@{space}" if space else ""

    def answer(self, request: Request) -> Exchange:
        """The reply to a request. May be called inside a running event loop and outside."""
        return _run(self._answer(request))

    async def _answer(self, request: Request) -> Exchange:
        path, _, query = request.target.partition("?")
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers or ()
        ]
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
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
            RAW: True,
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)
            delivery = message.get(RAW)
            if delivery is not None:
                raise _Told(message["headers"], delivery)

        try:
            await self._app(scope, receive, send)
        except _Told as told:
            exchange = _exchange(request, told.headers, told.delivery)
            scope[ENTRY].sent(exchange.payload)
            return exchange
        start, bodies = sent[0], sent[1:]
        body = b"".join(message.get("body", b"") for message in bodies)
        fields = _fields(start["headers"])
        return Exchange(
            request, start["status"], fields, (Write(body),), reason=reason_phrase(start["status"])
        )


class _Told(BaseException):
    """The delivery is known, so that nothing need be sent; no layer between may catch this."""

    def __init__(self, headers: list[tuple[bytes, bytes]], delivery: Delivery) -> None:
        super().__init__()
        self.headers, self.delivery = headers, delivery


def _exchange(request: Request, headers: list[tuple[bytes, bytes]], delivery: Delivery) -> Exchange:
    fields = [pair for pair in _fields(headers) if pair[0].lower() != "content-length"]
    return delivery.but(headers=tuple(fields)).exchange(request)


def _fields(headers: list[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _run(work: Coroutine[Any, Any, Exchange]) -> Exchange:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    found: list[Exchange | BaseException] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, name="fake-in-process")
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]
