"""POST /responses: what is answered, as a dict and as a stream, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from fake_server import FakeServer
from fake_server.api import responses_request
from fake_server.api.render.responses import build_response, render_dict
from fake_server.api.render.responses_stream import render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob, ToolCall, Usage
from fake_server.api.validate.response_input import find_item_refusal
from fake_server.api.validate.responses import find_model_refusal, validate_response
from fake_server.tests.folding import Folded
from fake_server.tests.genuine import RECORDINGS, shapes

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


REFUSED: list[tuple[dict[str, Any], str | None, str | None, str]] = [
    ({"model": "no-such-model"}, "model", "model_not_found", "The requested model 'no-such-model' does not exist."),
    ({"input": None}, "input", "invalid_type", "expected one of an array of objects or string, but got null"),
    ({"input": 1}, "input", "invalid_type", "got an integer"),
    ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value", "Expected a value >= 16, but got 15"),
    ({"messages": []}, "messages", "unsupported_parameter", "has moved to 'input'"),
    ({"max_tokens": 5}, "max_tokens", "unsupported_parameter", "has moved to 'max_output_tokens'"),
    ({"nothing": 1}, "nothing", "unknown_parameter", "Unknown parameter: 'nothing'."),
    ({"input": [{"role": "king", "content": "x"}]}, "input[0].role", "invalid_value", "Invalid value: 'king'"),
    (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "input[0].content[0]", "invalid_value", "Supported values are: 'input_text', 'input_image'",
    ),
    (
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "input[0].content[0]", "invalid_value", "Supported values are: 'output_text' and 'refusal'.",
    ),
    ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_required_parameter", "'tools[0].name'"),
    ({"tool_choice": "required"}, "tool_choice", None, "must be specified with 'tools'"),
    (
        {"tools": [TIME], "tool_choice": {"type": "function", "name": "g"}},
        "tool_choice", None, "Tool choice 'function' not found in 'tools' parameter.",
    ),
    (
        {"conversation": "conv_1", "previous_response_id": "resp_1"},
        None, "mutually_exclusive_parameters", "Mutually exclusive",
    ),
    ({"stream_options": {"include_obfuscation": True}}, "stream_options", None, "only allowed when 'stream'"),
    ({"text": {"format": {"type": "json_object"}}}, "input", None, "the word 'json'"),
    (
        {"text": {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": {"type": "array"}}}},
        "text.format.schema", "invalid_json_schema", "Invalid schema for response_format 'x'",
    ),
    (
        {"tools": [{**TIME, "strict": True}]},
        "tools[0].parameters", "invalid_function_parameters", "'additionalProperties' is required",
    ),
    (
        {"input": [{"type": "function_call_output", "call_id": "call_9", "output": "1"}]},
        "input", None, "No tool call found for function call output with call_id call_9.",
    ),
    (
        {"input": [{"type": "function_call", "call_id": "call_9", "name": "f", "arguments": "{}"}]},
        "input", None, "No tool output found for function call call_9.",
    ),
    (
        {"input": [{"role": "user", "content": "x"}, {"type": "reasoning", "id": "rs_1", "summary": []}]},
        "input", None, "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
    ),
    ({"model": "o3", "temperature": 0.5}, "temperature", "unsupported_parameter", "'temperature' is not supported"),
    (
        {"reasoning": {"effort": "low"}},
        "reasoning.effort", "unsupported_parameter", "'reasoning.effort' is not supported with this model.",
    ),
    ({"model": "gpt-4", "input": "a b " * 9000}, "input", "context_length_exceeded", "exceeds the context window"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param", "code", "words"), REFUSED)
def test_what_is_refused(body: dict[str, Any], param: str | None, code: str | None, words: str) -> None:
    fake = FakeServer([], plain=True)
    with httpx2.Client(transport=fake.transport()) as client:
        whole = {"model": "gpt-4o-mini", "input": "Hi", **body}
        answer = client.post("http://fake/v1/responses", json=whole)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert words in error["message"]


def test_something_has_to_be_asked() -> None:
    error = validate_response({"model": "gpt-4o"})
    assert error is not None
    assert error.message.startswith('One of "input" or "previous_response_id"')
    assert validate_response({"prompt": {"id": "pmpt_1"}}) is None
    missing = validate_response({"input": "Hi"})
    assert missing is not None
    assert missing.message == "Missing required parameter: 'model'."


# -- beside genuine recordings

genuine_only = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI"
)


@cache
def genuine() -> list[dict[str, Any]]:
    with RECORDINGS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if '"endpoint": "responses"' in line]


def recorded(status: int) -> Iterator[tuple[dict[str, Any], Any]]:
    for recording in genuine():
        if recording["response"]["status"] == status:
            yield recording["request"]["body"] or {}, recording["response"]["body"]


def refusal_of(body: dict[str, Any]) -> Any:
    refusal = validate_response(body)
    items = responses_request.input_items(body)
    alone = not (body.get("previous_response_id") or body.get("conversation"))
    if refusal is None and alone and not any(item["type"] == "item_reference" for item in items):
        refusal = find_item_refusal(responses_request.resolve(items, ()))
    return refusal or find_model_refusal(body, responses_request.as_chat(body))


@genuine_only
def test_every_genuine_request_that_succeeded_is_accepted() -> None:
    refusals = [refusal_of(body) for body, _ in recorded(200)]
    assert len(refusals) > 800
    assert [refusal.message for refusal in refusals if refusal is not None] == []


@genuine_only
def test_a_genuine_refusal_of_items_is_repeated_to_the_letter() -> None:
    seen = 0
    for body, error in recorded(400):
        if "required following item" in error["error"]["message"]:
            assert refusal_of(body).body() == error
            seen += 1
    assert seen


CALL = ToolCall("get_weather", '{"city": "Oslo"}')
SCORES = (TokenLogprob("A", -0.5), TokenLogprob(" tree", -0.25))
CHOICES = {
    "text": Choice(content="A tree stands."),
    "a call": Choice(tool_calls=(CALL,), finish_reason="tool_calls"),
    "two calls": Choice(tool_calls=(CALL, CALL), finish_reason="tool_calls"),
    "cut": Choice(content="A tree", finish_reason="length"),
}


@genuine_only
@pytest.mark.parametrize("model", ["gpt-4o-mini-2024-07-18", "gpt-5.4-2026-03-05"])
@pytest.mark.parametrize("name", CHOICES)
def test_the_members_are_those_of_genuine_answers(name: str, model: str) -> None:
    choice = CHOICES[name]
    if name == "cut" and model.startswith("gpt-5"):
        pytest.skip("no recorded answer of a newer model is incomplete")
    request = {"tools": [WEATHER]} if choice.tool_calls else {}
    response = build_response(Reply((choice,), Usage(9, 4), model), request, Style.PLAIN)
    seen = genuine_shapes()
    body = json.loads(render_dict(response, Style.PLAIN))
    for place, names in ((place, tuple(name for name, _ in shape)) for place, shape in shapes(body, "dict")):
        if ".parameters" not in place and place != "dict.incomplete_details":  # no recorded dict is incomplete
            assert names in seen[place], place
    for event in Folded(b"".join(render_stream(response, {}, Style()))).events:
        for place, shape in shapes(event, event["type"]):
            if ".parameters" not in place:
                assert tuple(name for name, _ in shape) in seen[place], place


@cache
def genuine_shapes() -> dict[str, set[tuple[str, ...]]]:
    """The members of every object of genuine answers, in order, by place and type of event."""
    seen: dict[str, set[tuple[str, ...]]] = {}
    for _, body in recorded(200):
        documents = [("dict", body)] if isinstance(body, dict) else _events(body)
        for kind, document in documents:
            for place, shape in shapes(document, kind):
                seen.setdefault(place, set()).add(tuple(name for name, _ in shape))
    return seen


def _events(stream: str) -> Iterator[tuple[str, Any]]:
    for block in stream.replace("\r\n", "\n").split("\n\n"):
        for line in block.split("\n"):
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                yield event["type"], event
