"""Fixtures of several files of tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
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


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    """A fake without scripts that varies its replies by a seed; a file of tests has one."""
    with FakeServer([], seed=1) as fake:
        yield fake


@pytest.fixture
def client(server: FakeServer) -> Iterator[openai.OpenAI]:
    """The official SDK at that fake, which is as it is at first."""
    server.reset()
    with openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def http(server: FakeServer) -> Iterator[httpx2.Client]:
    """A plain client at that fake."""
    with httpx2.Client(base_url=server.base_url) as made:
        yield made
