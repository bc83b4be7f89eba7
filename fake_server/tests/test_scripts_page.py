"""SCRIPTS.md: every example loads, every key has its meaning and an example, the tables are fresh."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest
import yaml
from pydantic import BaseModel

from contract_tests.lab.pages.scripts_page import MODELS, PAGE, keys, page
from fake_server import FakeServer
from fake_server.scripts import book

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_load(example: str) -> None:
    assert book.parse(yaml.safe_load(example)).warnings == ()


def test_the_example_in_python_answers() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "abc"}]}
    told: list[str] = []

    def ask(fake: FakeServer) -> None:
        answer = httpx2.post(f"{fake.base_url}/chat/completions", json=asked).json()
        told.append(answer["choices"][0]["message"]["content"])

    exec(example.replace("...", "ask(fake)"), {"FakeServer": FakeServer, "ask": ask})
    assert told == ["cba"]


def test_the_tables_are_those_of_the_models() -> None:
    told = TEXT.replace("| `times` |", "| `tymes` |")
    assert page(told) == TEXT


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_key_has_a_meaning_and_an_example(model: type[BaseModel]) -> None:
    assert f"<!-- keys of {model.__name__} -->" in TEXT
    assert all(keys(model).values())
    used = written(model)
    missing = {key for key in keys(model) if key not in used and (model.__name__, key) not in TOLD}
    assert not missing


TOLD = {("Raw", "file"), ("Pace", "recorded")}
"""Told in words: a page has no file beside it."""


def written(model: type[BaseModel]) -> set[str]:
    """The keys of this model that some example uses."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, model):
            names = {name: field.alias or name for name, field in type(value).model_fields.items()}
            found.update(names[name] for name in value.model_fields_set)
        if isinstance(value, BaseModel):
            for name in value.model_fields_set:
                walk(getattr(value, name))
        elif isinstance(value, dict):
            for one in value.values():
                walk(one)
        elif isinstance(value, tuple):
            for one in value:
                walk(one)

    for example in EXAMPLES:
        for script in book.parse(yaml.safe_load(example)):
            walk(script)
    return found


_, _BOTH = TEXT.split("## Chat and responses\n")
BOTH = [script for example in re.findall(r"```yaml\n(.*?)```", _BOTH, re.DOTALL) for script in yaml.safe_load(example)]
GET_TIME = {"name": "get_time", "parameters": {"type": "object"}}
CALL = {"call_id": "call_1", "name": "get_time", "arguments": "{}"}
TIME = "Say the time"


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer(BOTH, strict=True, plain=True)


def post(fake: FakeServer, path: str, **body: Any) -> dict[str, Any]:
    with httpx2.Client(transport=fake.transport()) as client:
        reply = client.post(f"http://fake/v1/{path}", json={"model": "gpt-4o", **body})
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def text_of(response: dict[str, Any]) -> str:
    assert response["status"] == "completed"
    (part,) = response["output"][-1]["content"]
    return str(part["text"])


@pytest.mark.parametrize(
    ("script", "chat", "responses"),
    [
        (
            "umbrella",
            {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Will it rain?"}]},
            {"instructions": "Be brief.", "input": "Will it rain?"},
        ),
        (
            "clock",
            {"messages": [{"role": "user", "content": TIME}], "tools": [{"type": "function", "function": GET_TIME}]},
            {"input": TIME, "tools": [{"type": "function", **GET_TIME}]},
        ),
        (
            "clock read",
            {
                "messages": [
                    {"role": "user", "content": TIME},
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
                        ],
                    },
                    {"role": "tool", "tool_call_id": "call_1", "content": '{"hour": 7}'},
                ]
            },
            {
                "input": [
                    {"role": "user", "content": TIME},
                    {"type": "function_call", **CALL},
                    {"type": "function_call_output", "call_id": "call_1", "output": '{"hour": 7}'},
                ]
            },
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_one_script_answers_chat_and_responses(
    fake: FakeServer, script: str, chat: dict[str, Any], responses: dict[str, Any]
) -> None:
    message = post(fake, "chat/completions", **chat)["choices"][0]["message"]
    response = post(fake, "responses", **responses)
    assert [request.script for request in fake.requests] == [script, script]
    if script == "clock":
        call = message["tool_calls"][0]["function"]
        assert {name: response["output"][0][name] for name in call} == call
    else:
        assert text_of(response) == message["content"]


def test_scripts_see_the_members_of_a_request_for_a_response(fake: FakeServer) -> None:
    picture = {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/house.png"}]}
    planned = post(fake, "responses", model="gpt-5", input=[picture], reasoning={"effort": "low"})
    assert (planned["id"], text_of(planned)) == ("resp_plan", "First the roof.")
    rest = post(fake, "responses", input="Go on.", previous_response_id="resp_plan")
    assert text_of(rest) == "After “First the roof.” the walls."
    first = post(fake, "responses", input="Will it rain?", instructions="Be brief.")
    assert text_of(post(fake, "responses", input="So?", previous_response_id=first["id"])) == "And then?"
    fake.clock.stop()
    queued = post(fake, "responses", input="Report!", background=True, metadata={"team": "green"})
    assert queued["status"] == "queued"
    fake.clock.advance(32)
    with httpx2.Client(transport=fake.transport()) as client:
        done = client.get(f"http://fake/v1/responses/{queued['id']}").json()
    assert text_of(done) == "All is well."


@pytest.mark.parametrize(
    ("text", "kinds", "answer"),
    [
        ("The latest?", ["web_search_call", "message"], "Nothing new."),
        ("compute 6 * 7", ["code_interpreter_call", "message"], "42"),
    ],
)
def test_items_of_built_in_tools_are_given(fake: FakeServer, text: str, kinds: list[str], answer: str) -> None:
    response = post(fake, "responses", input=text)
    assert ([item["type"] for item in response["output"]], text_of(response)) == (kinds, answer)
    with httpx2.Client(transport=fake.transport()) as client:
        asked = {"model": "gpt-4o", "input": text, "stream": True}
        stream = client.post("http://fake/v1/responses", json=asked).text
        assert (
            client.post(
                "http://fake/v1/chat/completions",
                json={"model": "gpt-4o", "messages": [{"role": "user", "content": text}]},
            ).status_code
            == 404
        )
    events = [json.loads(line[6:])["type"] for line in stream.splitlines() if line.startswith("data: ")]
    assert f"response.{kinds[0]}.completed" in events
