"""The official SDK as the reader: dicts, streams, tools, parsing, typed errors, many at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from fake_server import FakeServer

TREE: Any = [{"role": "user", "content": "write a poem about a tree"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "book_table",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"guests": {"type": "integer"}, "town": {"type": "string"}},
            "required": ["guests", "town"],
            "additionalProperties": False,
        },
    },
}


class Person(BaseModel):
    name: str
    age: int


def client_of(server: FakeServer, key: str = "sk-right-key-0123456789") -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0)


@pytest.fixture(scope="module", params=[0, 1, 2, "plain"])
def server(request: pytest.FixtureRequest) -> Iterator[FakeServer]:
    plain = request.param == "plain"
    seed = None if plain else request.param
    with FakeServer(seed=seed, plain=plain, api_key="sk-right-key-0123456789") as server:
        yield server


@pytest.fixture
def client(server: FakeServer) -> Iterator[openai.OpenAI]:
    with client_of(server) as client:
        yield client


def test_a_dict_and_a_stream_say_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-3.5-turbo", messages=TREE)
    assert whole._request_id is not None
    assert whole._request_id.startswith("req_")
    chunks = list(
        client.chat.completions.create(
            model="gpt-3.5-turbo", messages=TREE, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_several_choices(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(
        model="gpt-4o", n=2, messages=[{"role": "user", "content": "Tell me of the sea"}]
    )
    assert [choice.index for choice in whole.choices] == [0, 1]


def test_tools_through_the_stream_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "A table for two in Oslo"}],
        tools=[TOOL],
        tool_choice="required",
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    calls = final.choices[0].message.tool_calls
    assert calls
    assert isinstance(calls[0].function.parsed_arguments, dict)


def test_parse_into_a_model(client: openai.OpenAI) -> None:
    done = client.chat.completions.parse(
        model="gpt-4o", messages=[{"role": "user", "content": "Ann is 40"}], response_format=Person
    )
    assert isinstance(done.choices[0].message.parsed, Person)


def test_models(client: openai.OpenAI) -> None:
    assert "gpt-4o-mini" in {model.id for model in client.models.list()}
    assert client.models.retrieve("org/own").id == "org/own"


def test_typed_errors(client: openai.OpenAI, server: FakeServer) -> None:
    with (
        client_of(server, "sk-wrong-key-0123456789") as stranger,
        pytest.raises(openai.AuthenticationError) as wrong,
    ):
        stranger.models.list()
    assert wrong.value.code == "invalid_api_key"
    assert "sk-w********6789" in wrong.value.message
    with pytest.raises(openai.NotFoundError) as absent:
        client.chat.completions.create(model="no-such-model-1", messages=TREE)
    assert absent.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="gpt-4o", messages=TREE, temperature=3)
    assert (bad.value.param, bad.value.code) == ("temperature", "decimal_above_max_value")


def test_many_at_once_each_with_its_own_answer(server: FakeServer) -> None:
    def said(client: openai.OpenAI, index: int) -> str:
        messages: Any = [{"role": "user", "content": f'Repeat exactly: "number {index} 🌳"'}]
        if index % 2:
            whole = client.chat.completions.create(model="gpt-4o", messages=messages)
            return whole.choices[0].message.content or ""
        stream = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
        return "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)

    with client_of(server) as client, concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda index: said(client, index), range(60)))
    assert answers == [f"number {index} 🌳" for index in range(60)]


def test_async_client(server: FakeServer) -> None:
    async def session() -> list[str]:
        async with openai.AsyncOpenAI(
            base_url=server.base_url, api_key="sk-right-key-0123456789", max_retries=0
        ) as client:

            async def one(index: int) -> str:
                stream = await client.chat.completions.create(
                    model="gpt-4o",
                    messages=[{"role": "user", "content": f'Repeat exactly: "{index}!"'}],
                    stream=True,
                )
                return "".join([c.delta.content or "" async for chunk in stream for c in chunk.choices])

            return await asyncio.gather(*(one(index) for index in range(20)))

    assert asyncio.run(session()) == [f"{index}!" for index in range(20)]
