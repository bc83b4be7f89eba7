"""A server that stops leaves no transport open, not even that of a connection accepted in the turn it closed."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from collections.abc import Callable, Coroutine

import pytest

from fake_server.connection import Connection, Listener
from fake_server.server.settings import Settings
from fake_server.server.uvicorn_server import listen, uvicorn_server

Close = Callable[[int], Coroutine[None, None, None]]


class Silent(Listener):
    """Holds each connection until it is cancelled."""

    async def serve_connection(self, client: Connection) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            client.drop()


async def close_a_listener(turns: int) -> None:
    """Connect, and close the listener this many turns of the loop later."""
    async with Silent() as listener:
        client = socket.create_connection(("127.0.0.1", listener.port))
        for _ in range(turns):
            await asyncio.sleep(0)
    client.close()


async def close_the_fake(turns: int) -> None:
    """Connect, and shut the fake down this many turns of the loop later."""
    server, listener = uvicorn_server(Settings()), listen("127.0.0.1", 0)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([listener])
    client = socket.create_connection(listener.getsockname())
    for _ in range(turns):
        await asyncio.sleep(0)
    await server.shutdown([listener])
    client.close()


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("close", [close_a_listener, close_the_fake])
def test_a_connection_accepted_as_the_server_closes_is_closed(close: Close, turns: int) -> None:
    gc.collect()  # what earlier tests left is not ours
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(close(turns))
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
