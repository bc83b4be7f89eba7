"""Scripts and the Responses API: those for chat answer there too, and `output` gives items of every type."""

from __future__ import annotations

import json
import typing
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import ResponseStreamEvent, response_output_item
from pydantic import TypeAdapter

from fake_server import FakeServer
from fake_server.scripts.yaml_lines import ScriptError
from fake_server.tests.folding import Folded

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ITEM: TypeAdapter[Any] = TypeAdapter(response_output_item.ResponseOutputItem)
CITATION = {"type": "url_citation", "title": "Example", "url": "https://example.com", "start_index": 0, "end_index": 4}
SEARCH = {"type": "web_search_call", "action": {"type": "search", "query": "trees", "queries": ["trees"]}}
PRINTED = {"stdout": "2\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
OUTPUT: dict[str, dict[str, Any]] = {
    "message": {"content": [{"type": "output_text", "text": "Look there.", "annotations": [CITATION]}]},
    "reasoning": {"summary": [{"type": "summary_text", "text": "So."}, {"type": "summary_text", "text": "Or so."}]},
    "function_call": {"call_id": "call_1", "name": "f", "arguments": '{"a": 1}'},
    "custom_tool_call": {"call_id": "call_1", "name": "c", "input": "1 + 1"},
    "web_search_call": SEARCH,
    "file_search_call": {"queries": ["trees"], "results": [{"file_id": "file-1", "filename": "a.md", "score": 0.5}]},
    "code_interpreter_call": {
        "code": "print(1 + 1)",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "2"}],
    },
    "image_generation_call": {"result": "iVBORw0KGgo="},
    "computer_call": {"call_id": "call_1", "action": {"type": "screenshot"}, "pending_safety_checks": []},
    "mcp_call": {"name": "ask", "arguments": '{"q": 1}', "server_label": "wiki", "output": "42", "error": None},
    "mcp_list_tools": {"server_label": "wiki", "tools": [{"name": "ask", "input_schema": {}}]},
    "mcp_approval_request": {"name": "ask", "arguments": "{}", "server_label": "wiki"},
    "shell_call": {"call_id": "call_1", "action": {"commands": ["ls", "wc -l"]}},
    "shell_call_output": {"call_id": "call_1", "output": [PRINTED]},
    "local_shell_call": {"call_id": "call_1", "action": {"type": "exec", "command": ["ls"], "env": {}}},
    "apply_patch_call": {"call_id": "call_1", "operation": {"type": "delete_file", "path": "a.txt"}},
    "tool_search_call": {"call_id": "call_1", "arguments": {"query": "x"}, "execution": "server"},
    "tool_search_output": {"call_id": "call_1", "tools": [], "execution": "server"},
    "compaction": {"encrypted_content": "gAAAAABo"},
}
STEPS = {
    "web_search_call": ["in_progress", "searching", "completed"],
    "file_search_call": ["in_progress", "searching", "completed"],
    "image_generation_call": ["in_progress", "generating", "partial_image", "completed"],
    "mcp_list_tools": ["in_progress", "completed"],
    "compaction": ["compacting"],
}


def ask(scripts: Any, *, seed: int | None = None, path: str = "responses", **body: Any) -> httpx2.Response:
    fake = FakeServer(scripts, seed=seed, plain=seed is None)
    asked = {"input": "Hi"} if path == "responses" else {"messages": [{"role": "user", "content": "Hi"}]}
    with httpx2.Client(transport=fake.transport()) as client:
        return client.post(f"http://fake/v1/{path}", json={"model": "gpt-4o-mini", **asked, **body})


def answer(reply: Any, **body: Any) -> dict[str, Any]:
    """The dict, which the stream tells too."""
    scripts = [{"name": "it", "reply": reply}]
    whole = ask(scripts, **body)
    assert whole.status_code == 200, whole.text
    folded = Folded(ask(scripts, stream=True, **body).content)
    for event in folded.events:
        if event.get("item", {}).get("type") != "web_search_call":  # added without `action`, in genuine streams too
            EVENTS.validate_python(event)
    assert without_ids(folded.items) == without_ids(whole.json()["output"])
    return dict(whole.json())


def without_ids(items: list[dict[str, Any]]) -> Any:
    return [{name: value for name, value in item.items() if name not in ("id", "call_id")} for item in items]


@pytest.mark.parametrize("kind", OUTPUT)
def test_an_item_of_any_type_is_given_as_it_is(kind: str) -> None:
    item = {"type": kind, **OUTPUT[kind]}
    (given,) = answer({"output": [item]})["output"]
    assert given["id"]
    assert typing.cast(dict[str, Any], ITEM.validate_python(given).to_dict())["type"] == kind
    if kind != "message":
        assert {name: given[name] for name in item} == item
    (told,) = Folded(ask([{"name": "it", "reply": {"output": [item]}}], stream=True).content).items
    assert {name for name in told if told[name] != given.get(name)} <= {"id"}


@pytest.mark.parametrize("kind", STEPS)
def test_the_progress_of_a_built_in_tool_is_told(kind: str) -> None:
    item = {"type": kind, **OUTPUT[kind]}
    types = Folded(ask([{"name": "it", "reply": {"output": [item]}}], stream=True).content).types
    assert [name.rpartition(".")[2] for name in types if name.startswith(f"response.{kind}.")] == STEPS[kind]


def test_every_type_of_the_sdk_has_a_sample() -> None:
    union = typing.get_args(typing.get_args(response_output_item.ResponseOutputItem)[0])
    kinds = {typing.get_args(form.model_fields["type"].annotation)[0] for form in union}
    more = {"additional_tools", "program", "program_output"}
    assert kinds - {kind for kind in kinds if kind.endswith("_output")} - more - {"mcp_approval_response"} <= {*OUTPUT}


@pytest.mark.parametrize("seed", range(6))
def test_the_sdk_follows_all_of_them_in_one_stream(seed: int) -> None:
    output = [{"type": kind, **item} for kind, item in OUTPUT.items()]
    for place, item in enumerate(output):
        if "call_id" in item:
            item["call_id"] = f"call_{place}"
    fake = FakeServer([{"name": "all", "reply": {"output": output}}], seed=seed)
    client = openai.OpenAI(http_client=httpx2.Client(transport=fake.transport()), api_key="any")
    with client, client.responses.stream(model="gpt-4o", input="Hi") as stream:
        final = stream.get_final_response()
    assert [item.type for item in final.output] == [*OUTPUT]
    assert final.output_text == "Look there."


def test_a_script_for_chat_answers_here() -> None:
    assert texts(answer({"text": "A tree stands."})) == ["A tree stands."]
    assert json.loads(texts(answer({"json": {"a": 1}}))[0]) == {"a": 1}
    refused = answer({"refusal": "I would rather not."})["output"][0]["content"]
    assert refused == [{"type": "refusal", "refusal": "I would rather not."}]
    called = answer(
        {"text": "Wait.", "tool_calls": [{"name": "f", "arguments": {"a": 1}, "id": "call_9"}, {"name": "g"}]}
    )
    assert [item["type"] for item in called["output"]] == ["message", "function_call", "function_call"]
    assert (called["output"][1]["call_id"], called["output"][1]["arguments"]) == ("call_9", '{"a":1}')
    both = answer({"choices": [{"text": "one"}, {"text": "two"}]})
    assert texts(both) == ["one", "two"]
    cut = answer({"text": "cut", "finish_reason": "length", "usage": {"completion_tokens": 7}, "id": "resp_7"})
    assert (cut["status"], cut["usage"]["output_tokens"], cut["id"]) == ("incomplete", 7, "resp_7")
    filtered = answer({"text": "", "finish_reason": "content_filter"})
    assert filtered["incomplete_details"] == {"reason": "content_filter"}
    cited = answer({"text": "Look there.", "annotations": [{"type": "url_citation", "url_citation": CITATION}]})
    assert cited["output"][0]["content"][0]["annotations"] == [CITATION]
    scores = [{"token": "Yes", "logprob": -0.1, "top": {"No": -2.5}}, {"token": ".", "logprob": 0}]
    scored = answer({"text": "Yes.", "logprobs": scores})
    assert [score["token"] for score in scored["output"][0]["content"][0]["logprobs"]] == ["Yes", "."]


def texts(response: dict[str, Any]) -> list[str]:
    return [part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]]


def test_reasoning_of_a_script_is_its_text_or_the_summary_that_is_asked_for() -> None:
    reply = {"text": "Yes.", "reasoning": "Is it? It is."}
    thought = answer(reply, model="o3")["output"][0]
    assert (thought["content"], thought["summary"]) == ([{"type": "reasoning_text", "text": "Is it? It is."}], [])
    summed = answer(reply, model="o3", reasoning={"summary": "detailed"})["output"][0]
    assert summed["summary"] == [{"type": "summary_text", "text": "Is it? It is."}]
    assert "content" not in summed


def test_errors_and_raw_replies_are_those_of_chat() -> None:
    failed = ask([{"name": "it", "reply": {"error": {"status": 429, "message": "Slow down."}}}], stream=True)
    assert (failed.status_code, failed.json()["error"]["message"]) == (429, "Slow down.")
    raw = ask([{"name": "it", "reply": {"raw": {"stream": ['{"type":"x"}'], "body": "whole"}}}], stream=True)
    assert raw.text == 'data: {"type":"x"}\n\n'


def test_conditions_see_the_chat_that_stands_for_it() -> None:
    when = {
        "endpoint": "responses",
        "messages": {"last": {"role": "user", "contains": "weather"}, "system": {"contains": "brief"}},
        "tools": {"include": "f"},
        "body": {"metadata.team": "green", "input": {"exists": True}},
    }
    scripts = [{"name": "it", "when": when, "reply": {"text": "Rain."}}]
    asked: dict[str, Any] = {"input": "The weather?", "instructions": "Be brief.", "metadata": {"team": "green"}}
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
    assert texts(ask(scripts, tools=tools, **asked).json()) == ["Rain."]
    assert texts(ask(scripts, **asked).json()) != ["Rain."]
    result = [
        {"name": "it", "when": {"tool_result": {"name": "f", "contains": "rain"}}, "reply": {"text": "Umbrella."}}
    ]
    turns = [
        {"role": "user", "content": "The weather?"},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "Rain again"}]},
    ]
    assert texts(ask(result, input=turns).json()) == ["Umbrella."]


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        ({"max_output_tokens": 100}, {"max_output_tokens": 100}),
        ({"max_completion_tokens": 100}, {"max_output_tokens": 100}),
        ({"max_output_tokens": {"exists": False}}, {}),
        ({"instructions": {"contains": "brief"}}, {"instructions": "Be brief."}),
        ({"text.verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"tools[*].function.name": "f", "tool_choice": "none"},
         {"tools": [{"type": "function", "name": "f", "parameters": {}}], "tool_choice": "none"}),
    ],
)  # fmt: skip
def test_conditions_see_members_by_their_own_names(seen: dict[str, Any], asked: dict[str, Any]) -> None:
    scripts = [{"name": "it", "when": {"body": seen}, "reply": {"text": "Seen."}}]
    assert texts(ask(scripts, **asked).json()) == ["Seen."]


def test_output_is_for_responses_only() -> None:
    scripts = [
        {"name": "it", "reply": {"output": [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}]}}
    ]
    assert texts(ask(scripts).json()) == ["x"]
    chat = ask(scripts, path="chat/completions").json()
    assert chat["choices"][0]["message"]["content"] != "x"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"output": [{"content": []}]}, "an item has a type"),
        ({"output": [{"type": "message"}], "text": "x"}, "exclude each other"),
        ({"output": ["x"]}, "reply.output.0"),
    ],
)
def test_what_is_no_output(reply: Any, words: str) -> None:
    with pytest.raises(ScriptError, match=words):
        FakeServer([{"name": "it", "reply": reply}])


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "content": "no list"}, {"type": "message", "content": [1, {"type": "output_text"}]},
        {"type": "reasoning", "summary": None}, {"type": "shell_call", "action": "ls"},
        {"type": "shell_call", "action": {"commands": [1]}}, {"type": "function_call", "arguments": 5},
        {"type": "unheard_of", "status": "completed"}, {"type": "message", "content": [{"type": "refusal"}]},
    ],
)  # fmt: skip
def test_an_item_that_is_as_none_of_the_api_is_sent_all_the_same(item: Any) -> None:
    scripts = [{"name": "it", "reply": {"output": [item]}}]
    for streamed in (False, True):
        got = ask(scripts, stream=streamed)
        assert got.status_code == 200
    assert item["type"] in got.text
