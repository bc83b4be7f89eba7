"""Twenty seeds of the fake answer requests for Responses: no finding at any level, and the official SDK takes each.

Dicts and streams, of text, tools, reasoning and formats; cut by a limit; in the background; stored, read, streamed
again, cancelled, deleted; conversations; what is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from contract_tests.rules import judge
from fake_server import FakeServer
from fake_server.tests.folding import Folded
from fake_server.wire import sse
from fake_server.wire.exchange import Ending, Exchange, Request, Write

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed else []) for seed in range(20)]
"""One in every run, all of them in the proofs."""
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER: dict[str, Any] = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": True}
RUN = {"type": "custom", "name": "run", "description": "Runs a line of Python."}
JSON_FORMAT = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
ASKED: dict[str, dict[str, Any]] = {
    "text": {"input": "Describe a tree: élan, 木, 🌳", "metadata": {"of": "a test"}},
    "instructions": {"input": "Hello", "instructions": "Answer in one word.", "temperature": 0.2, "top_p": 0.5},
    "tools": {"input": "What is the weather in Oslo and Paris?", "tools": [WEATHER]},
    "one tool": {
        "input": "Weather in Oslo?", "tools": [WEATHER], "parallel_tool_calls": False, "tool_choice": "required",
    },
    "named tool": {"input": "Hi", "tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}},
    "no tool": {"input": "What is the weather in Oslo?", "tools": [WEATHER], "tool_choice": "none"},
    "custom tool": {"input": "Run it", "tools": [RUN], "tool_choice": {"type": "custom", "name": "run"}},
    "web search": {"input": "News?", "tools": [{"type": "web_search"}], "tool_choice": "required"},
    "thinking": {
        "model": "o3", "input": "What is 2 + 3?", "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"], "store": False,
    },
    "bare thinking": {"model": "gpt-5", "input": "What is 2 + 3?"},
    "json": {"input": "Where is Anna? JSON, please.", "text": {"format": {"type": "json_object"}}},
    "schema": {"input": "Anna lives in Oslo.", "text": {"format": JSON_FORMAT, "verbosity": "low"}},
    "scores": {"input": "Say this is a test", "include": ["message.output_text.logprobs"], "top_logprobs": 2},
    "short": {"input": "Say hi"},
    "cut": {"input": "Count from 1 to 100", "max_output_tokens": 20},
    "cut call": {"input": "Weather?", "tools": [WEATHER], "tool_choice": "required", "max_output_tokens": 16},
    "cut thinking": {"model": "o3", "input": "What is 2 + 3?", "max_output_tokens": 16},
    "turns": {
        "input": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "Weather in Oslo?"}]},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "7 degrees"},
        ],
        "tools": [WEATHER],
    },
}  # fmt: skip


class Asking:
    """A fake that is asked in process; every exchange is judged."""

    def __init__(self, seed: int | None) -> None:
        self.fake = FakeServer([], seed=seed, plain=seed is None)
        self.fake.clock.stop()
        self.server = self.fake._in_process()
        self.found: list[Any] = []

    def __call__(self, method: str, path: str, body: Any = None) -> Exchange:
        data = b"" if body is None else json.dumps(body).encode()
        headers = (("content-type", "application/json"), ("content-length", str(len(data))))
        exchange: Exchange = self.server.answer(Request(method, f"/v1{path}", headers=headers, body=data))
        self.found += [
            (method, path, str(body)[:80], finding.rule.id, finding.actual) for finding in judge(exchange).findings
        ]
        return exchange

    def json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self(method, path, body).payload)


def asked(name: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", **ASKED[name], **more}


@pytest.mark.parametrize("seed", [pytest.param(None, marks=pytest.mark.slow), *SEEDS])
def test_dicts_and_streams_are_no_finding_and_say_the_same(seed: int | None) -> None:
    ask = Asking(seed)
    for name in ASKED:
        whole = ask.json("POST", "/responses", asked(name))
        folded = Folded(ask("POST", "/responses", asked(name, stream=True)).payload)
        assert kinds(folded.items) == kinds(folded.response["output"]) == kinds(whole["output"]), name
        assert (folded.response["usage"], folded.response["status"]) == (whole["usage"], whole["status"]), name
        assert without_seals(folded.items) == without_seals(folded.response["output"]), name
    assert ask.found == []


def kinds(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """The types of the items; reasoning that says nothing may be left out."""
    return [item["type"] for item in items if item["type"] != "reasoning" or item["summary"]]


def without_seals(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name != "encrypted_content"} for item in items]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_stored_is_no_finding(seed: int) -> None:
    ask = Asking(seed)
    for name in ("text", "tools", "bare thinking"):
        first = ask.json("POST", "/responses", asked(name))
        path = f"/responses/{first['id']}"
        assert ask.json("GET", path) == first
        for query in (
            "?stream=true",
            "?stream=true&starting_after=3",
            "/input_items",
            "/input_items?order=asc&limit=1",
        ):
            ask("GET", f"{path}{query}")
        if name != "tools":
            ask("POST", "/responses", asked("text", previous_response_id=first["id"], stream=True))
        ask("POST", f"{path}/cancel")
        ask("DELETE", path)
        ask("GET", path)
    ask("POST", "/responses", asked("text", previous_response_id="resp_never"))
    ask("POST", "/responses", {"model": "no-such-model-at-all/", "input": 5})
    ask("POST", "/responses/input_tokens", {"model": "gpt-4o", "input": "hi"})
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    compacted = ask.json("POST", "/responses/compact", {"model": "gpt-4o", "input": turns})
    ask("POST", "/responses", asked("text", input=[*compacted["output"], {"role": "user", "content": "go"}]))
    assert ask.found == []


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_in_the_background_is_no_finding(seed: int) -> None:
    ask = Asking(seed)
    for name in ("text", "thinking"):
        made = ask.json("POST", "/responses", asked(name, background=True, store=True))
        states = [made["status"]]
        while states[-1] in ("queued", "in_progress") and len(states) < 40:
            ask.fake.clock.advance(0.7)
            states.append(ask.json("GET", f"/responses/{made['id']}")["status"])
        assert (states[0], states[-1]) == ("queued", "completed")
        ask("GET", f"/responses/{made['id']}?stream=true")
        stopped = ask.json("POST", "/responses", asked(name, background=True, store=True))
        assert ask.json("POST", f"/responses/{stopped['id']}/cancel")["status"] == "cancelled"
    assert ask.found == []


@pytest.mark.parametrize("seed", SEEDS)
def test_conversations_are_no_finding(seed: int) -> None:
    ask = Asking(seed)
    path = f"/conversations/{ask.json('POST', '/conversations', {'metadata': {'a': 'b'}})['id']}"
    ask("POST", f"{path}/items", {"items": [{"role": "user", "content": "My name is Ada."}]})
    for more in ({}, {"stream": True}):
        ask("POST", "/responses", asked("text", conversation=path.rpartition("/")[2], **more))
    items = ask.json("GET", f"{path}/items?limit=2")["data"]
    for method, tail in (("GET", "/items?order=asc"), ("GET", f"/items/{items[0]['id']}"), ("GET", "")):
        ask(method, f"{path}{tail}")
    ask("POST", path, {"metadata": {"c": "d"}})
    ask("DELETE", f"{path}/items/{items[0]['id']}")
    ask("DELETE", path)
    ask("GET", path)
    assert ask.found == []


@pytest.mark.parametrize("name", ["short", "tools", "thinking", "cut"])
def test_a_stream_is_no_finding_byte_by_byte_nor_however_it_is_cut_in_two(name: str) -> None:
    ask = Asking(5)
    exchange = ask("POST", "/responses", asked(name, stream=True, stream_options={"include_obfuscation": False}))
    body = exchange.payload
    assert not judge(exchange.but(writes=tuple(Write(body[at : at + 1]) for at in range(len(body))))).findings
    whole = sse.decode(body)
    for cut in range(0, len(body) + 1, 1 if name == "short" else 101):
        decoder = sse.Decoder()
        assert [*decoder.feed(body[:cut]), *decoder.feed(body[cut:]), *decoder.close()] == whole
    for cut in range(1, len(body), 997):
        assert not judge(exchange.but(writes=(Write(body[:cut]), Write(body[cut:])))).findings
        broken = exchange.but(writes=(Write(body[:cut]),), ending=Ending.CUT, problem="the connection was closed")
        assert judge(broken).findings


class Place(BaseModel):
    city: str


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sdk_takes_each_seed_through_its_stream_helper_and_parse(seed: int) -> None:
    http = httpx2.Client(transport=FakeServer([], seed=seed).transport())
    with openai.OpenAI(base_url="http://fake/v1", api_key="any", http_client=http, max_retries=0) as client:
        for name in ASKED:
            with client.responses.stream(**asked(name)) as running:
                events = list(running)
                if events[-1].type == "response.incomplete":  # for which the helper has no final Response
                    assert name.startswith("cut")
                    continue
                final = running.get_final_response()
            assert final.output_text == "".join(
                event.delta for event in events if event.type == "response.output_text.delta"
            )
            assert final.status == "completed"
        parsed = client.responses.parse(model="gpt-4o", input="Anna lives in Oslo.", text_format=Place)
        assert parsed.output_parsed == Place(city="Oslo")
        called = client.responses.parse(**asked("tools"))
        arguments = [item.parsed_arguments for item in called.output if item.type == "function_call"]
        assert [value and value.get("city") if isinstance(value, dict) else value for value in arguments]
