"""The example scripts do what they say, all of them loaded at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer

FOLDER = Path(__file__).parents[2] / "fixtures" / "scripts"
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer(FOLDER, seed=1) as running:
        yield running


@pytest.fixture
def fake(server: FakeServer) -> FakeServer:
    server.reset()
    return server


def post(fake: FakeServer, path: str, body: dict[str, Any], key: str = "sk-a") -> httpx2.Response:
    return httpx2.post(f"{fake.base_url}/{path}", json=body, headers={"authorization": f"Bearer {key}"})


def chat(fake: FakeServer, *said: Any, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": one} if isinstance(one, str) else one for one in said]
    reply = post(fake, "chat/completions", {"model": "gpt-4o", "messages": messages, **more}).json()
    message: dict[str, Any] = reply["choices"][0]["message"]
    return message


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ({"temp": 12}, "It is 12 degrees."),
        ({"temp": 3, "wind": "NW"}, "It is 3 degrees, with wind."),
        ({"error": "no such city"}, "I cannot see the weather right now."),
    ],
)
def test_weather_tool(fake: FakeServer, result: dict[str, Any], answer: str) -> None:
    asked = chat(fake, "How is the weather?", tools=[TOOL])
    call = asked["tool_calls"][0]
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}
    told = {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}
    assert chat(fake, "How is the weather?", asked, told, tools=[TOOL])["content"] == answer


def test_retry_after_429(fake: FakeServer) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Are you busy?"}]}
    first = post(fake, "chat/completions", body)
    assert (first.status_code, first.headers["retry-after"]) == (429, "0.02")
    assert [post(fake, "chat/completions", body).status_code for _ in range(2)] == [429, 200]
    assert post(fake, "chat/completions", body, key="sk-b").status_code == 429


def test_sequence(fake: FakeServer) -> None:
    said: list[Any] = ["Knock knock."]
    for answer in ("Who's there?", "Lettuce who?", "Ha, ha.", None):
        told = chat(fake, *said)
        assert told["content"] == answer
        said += [told, "Lettuce"]
    assert told["refusal"] == "That is enough."
    assert chat(fake, "KNOCK KNOCK")["content"] == "Who's there?"


def test_echo(fake: FakeServer) -> None:
    told = chat(fake, "echo one\ntwo", tools=[TOOL])
    assert told["content"] == "1. one\n2. two\n(1 tools)"
    assert told["reasoning_content"] == "gpt-4o is asked for the 1. time."


def test_structured_output(fake: FakeServer) -> None:
    properties = {"item": {"type": "string"}, "quantity": {"type": "integer"}, "rush": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    wanted = {"type": "json_schema", "json_schema": {"name": "order", "schema": schema}}
    order = json.loads(chat(fake, "Three apples, please.", response_format=wanted)["content"])
    assert (order["item"], order["quantity"], type(order["rush"])) == ("apples", 3, bool)
    any_json = chat(fake, "Apples as JSON, please.", response_format={"type": "json_object"})
    assert json.loads(any_json["content"]) == {"item": "apples", "quantity": 3}


def test_weighted(fake: FakeServer) -> None:
    def run() -> list[str]:
        fake.reset()
        told = [chat(fake, "How do you feel?") for _ in range(30)]
        return [one["content"] or one["refusal"] for one in told]

    first = run()
    assert first == run()
    counted = Counter(first)
    assert counted["Splendid, thank you."] > 15
    assert len(counted) == 3


def test_embeddings(fake: FakeServer) -> None:
    def vector(text: str) -> list[float]:
        reply = post(fake, "embeddings", {"model": "text-embedding-3-small", "input": text}).json()
        found: list[float] = reply["data"][0]["embedding"]
        return found

    assert vector("A cat") == [1.0, 0.0, 0.0]
    assert vector("my dog") == [0.6, 0.8, 0.0]
    assert len(vector("a bird")) == 1536
    refused = post(fake, "embeddings", {"model": "text-embedding-ada-002", "input": "a bird"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (404, "model")
