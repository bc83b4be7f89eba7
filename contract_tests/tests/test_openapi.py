"""The rules beside the published spec: what the spec calls a wrong type, the rules flag too.

The spec is a cross-check, not the truth: its `nullable` means nothing in OpenAPI 3.1 and is rewritten,
and what genuine recordings show against it is listed here with its reason.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT, SHARED, needs_spec
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange
from fake_server.wire.jsontext import Path as JsonPath

# A compressed body is JSON only after decoding, and the content of a file is none; other fixtures have the same form.
# What is genuine and not in the spec is in a folder below.
CONFORMING = [
    one
    for one in sorted((ROOT / "fixtures" / "conforming").glob("*.yaml"))
    if one.stem not in ("gzip-dict", "file-content", "response-deleted")  # the spec has no schema for the last
]
DICT, CHUNK, LIST, MODEL, ERROR = (
    "CreateChatCompletionResponse",
    "CreateChatCompletionStreamResponse",
    "ListModelsResponse",
    "Model",
    "ErrorResponse",
)
SCHEMA_OF = {
    "chat.completion": DICT,
    "chat.completion.chunk": CHUNK,
    "list": LIST,
    "model": MODEL,
    "text_completion": "CreateCompletionResponse",
    "embedding": "CreateEmbeddingResponse",
    "chat.completion.deleted": "ChatCompletionDeleted",
    "stored": "ChatCompletionList",
    "message": "ChatCompletionMessageList",
    "items": "ConversationItemList",
    "response": "Response",
    "response.compaction": "CompactResource",
    "response.input_tokens": "TokenCountsResource",
    "conversation": "ConversationResource",
    "conversation.deleted": "DeletedConversationResource",
}
ITEM = "ConversationItem"
RECORDED_AGAINST_THE_SPEC = (
    "None is not one of ['stop', 'length', 'content_filter']",  # finish_reason of a streamed text completion
    "None is not of type 'string'",  # the same place
    "None is not of type 'object'",  # logprobs of a text completion, which is null where none were asked for
    "'completion_tokens' is a required property",  # of a text completion without text
    "is not one of ['assistant']",  # who said a message that a stored completion answered
    "'refusal' is a required property",  # the same
    "'category_applied_input_types' is a required property",  # of the models for texts alone
    "'illicit' is a required property",  # the same
    "'illicit/violent' is a required property",
    "'cache_write_tokens' is a required property",  # of the usage of a Response: few recordings have it
    "{'type': 'web_search'} is not valid under any of the given schemas",  # tool_choice of a Response, as it was sent
    "is not of type 'array'",  # an embedding in Base64, as the SDKs ask for it
)
OTHERS: tuple[Any, ...] = ("text", 7, 1.5, True, [], {})


@cache
def schemas() -> dict[str, Any]:
    text = (SHARED / "openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = _nullable(json.loads(text))
    return document


def _nullable(node: Any) -> Any:
    """`nullable: true` said as OpenAPI 3.1 says it."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable(value) for name, value in node.items()}
    if made.pop("nullable", None) is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


@cache
def validator(name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": schemas()["components"]}
    return jsonschema.Draft202012Validator(schema)


def documents(exchange: Exchange) -> list[Any]:
    """The JSON objects of a reply: its body, or its events' data."""
    body = exchange.payload
    if body.startswith(b"{"):
        return [json.loads(body)]
    texts = [line.removeprefix("data: ") for line in body.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(text) for text in texts if text != "[DONE]"]


@cache
def schemas_of_events() -> dict[str, str]:
    """The schema of each event of a Response, by its type."""
    known = schemas()["components"]["schemas"]
    names = [one["$ref"].rpartition("/")[2] for one in known["ResponseStreamEvent"]["anyOf"]]
    return {known[name]["properties"]["type"]["enum"][0]: name for name in names}


def schema_of_event(kind: str) -> str:
    return schemas_of_events()[kind]


def schema_of(document: Any) -> str:
    if document.get("error") and "id" not in document:
        return ERROR
    if "results" in document:
        return "CreateModerationResponse"
    if "object" not in document:
        return schema_of_event(document["type"]) if "sequence_number" in document else ITEM
    if document["object"] == "list" and "type" in document["data"][0]:
        return SCHEMA_OF["items"]
    listed = document["data"][0].get("object", "message") if document["object"] == "list" else ""
    inside = {"embedding": "embedding", "message": "message", "chat.completion": "stored"}
    return SCHEMA_OF[inside.get(listed, document["object"])]


@needs_spec
@pytest.mark.parametrize("path", CONFORMING, ids=lambda path: path.stem)
def test_conforming_fixtures_are_valid_by_the_spec(path: Path) -> None:
    for document in documents(fixture.load(path).exchange):
        errors = [error.message for error in validator(schema_of(document)).iter_errors(document)]
        assert [one for one in errors if not one.endswith(RECORDED_AGAINST_THE_SPEC)] == []


def complaints(document: Any, schema: str) -> set[str]:
    return {error.message for error in validator(schema).iter_errors(document)}


def members(value: Any, path: JsonPath = ()) -> Iterator[JsonPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*path, name)
        yield from members(inner, (*path, name))


def changed(document: Any, path: JsonPath, value: Any) -> Any:
    made = copy.deepcopy(document)
    inner = made
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return made


@needs_spec
@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in CONFORMING if path.stem != "response-compacted"], ids=lambda path: path.stem
)  # the SDK's type of a compaction contradicts all genuine ones, so no rule of types is made from it
def test_what_the_spec_calls_a_wrong_type_is_flagged(path: Path) -> None:
    exchange = fixture.load(path).exchange
    found = documents(exchange)
    missed = []
    for place in {"[]".join(str(s) for s in p if isinstance(s, str)): p for p in members(found[0])}.values():
        for other in OTHERS:
            wrong = changed(found[0], place, other)
            if not complaints(wrong, schema_of(found[0])) - complaints(found[0], schema_of(found[0])):
                continue
            if place[0] == "tools" and place[-1] == "type" and other == "text":
                continue  # tools of types that are newer than the SDK are the caller's, or the server's
            judgement = judge(with_first(exchange, wrong))
            if not judgement.ids(Level.MUST, Level.SHOULD):
                missed.append((place, other))
    assert missed == []


def with_first(exchange: Exchange, document: Any) -> Exchange:
    """The exchange with another first JSON object."""
    text = json.dumps(document).encode()
    if exchange.payload.startswith(b"{"):
        return exchange.with_payload(text)
    _, _, rest = exchange.payload.partition(b"\n\n")
    return exchange.with_payload(b"data: " + text + b"\n\n" + rest)
