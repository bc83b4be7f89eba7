"""The OpenAPI document: real operations, examples that are answered, replies that are as described."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import pytest

from fake_server import FakeServer
from fake_server.api.moderation import SEEN_IN_PICTURES, categories
from fake_server.api.validate.checks import integer, string
from fake_server.api.validate.containers import array
from fake_server.server.app import openapi_document
from fake_server.server.control.operations import ROUTES
from fake_server.server.openapi import control
from fake_server.server.openapi.components import REQUESTS, components, reply_components
from fake_server.server.openapi.document import FINE_TUNED_MODEL, OPERATIONS, TAGS, Operation
from fake_server.server.pages import ASSETS
from fake_server.server.routes import table

DOCUMENT = openapi_document()
EXAMPLES = [(operation, title) for operation in OPERATIONS for title in operation.examples]


def closed(schema: Any) -> Any:
    """The schema with every member named: what it does not name is wrong."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    members = {name: closed(value) for name, value in schema.items()}
    return {**members, "additionalProperties": False} if "properties" in schema else members


OPEN, CLOSED = DOCUMENT["components"]["schemas"], closed(copy.deepcopy(DOCUMENT["components"]["schemas"]))


def check(value: Any, name: str, schemas: Any = CLOSED) -> None:
    """The value is as the component says. Raises jsonschema.ValidationError."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer([], seed=1) as server:
        yield server


@pytest.fixture
def saved(fake: FakeServer) -> dict[str, str]:
    """The ids of things that are stored, by the names they have in paths."""

    def save(path: str, body: object) -> str:
        return str(httpx2.post(f"{fake.base_url}/{path}", json=body).json()["id"])

    said = {"role": "user", "content": "hi"}
    conversation = save("conversations", {})
    added = httpx2.post(f"{fake.base_url}/conversations/{conversation}/items", json={"items": [said]}).json()
    return {
        "completion_id": save("chat/completions", {"model": "gpt-4o", "messages": [said], "store": True}),
        "response_id": save("responses", {"model": "gpt-4o", "input": "hi", "background": True}),
        "conversation_id": conversation,
        "item_id": added["first_id"],
    }


@pytest.mark.parametrize(
    ("operation", "title"), EXAMPLES, ids=[f"{operation.name}-{title}" for operation, title in EXAMPLES]
)
def test_every_example_is_answered_as_described(
    fake: FakeServer, saved: dict[str, str], operation: Operation, title: str
) -> None:
    body = operation.examples[title]
    assert operation.request is not None
    check(body, operation.request, OPEN)
    path = operation.path.format(model=FINE_TUNED_MODEL, **saved)
    for streamed in {bool(body.get("stream")), operation.event is not None}:
        sent = {**body, "stream": True} if streamed else {k: v for k, v in body.items() if k[:6] != "stream"}
        answer = httpx2.request(operation.method, fake.base_url + path, json=sent)
        assert answer.status_code == 200, answer.text
        if not streamed:
            check(answer.json(), operation.reply)
            continue
        assert operation.event is not None
        lines = answer.text.splitlines()
        events = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
        assert len(events) > 2
        for event in events:
            check(json.loads(event), operation.event)


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if not operation.examples],
    ids=lambda operation: operation.name,
)
def test_operations_without_a_body_answer_as_described(
    fake: FakeServer, saved: dict[str, str], operation: Operation
) -> None:
    path = operation.path.format(model=FINE_TUNED_MODEL, **saved)
    answer = httpx2.request(operation.method, fake.base_url + path)
    assert answer.status_code == 200
    check(answer.json(), operation.reply)
    if operation.event is not None:
        events = httpx2.request(operation.method, fake.base_url + path, params={"stream": True}).text
        for event in re.findall(r"^data: ({.*)$", events, re.MULTILINE):
            check(json.loads(event), operation.event)
    for name in saved:
        if f"{{{name}}}" in operation.path:
            never = f"{saved[name][:5]}never"
            gone = httpx2.request(operation.method, fake.base_url + path.replace(saved[name], never))
            assert gone.status_code == 404
            check(gone.json(), "ErrorResponse")


@pytest.mark.parametrize("status", [400, 404, 408, 413, 429, 500, 503])
def test_refusals_are_as_described(fake: FakeServer, status: int) -> None:
    headers = {"x-fake-fault": f"error;status={status}"}
    answer = httpx2.get(f"{fake.base_url}/models", headers=headers)
    assert answer.status_code == status
    check(answer.json(), "ErrorResponse")


def test_what_the_document_shows_was_answered_so() -> None:
    count = 0
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/json", {})
                name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                examples = [example["value"] for example in content.get("examples", {}).values()]
                examples += [content["example"]] if "example" in content else []
                for example in examples if name else ():
                    check(example, name)
                    count += 1
    assert count >= len(OPERATIONS) + len(EXAMPLES) // 2
    for status, response in DOCUMENT["components"]["responses"].items():
        example = response["content"]["application/json"]["example"]
        check(example, "ErrorResponse")
        assert status == "200" or example["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "last"),
    [
        ("post", "/v1/chat/completions", "data: [DONE]"),
        ("post", "/v1/completions", "data: [DONE]"),
        ("post", "/v1/responses", "event: response.completed"),
        ("get", "/v1/responses/{response_id}", "event: response.completed"),
    ],
)
def test_what_the_document_shows_of_a_stream_has_its_end(method: str, path: str, last: str) -> None:
    content = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]
    *_, event = content["text/event-stream"]["example"].strip().split("\n\n")
    assert event.startswith(last)


@pytest.mark.parametrize(
    ("title", "status", "kinds"),
    [
        ("a text", "completed", ["message"]),
        ("a tool is called", "completed", ["function_call"]),
        ("a search of the web", "completed", ["web_search_call", "message"]),
        ("reasoning that is summed up", "completed", ["reasoning", "message"]),
        ("in the background", "queued", []),
        ("stored", "completed", ["message"]),
    ],
)
def test_the_document_shows_the_kinds_of_responses(title: str, status: str, kinds: list[str]) -> None:
    content = DOCUMENT["paths"]["/v1/responses"]["post"]["responses"]["200"]["content"]
    shown = content["application/json"]["examples"][title]["value"]
    assert (shown["status"], [item["type"] for item in shown["output"]]) == (status, kinds)


def test_control_is_described_whole_and_its_examples_work(fake: FakeServer) -> None:
    served = {(method.lower(), route.path) for route in ROUTES for method in (route.methods or ())}
    described = {(method, path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert {route for route in served if route[0] != "head"} <= described
    for path, examples in control.EXAMPLES.items():
        for body in examples.values():
            answer = httpx2.post(fake.root + path, json=body)
            assert answer.status_code == 201, answer.text
    httpx2.post(f"{fake.root}/__fake__/reset")
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if operation["tags"] == [control.TAG] and method == "get":
                status = httpx2.get(fake.root + path).status_code
                assert str(status) in operation["responses"]


def test_every_operation_of_the_api_is_described() -> None:
    def without_names(path: str) -> str:
        return re.sub(r"{[^}]*}", "{…}", path)

    served = {(method.lower(), without_names(path)) for method, path, _ in table.OPERATIONS}
    described = {(operation.method, without_names(operation.path)) for operation in OPERATIONS}
    assert served == described


def test_operations_have_one_name_each_and_known_tags() -> None:
    operations = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert {tag for operation in operations for tag in operation["tags"]} == set(TAGS)
    assert openapi_document() == DOCUMENT


def test_every_example_of_a_model_name_is_known(fake: FakeServer) -> None:
    known = {model["id"] for model in httpx2.get(f"{fake.base_url}/models").json()["data"]}
    named = {body["model"] for operation in OPERATIONS for body in operation.examples.values() if "model" in body}
    assert {name for name in named if "moderation" not in name} <= known


def test_the_page_needs_no_network(fake: FakeServer) -> None:
    page = httpx2.get(f"{fake.root}/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    for name, kind in ASSETS.items():
        answer = httpx2.get(f"{fake.root}/__fake__/assets/{name}")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert f"/__fake__/assets/{name}" in page.text
    assert httpx2.get(f"{fake.root}/__fake__/assets/nope.js").status_code == 404
    assert httpx2.get(f"{fake.root}/openapi.json").json() == DOCUMENT


def test_two_components_of_one_name_are_refused() -> None:
    text, count = string().named("Thing"), integer().named("Thing")
    assert components([text, string().named("Thing")]) == {"Thing": {"title": "Thing", "type": "string"}}
    with pytest.raises(ValueError, match="two components are called Thing"):
        components([text, array(count)])


def test_requests_and_replies_share_no_component_and_every_reference_leads_to_one() -> None:
    requests, replies = components(REQUESTS), reply_components()
    assert not requests.keys() & replies.keys()
    references = set(re.findall(r'"#/components/schemas/([^"]*)"', json.dumps(DOCUMENT)))
    assert references <= set(OPEN)


def test_described_replies_follow_the_code_they_describe() -> None:
    omni, text = categories("omni"), categories("text")
    for name in ("ModerationCategories", "ModerationCategoryScores", "ModerationAppliedInputTypes"):
        assert list(OPEN[name]["properties"]) == list(omni)
        assert set(OPEN[name]["required"]) == set(text)
    inputs = OPEN["ModerationAppliedInputTypes"]["properties"]
    assert {name for name in omni if "enum" in inputs[name]["items"]} == SEEN_IN_PICTURES
    sent = OPEN["CreateChatCompletionRequest"]["properties"]["metadata"]
    assert {**sent, "type": "object"} == OPEN["StoredChatCompletion"]["properties"]["metadata"]
