"""The fake without a socket: through respx, our transport and ASGI, with the same scripts and faults."""

from __future__ import annotations

import asyncio

import httpx
import httpx2
import openai
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from fake_server import FakeServer

TREE = {"name": "tree", "when": {"messages": {"last": {"contains": "tree"}}}, "reply": {"text": "leaf är"}}
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a tree"}]}


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer([TREE], seed=1)


def said(client: openai.OpenAI, **more: object) -> str | None:
    reply = client.chat.completions.create(**{**ASKED, **more})  # type: ignore[call-overload]
    if not more:
        return str(reply.choices[0].message.content)
    return "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)


def client(fake: FakeServer, **options: object) -> openai.OpenAI:
    http = httpx2.Client(transport=fake.transport(**options))  # type: ignore[arg-type]
    return openai.OpenAI(base_url="http://fake.invalid/v1", api_key="sk-x", http_client=http, max_retries=0)


def test_the_transport_answers_as_the_server_does(fake: FakeServer) -> None:
    ours = client(fake)
    assert said(ours) == said(ours, stream=True) == "leaf är"
    assert [entry.script for entry in fake.requests] == ["tree", "tree"]
    assert b"leaf" in fake.requests[0].reply
    fake.assert_asked({"model": "gpt-4o"}, times=2)
    assert "gpt-4o" in [model.id for model in ours.models.list()]
    with pytest.raises(openai.NotFoundError):
        ours.models.retrieve("no-such-model")
    with pytest.raises(openai.BadRequestError):
        ours.chat.completions.create(model="gpt-4o", messages=[])
    assert len(ours.embeddings.create(model="text-embedding-3-small", input="x").data[0].embedding) == 1536


def test_faults_break_it_as_they_break_a_connection(fake: FakeServer) -> None:
    ours = client(fake)
    fake.fault("cut", after_events=2, times=1)
    with pytest.raises(openai.APIConnectionError):
        said(ours, stream=True)
    fake.fault("error", status=429, times=1)
    with pytest.raises(openai.RateLimitError):
        said(ours)
    fake.fault("close", ending="rst", times=1)
    with pytest.raises(openai.APIConnectionError):
        said(ours)
    fake.fault("error", status=529, times=1)
    with pytest.raises(openai.InternalServerError):
        said(ours)
    assert said(ours) == "leaf är"


def test_respx_answers_every_client(fake: FakeServer) -> None:
    space = fake.space("mine")
    space.reply("mine alone")
    with space.mocked(), openai.OpenAI(api_key="sk-x") as sdk:
        assert said(sdk) == "mine alone"
        answer = httpx.post("https://api.openai.com/v1/chat/completions", json=ASKED)
        assert answer.json()["choices"][0]["message"]["content"] == "leaf är"
    assert (len(space.requests), len(fake.requests)) == (2, 0)


def test_async_clients_are_answered_inside_their_loop(fake: FakeServer) -> None:
    async def ask() -> str | None:
        http = httpx2.AsyncClient(transport=fake.transport())
        async with openai.AsyncOpenAI(base_url="http://fake.invalid/v1", api_key="x", http_client=http) as sdk:
            reply = await sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "a tree"}])
            return reply.choices[0].message.content

    assert asyncio.run(ask()) == "leaf är"


def test_the_app_is_asgi(fake: FakeServer) -> None:
    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=fake.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://fake.invalid") as http:
            return await http.post("/v1/chat/completions", json=ASKED)

    assert asyncio.run(ask()).json()["choices"][0]["message"]["content"] == "leaf är"


def test_the_app_is_a_fastapi_app_that_takes_routes(fake: FakeServer) -> None:
    assert isinstance(fake.app, FastAPI)
    assert "/v1/chat/completions" in fake.app.openapi()["paths"]

    @fake.app.get("/v1/mine/{name}")
    async def answer(name: str) -> dict[str, str]:
        return {"hello": name}

    async def ask() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=fake.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://fake.invalid") as http:
            return [
                await http.get("/v1/mine/tree"),
                await http.post("/v1/mine/tree"),
                await http.post("/v1/chat/completions", json=ASKED),
            ]

    added, wrong_method, chat = asyncio.run(ask())
    assert added.json() == {"hello": "tree"}
    assert wrong_method.status_code == 404
    assert chat.json()["choices"][0]["message"]["content"] == "leaf är"


def test_below_the_path_where_an_app_mounts_it(fake: FakeServer) -> None:
    outer = Starlette(routes=[Mount("/openai", fake.app)])
    transport = httpx2.ASGITransport(app=outer)

    async def asked() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(transport=transport, base_url="http://app.invalid/openai") as client:
            return [
                await client.post("/v1/chat/completions", json=ASKED),
                await client.post("/@mine/v1/chat/completions", json=ASKED),
                await client.get("/models"),
                await client.get("/v1/nowhere"),
                await client.get("/docs"),
                await client.get("/openapi.json"),
            ]

    first, other, models, nowhere, docs, described = asyncio.run(asked())
    assert first.json()["choices"][0]["message"]["content"] == "leaf är"
    assert (other.status_code, models.status_code, nowhere.status_code) == (200, 200, 404)
    assert fake.requests[0].path == "/v1/chat/completions"
    fake.space("mine").assert_asked({"model": "gpt-4o"}, times=1)
    assert '"/openai/openapi.json"' in docs.text or "'/openai/openapi.json'" in docs.text
    assert described.json()["paths"]
