"""Whatever a seed varies in the answer to a request for a response, it says the same."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.tests.folding import Folded, events_of

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASKED: dict[str, dict[str, Any]] = {
    "text": {"input": "Write a poem about a tree: élan, 木, 🌳"},
    "tool": {"input": "What is the weather in Oslo and Paris?", "tools": [TOOL]},
    "thinking": {
        "model": "o3", "input": "What is 2 + 3?", "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    },
    "bare thinking": {"model": "gpt-5", "input": "What is 2 + 3?"},
    "scores": {"input": "Say this is a test", "include": ["message.output_text.logprobs"], "top_logprobs": 1},
    "cut": {"input": "Count from 1 to 100", "max_output_tokens": 20},
}  # fmt: skip
CHANGING = ("id", "call_id", "encrypted_content")


def told(items: list[dict[str, Any]]) -> Any:
    """The items without what differs between answers; bare reasoning may be left out."""
    return [
        {name: value for name, value in item.items() if name not in CHANGING}
        for item in items
        if item["type"] != "reasoning" or item["summary"]
    ]


def ask(client: httpx2.Client, **body: Any) -> httpx2.Response:
    return client.post("http://fake/v1/responses", json={"model": "gpt-4o", **body})


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_says_the_same(seed: int) -> None:
    with httpx2.Client(transport=FakeServer([], seed=seed).transport()) as client:
        for body in ASKED.values():
            whole, streamed = ask(client, **body).json(), ask(client, **body, stream=True)
            folded = Folded(streamed.content)
            assert told(folded.items) == told(folded.response["output"]) == told(whole["output"])
            assert [item["id"] for item in folded.items] == [item["id"] for item in folded.response["output"]]
            assert (folded.response["usage"], folded.response["status"]) == (whole["usage"], whole["status"])


def test_seeds_vary_what_the_contract_leaves_free() -> None:
    names = ("keepalive", "extends", "dated", "kinds", "resealed", "deltas")
    seen: dict[str, set[Any]] = {name: set() for name in names}
    for seed in range(40):
        with httpx2.Client(transport=FakeServer([], seed=seed).transport()) as client:
            folded = Folded(ask(client, **ASKED["thinking"], stream=True).content)
            bare = ask(client, **ASKED["bare thinking"]).json()
        seen["keepalive"].add("keepalive" in folded.types)
        seen["extends"].add("fake:trace" in folded.types)
        seen["dated"].add("completed_at" in folded.response)
        seen["kinds"].add(bare["output"][0]["type"])
        first, last = folded.items[0], folded.response["output"][0]
        seen["resealed"].add(first["encrypted_content"] == last["encrypted_content"])
        seen["deltas"].add(folded.types.count("response.output_text.delta"))
    assert all(len(values) > 1 for values in seen.values()), seen


@pytest.mark.parametrize("name", ASKED)
def test_byte_by_byte_the_sdk_reads_the_same(name: str) -> None:
    fake = FakeServer([], seed=7)
    body = {"model": "gpt-4o", **ASKED[name]}
    with httpx2.Client(transport=fake.transport()) as client:
        once = ask(client, **body, stream=True).content
    pieces = (bytes([byte]) for byte in once)
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=pieces)
    transport = httpx2.MockTransport(lambda _: answer)
    with openai.OpenAI(http_client=httpx2.Client(transport=transport), api_key="any") as client_of_sdk:
        events = list(client_of_sdk.responses.create(**body, stream=True))
    assert [event.type for event in events] == [event["type"] for event in events_of(once)]
    assert json.loads(events[-1].model_dump_json())["type"] == events[-1].type
