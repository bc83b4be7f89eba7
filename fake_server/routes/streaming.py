"""A response sent write by write, each after its pause; it stops when the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fake_server.wire.exchange import Write

EVENT_STREAM = "text/event-stream; charset=utf-8"


class Writes(Response):
    """Sends `writes` in order; each becomes one HTTP chunk unless the headers carry a length."""

    def __init__(self, writes: Iterable[Write], headers: Mapping[str, str], status: int = 200) -> None:
        self.status_code = status
        self.background = None
        self.writes = writes
        self.raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            for write in self.writes:
                await asyncio.wait({leaving}, timeout=write.pause)
                if leaving.done():
                    return
                await send({"type": "http.response.body", "body": write.data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
