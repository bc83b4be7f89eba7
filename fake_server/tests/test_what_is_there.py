"""What the server says of itself, and of endpoints that it does not have."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.server.routes.table import OPERATIONS, is_published, published

SPECIFICATION = Path(os.environ.get("OPENAI_CONTRACT_SHARED", "../shared")) / "openapi.json"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer([], plain=True, api_key="sk-right-0123456789abcdef") as running:
        yield running


def ask(fake: FakeServer, method: str, path: str) -> httpx2.Response:
    return httpx2.request(method, fake.root + path, headers={"authorization": "Bearer sk-right-0123456789abcdef"})


@pytest.mark.parametrize("path", ["/", "/@mine", "/@mine/"])
def test_the_root_says_what_this_is(fake: FakeServer, path: str) -> None:
    got = httpx2.get(fake.root + path)  # without a key
    assert got.status_code == 200
    assert got.json()["version"] == version("openai-contract-kit")
    for place in got.json()["see"]:
        assert ask(fake, "GET", place).status_code == 200
    head = httpx2.head(fake.root + path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(got.content)))
    assert ask(fake, "POST", path).headers["allow"] == "GET, HEAD"


def test_a_route_of_ones_own_replaces_the_root() -> None:
    app = FakeServer([], plain=True).app
    app.get("/")(lambda: {"mine": True})
    app.get("/mine/")(lambda: {"mine": True})

    async def ask() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://fake.invalid") as client:
            return [await client.get(path) for path in ("/", "/mine/")]

    assert [got.json() for got in asyncio.run(ask())] == [{"mine": True}] * 2


def test_health_has_version_and_uptime(fake: FakeServer) -> None:
    first = httpx2.get(f"{fake.root}/health").json()
    time.sleep(0.05)
    second = httpx2.get(f"{fake.base_url}/health").json()
    assert (first["status"], first["version"]) == ("ok", version("openai-contract-kit"))
    assert 0 <= first["uptime"] < second["uptime"] < 600


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/files"),
        ("POST", "/files"),
        ("GET", "/v1/batches/batch_1"),
        ("GET", "/v1/files/file-abc/content"),
        ("POST", "/v1/images/generations"),
        ("POST", "/v1/audio/speech"),
        ("DELETE", "/v1/threads/t/messages/m"),
        ("POST", "/v1/realtime/client_secrets"),
    ],
)
def test_an_endpoint_that_openai_has_is_not_played_yet(fake: FakeServer, method: str, path: str) -> None:
    got = ask(fake, method, path + "?beta=true")
    error = got.json()["error"]
    assert (got.status_code, error["type"]) == (404, "invalid_request_error")
    assert f"this fake does not play {method} {path} yet" in error["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/images/generations"),
        ("PUT", "/v1/files"),
        ("GET", "/v1/files//content"),
        ("POST", "/v1/responses/"),
        ("POST", "/v1/v1/responses"),
        ("GET", "/v1/{}"),
        ("GET", "/v1/nothing"),
        ("POST", "/v1/engines/ada/completions"),
    ],
)
def test_a_path_that_openai_has_not_is_invalid(fake: FakeServer, method: str, path: str) -> None:
    got = ask(fake, method, path)
    assert (got.status_code, got.json()["error"]["message"][:11]) == (404, "Invalid URL")


def test_every_operation_that_is_played_is_published_or_the_fakes_own() -> None:
    own = [path for method, path, _ in OPERATIONS if not is_published(method, path.replace(":path", ""))]
    assert own == ["/health"]


def test_the_published_paths_are_those_of_the_specification() -> None:
    if not SPECIFICATION.is_file():
        pytest.skip("OPENAI_CONTRACT_SHARED holds no openapi.json")
    paths = json.loads(SPECIFICATION.read_text(encoding="utf-8"))["paths"]
    methods = ("get", "post", "put", "patch", "delete")
    wanted = {
        tuple(path.split("/")): sorted(method.upper() for method in methods if method in operations)
        for path, operations in paths.items()
        if "?" not in path
    }
    assert published() == wanted
