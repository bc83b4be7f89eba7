"""Fixtures of several files of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fake_server import FakeServer


@pytest.fixture(scope="module")
def plain_server() -> Iterator[FakeServer]:
    with FakeServer([], plain=True) as running:
        yield running


@pytest.fixture
def fake(plain_server: FakeServer) -> FakeServer:
    """A fake without scripts, as it is at first; a file of tests has one."""
    plain_server.reset()
    return plain_server
