"""A delivery as an ASGI response: each write after its pause, until the client leaves."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from fake_server.server.socket_writer import RAW, disconnected
from fake_server.wire.delivery import NO_BODY, Delivery, ImmediateWrites
from fake_server.wire.exchange import Ending

TOGETHER = 64 * 1024
"""Bytes that leave together at most."""
PATIENCE = 600.0
"""Seconds that a reply without an end waits for the client to leave."""


class DeliveryResponse(Response):
    """Sends a delivery. Writes due at the same instant leave together, unless the delivery is exact.

    A server that does not know RAW sends what can be sent of a fault and drops the connection.
    """

    def __init__(self, delivery: Delivery) -> None:
        self.status_code = delivery.status
        self.background = None
        self.delivery = delivery
        fields = delivery.headers
        if delivery.length is not None and not delivery.needs_raw and delivery.status not in NO_BODY:
            fields = (*fields, ("content-length", str(delivery.length)))
        self.raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        delivery = self.delivery
        start: Message = {
            "type": "http.response.start",
            "status": delivery.status,
            "headers": self.raw_headers,
            RAW: delivery,
        }
        await send(start)
        writes = delivery.writes
        if isinstance(writes, ImmediateWrites) and not delivery.exact:
            writes = writes.join(TOGETHER)
        leaving: asyncio.Task[None] | None = None
        together: list[bytes] = []
        size, began = 0, False
        try:
            for write in writes:
                if together and (write.pause > 0 or delivery.exact or size >= TOGETHER):
                    await send(_body(b"".join(together)))
                    together, size = [], 0
                    leaving = leaving or asyncio.create_task(disconnected(receive))
                    await asyncio.sleep(0)
                if write.pause > 0:
                    if not began:
                        await send(_body(b""))  # the head leaves before the first event does
                    leaving = leaving or asyncio.create_task(disconnected(receive))
                    await asyncio.wait({leaving}, timeout=write.pause)
                if leaving is not None and leaving.done():
                    return
                began = True
                together.append(write.data)
                size += len(write.data)
            if delivery.ending is not Ending.CLEAN:
                await send(_body(b"".join(together)))
                together = []
            if delivery.ending is Ending.TIMED_OUT:
                leaving = leaving or asyncio.create_task(disconnected(receive))
                await asyncio.wait({leaving}, timeout=PATIENCE)
            if delivery.ending is not Ending.CLEAN and RAW not in scope:
                raise ConnectionAbortedError(f"the reply is {delivery.ending.value} on purpose")
            await send(_body(b"".join(together), more=False))
        finally:
            if leaving is not None:
                leaving.cancel()


def _body(data: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
