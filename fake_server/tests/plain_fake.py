"""What is asked of a fake without scripts, and what is seen in it."""

from __future__ import annotations

from typing import Any

import httpx2

from fake_server import FakeServer

CLIENT = httpx2.Client()


def ask(fake: FakeServer, method: str, path: str, body: str | None = None, **fields: str) -> httpx2.Response:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return CLIENT.request(method, fake.root + path, content=None if body is None else body.encode(), headers=headers)


def holds(fake: FakeServer) -> Any:
    """All that control can change."""
    return [
        (space.name, space.queued, space.own, space.faults.current, [entry.path for entry in space.entries()])
        for space in fake.settings.spaces.known()
    ]
