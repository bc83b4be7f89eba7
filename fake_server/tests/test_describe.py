"""The OpenAPI document: real operations, examples that are answered, replies that are as described."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import pytest

from fake_server import FakeServer
from fake_server.api.validate.checks import integer, string
from fake_server.api.validate.containers import array
from fake_server.server.app import openapi_document
from fake_server.server.control.operations import ROUTES
from fake_server.server.openapi import control
from fake_server.server.openapi.components import components
from fake_server.server.openapi.operations import FINE_TUNED_MODEL, OPERATIONS, STORED_PATH, TAGS, Operation
from fake_server.server.openapi.swagger import ASSETS

DOCUMENT = openapi_document()
CREATING = [one for one in OPERATIONS if one.event is not None or one.name.startswith("create")]
EXAMPLES = [(one, title) for one in OPERATIONS for title in one.examples]


def closed(schema: Any) -> Any:
    """The schema with every member named: what it does not name is wrong."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: closed(value) for name, value in schema.items()}
    return {**told, "additionalProperties": False} if "properties" in schema else told


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
def stored(fake: FakeServer) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "store": True}
    return str(httpx2.post(f"{fake.base_url}/chat/completions", json=body).json()["id"])


@pytest.mark.parametrize(("one", "title"), EXAMPLES, ids=[f"{one.name}-{title}" for one, title in EXAMPLES])
def test_every_example_is_answered_as_described(
    fake: FakeServer, stored: str, one: Operation, title: str
) -> None:
    body = one.examples[title]
    assert one.request is not None
    check(body, one.request.component, OPEN)
    path = one.path.format(completion_id=stored, model=FINE_TUNED_MODEL)
    for streamed in {bool(body.get("stream")), one.event is not None}:
        sent = {**body, "stream": True} if streamed else {k: v for k, v in body.items() if k[:6] != "stream"}
        answer = httpx2.request(one.method, fake.base_url + path, json=sent)
        assert answer.status_code == 200, answer.text
        if not streamed:
            check(answer.json(), one.reply.component)
            continue
        assert one.event is not None
        lines = answer.text.splitlines()
        events = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
        assert len(events) > 2
        for event in events:
            check(json.loads(event), one.event.component)


@pytest.mark.parametrize("one", [one for one in OPERATIONS if not one.examples], ids=lambda one: one.name)
def test_operations_without_a_body_answer_as_described(fake: FakeServer, stored: str, one: Operation) -> None:
    path = one.path.format(completion_id=stored, model=FINE_TUNED_MODEL)
    answer = httpx2.request(one.method, fake.base_url + path)
    assert answer.status_code == 200
    check(answer.json(), one.reply.component)
    if STORED_PATH in one.path:
        gone = httpx2.request(one.method, fake.base_url + path.replace(stored, "chatcmpl-never"))
        assert gone.status_code == 404
        check(gone.json(), "ErrorResponse")


@pytest.mark.parametrize("status", [400, 404, 408, 413, 429, 500, 503])
def test_refusals_are_as_described(fake: FakeServer, status: int) -> None:
    headers = {"x-fake-fault": f"error;status={status}"}
    answer = httpx2.get(f"{fake.base_url}/models", headers=headers)
    assert answer.status_code == status
    check(answer.json(), "ErrorResponse")


def test_what_the_document_shows_was_answered_so() -> None:
    shown = 0
    for methods in DOCUMENT["paths"].values():
        for made in methods.values():
            for given in made["responses"].values():
                content = given.get("content", {}).get("application/json", {})
                name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                examples = [one["value"] for one in content.get("examples", {}).values()]
                examples += [content["example"]] if "example" in content else []
                for example in examples if name else ():
                    check(example, name)
                    shown += 1
    assert shown >= len(OPERATIONS) + len(EXAMPLES) // 2
    for status, given in DOCUMENT["components"]["responses"].items():
        example = given["content"]["application/json"]["example"]
        check(example, "ErrorResponse")
        assert status == "200" or example["error"]["message"]
    events = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert events["text/event-stream"]["example"].endswith("data: [DONE]\n\n")


def test_control_is_described_whole_and_its_examples_work(fake: FakeServer) -> None:
    served = {(method.lower(), route.path) for route in ROUTES for method in (route.methods or ())}
    told = {(method, path) for path, made in DOCUMENT["paths"].items() for method in made}
    assert {one for one in served if one[0] != "head"} <= told
    for path, examples in control.EXAMPLES.items():
        for body in examples.values():
            answer = httpx2.post(fake.root + path, json=body)
            assert answer.status_code == 201, answer.text
    httpx2.post(f"{fake.root}/__fake__/reset")
    for path, methods in DOCUMENT["paths"].items():
        for method, made in methods.items():
            if made["tags"] == [control.TAG] and method == "get":
                status = httpx2.get(fake.root + path).status_code
                assert str(status) in made["responses"]


def test_operations_have_one_name_each_and_known_tags() -> None:
    made = [one for methods in DOCUMENT["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in made]
    assert len(set(names)) == len(names)
    assert {tag for one in made for tag in one["tags"]} == set(TAGS)
    assert openapi_document() == DOCUMENT


def test_every_example_of_a_model_name_is_known(fake: FakeServer) -> None:
    known = {one["id"] for one in httpx2.get(f"{fake.base_url}/models").json()["data"]}
    named = {body["model"] for one in OPERATIONS for body in one.examples.values() if "model" in body}
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
