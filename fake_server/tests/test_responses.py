"""POST /responses: what is answered, as a dict and as a stream, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from fake_server import FakeServer
from fake_server.tests.folding import Folded

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME: Any = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
CODE: Any = {"type": "custom", "name": "run_code", "description": "Run code"}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module", params=[0, 1, "plain"])
def server(request: pytest.FixtureRequest) -> Iterator[FakeServer]:
    plain = request.param == "plain"
    with FakeServer(seed=None if plain else request.param, plain=plain) as server:
        yield server


@pytest.fixture
def client(server: FakeServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client:
        yield client


def ask(server: FakeServer, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{server.base_url}/responses", json={"model": "gpt-4o-mini", **body})


def answer(server: FakeServer, **body: Any) -> dict[str, Any]:
    """The dict, which the stream tells too."""
    whole = ask(server, **body)
    assert whole.status_code == 200, whole.text
    streamed = ask(server, stream=True, **body)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    folded, response = Folded(streamed.content), whole.json()
    assert without_ids(folded.items) == without_ids(folded.response["output"]) == without_ids(response["output"])
    assert {*response} - {*folded.response} <= {"billing", "completed_at"}
    assert folded.response["usage"] == response["usage"]
    return dict(response)


def without_ids(items: Any) -> Any:
    """The items without what differs between two answers that say the same; a style may leave out bare reasoning."""
    changing = ("id", "call_id", "encrypted_content")
    return [
        {name: value for name, value in item.items() if name not in changing}
        for item in items
        if item["type"] != "reasoning" or item["summary"] or item.get("content")
    ]


def texts(response: dict[str, Any]) -> list[str]:
    return [part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]]


def calls(response: dict[str, Any]) -> list[tuple[str, str]]:
    found = [item for item in response["output"] if item["type"].endswith("_call")]
    return [(item["name"], item.get("arguments", item.get("input"))) for item in found]


def test_a_text_is_answered_and_echoes_what_was_asked(server: FakeServer) -> None:
    asked: dict[str, Any] = {
        "instructions": "Be brief.", "max_output_tokens": 50, "temperature": 0.5, "top_p": 0.9, "store": False,
        "metadata": {"team": "green"}, "user": "u", "truncation": "auto", "parallel_tool_calls": False,
        "prompt_cache_key": "k", "safety_identifier": "s", "max_tool_calls": 3,
    }  # fmt: skip
    response = answer(server, input="Repeat after me: A tree stands.", **asked)
    assert texts(response) == ["A tree stands."]
    assert {name: response[name] for name in asked} == asked
    assert (response["object"], response["status"], response["error"]) == ("response", "completed", None)
    assert response["id"].startswith("resp_")
    assert response["service_tier"] == "default"
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_a_text_is_one_message_of_the_user_and_what_chat_answers(server: FakeServer) -> None:
    question = "Write a poem about a tree"
    forms: list[Any] = [
        question,
        [{"role": "user", "content": question}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": question}]}],
    ]
    said = {
        (*texts(response), response["usage"]["input_tokens"]) for response in (answer(server, input=f) for f in forms)
    }
    messages = [{"role": "user", "content": question}]
    chat = httpx2.post(
        f"{server.base_url}/chat/completions", json={"model": "gpt-4o-mini", "messages": messages}
    ).json()
    assert said == {(chat["choices"][0]["message"]["content"], chat["usage"]["prompt_tokens"])}


def test_instructions_and_earlier_messages_are_seen(server: FakeServer) -> None:
    response = answer(server, instructions="Always reply with exactly: Ahoy", input="Who are you?")
    assert texts(response) == ["Ahoy"]
    earlier = [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Ada."}]},
        {"role": "user", "content": "Say goodbye"},
    ]
    assert texts(answer(server, input=earlier)) == ["goodbye"]


def test_an_answer_at_its_limit_is_incomplete(server: FakeServer) -> None:
    response = answer(server, input="Count from 1 to 100", max_output_tokens=16)
    assert response["status"] == response["output"][-1]["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["usage"]["output_tokens"] == 16
    thinking = answer(server, model="o3", input="Count from 1 to 100", max_output_tokens=16)
    assert [item["type"] for item in thinking["output"]] == ["reasoning"]
    assert thinking["status"] == "incomplete"


@pytest.mark.parametrize("choice", ["required", "auto", {"type": "function", "name": "get_weather"}])
def test_tools_are_called(server: FakeServer, choice: Any) -> None:
    question = "What is the weather in Oslo?"
    response = answer(server, input=question, tools=[TIME, WEATHER], tool_choice=choice)
    assert calls(response) == [("get_weather", '{"city":"Oslo"}')]
    item = response["output"][0]
    assert item["id"].startswith("fc_")
    assert item["call_id"].startswith("call_")
    assert response["tool_choice"] == choice
    assert [tool["strict"] for tool in response["tools"]] == [True, True]
    results = [
        {"role": "user", "content": question},
        *response["output"],
        {"type": "function_call_output", "call_id": item["call_id"], "output": "12 degrees"},
    ]
    assert "12 degrees" in texts(answer(server, input=results, tools=[TIME, WEATHER]))[0]


def test_which_tools_are_called(server: FakeServer) -> None:
    both = {"input": "What is the weather in Oslo and Paris?", "tools": [WEATHER, TIME, CODE]}
    assert len(calls(answer(server, **both))) == 2
    assert len(calls(answer(server, parallel_tool_calls=False, **both))) == 1
    assert calls(answer(server, tool_choice="none", **both)) == []
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]}
    assert calls(answer(server, tool_choice=allowed, **both)) == [("get_time", "{}")]
    custom = answer(server, tool_choice={"type": "custom", "name": "run_code"}, input='Run "1 + 1"', tools=[CODE])
    assert calls(custom) == [("run_code", "1 + 1")]
    assert custom["output"][0]["type"] == "custom_tool_call"
    inside = {"type": "namespace", "name": "city", "tools": [WEATHER]}
    item = answer(server, input="What is the weather in Oslo?", tools=[inside])["output"][0]
    assert (item["name"], item["namespace"]) == ("get_weather", "city")


def test_a_grammar_is_kept(server: FakeServer) -> None:
    form = {"type": "grammar", "syntax": "regex", "definition": "[A-Z]{3}-[0-9]{4}"}
    tool = {**CODE, "format": form}
    ((_, given),) = calls(answer(server, input="Run it", tools=[tool], tool_choice="required"))
    assert re.fullmatch(form["definition"], given)


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        ({"type": "web_search"}, "web_search_call"),
        ({"type": "web_search_preview_2025_03_11"}, "web_search_call"),
        ({"type": "file_search", "vector_store_ids": ["vs_1"]}, "file_search_call"),
        ({"type": "code_interpreter", "container": {"type": "auto"}}, "code_interpreter_call"),
        ({"type": "image_generation"}, "image_generation_call"),
    ],
)
def test_a_built_in_tool_is_called_if_that_is_demanded(tool: Any, kind: str) -> None:
    with FakeServer([], plain=True) as server:
        for choice in ("required", {"type": tool["type"]}):
            output = answer(server, input="What is new?", tools=[tool], tool_choice=choice)["output"]
            assert [item["type"] for item in output] == [kind, "message"]
        free = answer(server, input="What is new?", tools=[tool])["output"]
        assert [item["type"] for item in free] == ["message"]


def test_a_format_is_kept(server: FakeServer) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "name": "weather", "schema": schema, "strict": True}
    response = answer(server, input="How warm is it in Oslo?", text={"format": form})
    assert set(json.loads(texts(response)[0])) == {"city", "degrees"}
    assert response["text"]["format"] == {**form, "description": None}
    free = answer(server, input="Give me JSON about Oslo", text={"format": {"type": "json_object"}})
    assert isinstance(json.loads(texts(free)[0]), dict)


def test_log_probabilities(server: FakeServer) -> None:
    response = answer(server, input="Say this is a test", include=["message.output_text.logprobs"], top_logprobs=2)
    part = response["output"][0]["content"][0]
    assert "".join(score["token"] for score in part["logprobs"]) == part["text"]
    assert {len(score["top_logprobs"]) for score in part["logprobs"]} == {2}


def test_reasoning_is_summed_up_and_taken_back(server: FakeServer) -> None:
    include = ["reasoning.encrypted_content"]
    asked = {"model": "o4-mini", "reasoning": {"effort": "high", "summary": "auto"}, "include": include}
    response = answer(server, input="What is 2 + 3?", **asked)
    thought, message = response["output"]
    assert thought["type"] == "reasoning"
    assert thought["summary"][0]["text"]
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    assert response["reasoning"]["effort"] == "high"
    again = [{"role": "user", "content": "What is 2 + 3?"}, thought, message, {"role": "user", "content": "Say thanks"}]
    assert texts(answer(server, input=again, **asked)) == ["thanks"]
    changed = {**thought, "encrypted_content": thought["encrypted_content"][:-8] + "AAAAAAA="}
    refused = ask(server, input=[*again[:1], changed, *again[2:]], **asked)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "invalid_encrypted_content"


def test_the_sdk_reads_both(client: openai.OpenAI) -> None:
    question = "Ada is 36 years old"
    parsed = client.responses.parse(model="gpt-4o", input=question, text_format=Person).output_parsed
    assert parsed is not None
    with client.responses.stream(model="gpt-4o", input=question, text_format=Person) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert final.output_parsed == parsed
    assert snapshots[-1] == final.output_text
    asked: Any = {"model": "o3", "input": "What is the weather in Oslo?", "tools": [WEATHER], "tool_choice": "required"}
    with client.responses.stream(reasoning={"summary": "auto"}, **asked) as stream:
        kinds = [item.type for item in stream.get_final_response().output]
    assert kinds == ["reasoning", "function_call"]
