"""Answering a request of the journal once more, as its client would have it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message

from fake_server.server.in_process import Serves
from fake_server.server.sender import Sender
from fake_server.server.state.journal import JournalEntry
from fake_server.wire.delivery import Delivery

MOST_AT_ONCE, SECONDS = 8, 60.0
"""Requests that are answered again at the same time, and seconds after which one of them is given up."""
_TASKS: set[asyncio.Future[None]] = set()


class Busy(Exception):
    """So many requests are being answered again that no other is taken."""


async def answer_again(app: Serves, entry: JournalEntry) -> JournalEntry:
    """Send the request to the app once more; returns the new entry once its reply begins. Raises Busy.

    It has the same fields, so whoever might not ask then may not now. The rest of the reply comes while others are
    answered; nobody reads it but the journal.
    """
    if len(_TASKS) >= MOST_AT_ONCE:
        raise Busy
    arrived = [entry.body]

    async def receive() -> Message:
        if not arrived:
            await asyncio.Event().wait()  # the client does not leave
        return {"type": "http.request", "body": arrived.pop(), "more_body": False}

    sender = _ToJournal(receive)

    async def serve() -> None:
        async with asyncio.timeout(SECONDS):
            await app.serve(_scope_of(entry), receive, sender, body_arrived=True)

    task: asyncio.Future[None] = asyncio.create_task(serve())
    _TASKS.add(task)
    task.add_done_callback(_ended)
    waiting: set[asyncio.Future[Any]] = {task, sender.begun}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not sender.begun.done():
        raise Busy
    return sender.begun.result()


class _ToJournal(Sender):
    """Takes the pauses of a delivery, and sends it nowhere."""

    def __init__(self, receive: Any) -> None:
        super().__init__(receive)
        self.begun: asyncio.Future[JournalEntry] = asyncio.get_running_loop().create_future()

    async def send(self, delivery: Delivery, entry: JournalEntry) -> None:
        if not self.begun.done():
            self.begun.set_result(entry)
        await super().send(delivery, entry)

    def begin(self, delivery: Delivery) -> None:
        pass

    async def write(self, data: bytes, entry: JournalEntry, *, more: bool = True) -> None:
        entry.sent(data)


def _ended(task: asyncio.Future[None]) -> None:
    _TASKS.discard(task)
    if not task.cancelled():
        task.exception()  # which the log has, or it is the time limit


def _scope_of(entry: JournalEntry) -> dict[str, Any]:
    path = f"/@{entry.space}{entry.path}" if entry.space else entry.path
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": entry.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in entry.fields.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
