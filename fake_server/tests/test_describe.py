"""The OpenAPI document: real operations, examples that are answered, replies that are as described."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

from fake_server import FakeServer
from fake_server.describe.document import OPERATIONS, document
from fake_server.describe.page import ASSETS

PUBLISHED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", "../shared")) / "openapi.json"
DOCUMENT = document()


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer([], seed=1) as server:
        yield server


def check(value: Any, name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_every_operation_is_served_and_its_example_answered(fake: FakeServer) -> None:
    stored = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "store": True}
    made = httpx2.post(f"{fake.base_url}/chat/completions", json=stored).json()
    for one in sorted(OPERATIONS, key=lambda one: one.method == "delete"):
        path = one.path.format(completion_id=made["id"], model="gpt-4o")
        answer = httpx2.request(one.method.upper(), fake.base_url + path, json=one.example)
        assert answer.status_code == 200, one.name
        assert one.reply is not None
        check(answer.json(), one.reply.__name__)


def test_events_and_errors_are_as_described(fake: FakeServer) -> None:
    for one in OPERATIONS:
        if one.event is None or one.example is None:
            continue
        streamed = httpx2.post(fake.base_url + one.path, json={**one.example, "stream": True}).text
        events = [line.removeprefix("data: ") for line in streamed.splitlines() if line.startswith("data: {")]
        assert len(events) > 2
        for event in events:
            check(json.loads(event), one.event.__name__)
    check(httpx2.post(f"{fake.base_url}/chat/completions", json={}).json(), "ErrorResponse")


@pytest.mark.skipif(not PUBLISHED.exists(), reason="OPENAI_CONTRACT_SHARED holds no openapi.json")
def test_the_published_specification_has_the_same_operations() -> None:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    for one in OPERATIONS:
        theirs = published["paths"][one.path][one.method]
        assert theirs["operationId"] == one.name
        names = {parameter["name"] for parameter in theirs.get("parameters", [])}
        assert set(one.query) <= names


def test_every_example_of_a_model_name_is_known(fake: FakeServer) -> None:
    known = {one["id"] for one in httpx2.get(f"{fake.base_url}/models").json()["data"]}
    named = {one.example["model"] for one in OPERATIONS if one.example and "model" in one.example}
    assert named <= known


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
