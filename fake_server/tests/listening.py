"""A raw server of a test on 127.0.0.1, whose tasks and sockets all end with it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from fake_server.connection import stop_accepting

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(
    handler: Handler, *, tls: ssl.SSLContext | None = None, on_start: Callable[[asyncio.Server], object] = id
) -> AsyncIterator[int]:
    """Serve each connection with `handler`, which may hang up or hang; yields the port.

    `on_start` is given the server, whose `close` makes it take no more connections.
    At the end handlers that still run are cancelled and their sockets aborted, those of connections
    accepted just then too: a task left to the event loop's end shows as a warning in some later test.
    """
    writers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # the other side hung up
            await handler(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(served(reader, writer))
        writers[task] = writer
        task.add_done_callback(writers.pop)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    on_start(server)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await stop_accepting(server)
        left = dict(writers)
        for task, writer in left.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # transports say goodbye in the next turn of the loop
