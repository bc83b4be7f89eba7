"""The document beside what the fake validates, and beside OpenAI's published specification."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fake_server.api.reply import ErrorReply
from fake_server.api.validate import (
    chat,
    completions,
    conversations,
    embeddings,
    moderations,
    response_tasks,
    responses,
)
from fake_server.server.app import openapi_document
from fake_server.server.openapi.document import OPERATIONS

PUBLISHED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", "../shared")) / "openapi.json"
SCHEMAS = openapi_document()["components"]["schemas"]
Validates = Callable[[Mapping[str, Any]], ErrorReply | None]
Table = Mapping[str, Any]
REQUESTS: dict[str, tuple[Table, Table, Validates, dict[str, Any]]] = {
    "CreateChatCompletionRequest": (
        chat.MEMBERS, chat.REQUIRED, chat.validate_chat,
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    ),
    "CreateResponse": (
        responses.MEMBERS, responses.REQUIRED, responses.validate_response, {"model": "m", "input": "Hi"},
    ),
    "CreateCompletionRequest": (
        completions.MEMBERS, completions.REQUIRED, completions.validate_completion, {"model": "m"},
    ),
    "CreateEmbeddingRequest": (
        embeddings.MEMBERS, embeddings.REQUIRED, embeddings.validate_embeddings,
        {"model": "m", "input": "Hi"},
    ),
    "TokenCountsBody": (response_tasks.COUNT, {}, response_tasks.validate_count, {}),
    "CompactResponseMethodPublicBody": (
        response_tasks.COMPACT, response_tasks.COMPACT_REQUIRED, response_tasks.validate_compaction,
        {"model": "m", "input": "Hi"},
    ),
    "CreateConversationBody": (conversations.CREATE, {}, conversations.validate_create, {}),
    "UpdateConversationBody": (
        conversations.UPDATE, conversations.UPDATE, conversations.validate_update, {"metadata": {}},
    ),
    "CreateConversationItemsBody": (
        conversations.ADD, conversations.ADD, conversations.validate_add, {"items": []},
    ),
    "CreateModerationRequest": (
        moderations.MEMBERS, moderations.REQUIRED, moderations.validate_moderations, {"input": "Hi"},
    ),
}  # fmt: skip
NEEDS: dict[str, dict[str, Any]] = {
    "top_logprobs": {"logprobs": True},
    "stream_options": {"stream": True},
    "parallel_tool_calls": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "tool_choice": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "function_call": {"functions": [{"name": "f"}]},
}
"""What else a member asks for."""
OF_RESPONSES: dict[str, dict[str, Any]] = {
    "tool_choice": {"tools": [{"type": "function", "name": "f"}]},
    "parallel_tool_calls": {},
    "top_logprobs": {},
}
"""What it asks for instead in a request for a response."""
PROBES: tuple[Any, ...] = (
    None, True, False, -(2**63) - 1, -101, -100, -3, -2, -1, 0, 1, 2, 3, 5, 6, 20, 21, 128, 129, 2**63,
    0.5, 1.5, 2.5, "", "x", "x" * 65, "x" * 2049, "low", "auto", "none",
    "required", "float", "hex", "24h",
    "omni-moderation-latest",
    [], ["x"], ["x"] * 5, ["text"], [1], [-1], [[1]], [[]], [1, "x"], [None], [{}],
    {}, {"x": "y"}, {"x": 1}, {"x": 101}, {"x" * 65: "y"}, {"x": "y" * 513}, {str(n): "y" for n in range(17)},
    {"type": "text"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "x"}},
    {"type": "json_schema", "json_schema": {"name": "x y"}}, {"include_usage": True}, {"include_usage": None},
    {"include_usage": True, "more": 1}, {"type": "function", "function": {"name": "f"}}, {"name": "f"},
    {"type": "f"},
    {"voice": "ash", "format": "wav"}, {"voice": 1, "format": "wav"}, {"type": "content", "content": "x"},
    [{"type": "function", "function": {"name": "f"}}], [{"type": "function", "function": {"name": "f g"}}],
    [{"type": "custom", "custom": {"name": "f"}}], [{"type": "text", "text": "x"}], [{"type": "text"}],
    [{"role": "user", "content": "x"}], [{"role": "user"}], [{"role": "user", "content": []}],
    [{"role": "king"}],
    [{"role": "user", "content": [{"type": "text", "text": "x"}]}], [{"role": "developer", "content": None}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "low"}}]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "fine"}}]}],
    [{"role": "user", "content": "x", "name": None}], [{"role": "assistant", "refusal": "no"}],
    [{"role": "system", "content": [{"type": "refusal", "refusal": "x"}]}],
    [{"role": "assistant", "content": [{"type": "output_text", "text": "x"}]}],
    [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}],
    [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}],
    [{"role": "user", "content": [{"type": "input_image", "image_url": "x", "detail": "low"}]}],
    [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}],
    [{"type": "function_call", "call_id": "c", "name": "f"}], [{"type": "function_call_output", "output": 1}],
    [{"type": "reasoning", "summary": []}], [{"type": "reasoning", "id": "r"}],
    [{"type": "item_reference", "id": "r"}], [{"id": "r"}], [{"type": "no_item"}],
    [{"type": "function", "name": "f"}], [{"type": "function", "name": "f g"}], [{"type": "function"}],
    [{"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}],
    [{"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "ebnf", "definition": "x"}}],
    [{"type": "web_search"}], [{"type": "no_tool"}], [{"type": "mcp"}],
    [{"type": "namespace", "name": "n", "tools": []}], {"type": "function", "name": "f"},
    {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    {"type": "allowed_tools", "mode": "none", "tools": []}, {"id": "x"}, {"include_obfuscation": False},
    {"format": {"type": "text"}}, {"format": {"type": "json_schema", "name": "x"}}, {"format": "text"},
    {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}}, {"verbosity": "low"},
    {"verbosity": 1}, {"effort": "low", "summary": "auto"}, {"effort": "most"}, {"summary": "long"},
    ["reasoning.encrypted_content"], ["reasoning"],
)  # fmt: skip
"""Values that each member is tried with."""


@cache
def validator(name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_members_are_those_that_are_validated(name: str) -> None:
    members, required, _, _ = REQUESTS[name]
    assert set(SCHEMAS[name]["properties"]) == set(members)
    assert set(SCHEMAS[name].get("required", ())) == set(required)
    assert SCHEMAS[name]["additionalProperties"] is False


@pytest.mark.parametrize("name", REQUESTS)
def test_schema_and_validation_say_the_same_of_every_member(name: str) -> None:
    members, _, validates, least = REQUESTS[name]
    needs = NEEDS | (OF_RESPONSES if name in ("CreateResponse", "TokenCountsBody") else {})
    disagreements = [
        f"{member}={str(value)[:60]}: schema {fits}, validation {refusal and refusal.message}"
        for member in members
        for value in PROBES
        for body in [{**least, **needs.get(member, {}), member: value}]
        for fits, refusal in [(validator(name).is_valid(body), validates(body))]
        if fits != (refusal is None)
    ]
    assert not disagreements, "\n".join(disagreements)


@cache
def published() -> dict[str, Any]:
    if not PUBLISHED.exists():
        pytest.skip("OPENAI_CONTRACT_SHARED holds no openapi.json")
    specification: dict[str, Any] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return specification


def test_the_published_specification_has_the_same_operations() -> None:
    for operation in OPERATIONS:
        if operation.name == "health":
            continue
        theirs = published()["paths"][operation.path][operation.method]
        assert theirs["operationId"] == operation.name
        assert set(operation.query) <= {parameter["name"] for parameter in theirs.get("parameters", [])}
        assert [operation.tag] == theirs.get("tags", ["Responses"])
        if operation.event is not None and operation.tag == "Chat":
            assert "text/event-stream" in theirs["responses"]["200"]["content"]


ALIKE: dict[str, str | None] = {
    "ChatCompletion": "CreateChatCompletionResponse",
    "StoredChatCompletion": "CreateChatCompletionResponse",
    "ChatCompletionChunk": "CreateChatCompletionStreamResponse",
    "Completion": "CreateCompletionResponse",
    "Moderation": None,
    "InputAudio": None,
}
"""Components under the names of the SDK's types, and what the specification calls them; None: nothing."""
BEYOND = {
    "reasoning_content", "tool_choice", "seed", "top_p", "temperature", "presence_penalty",
    "frequency_penalty", "tools", "response_format", "input_user", "annotations",
    "tool_call_id", "custom", "name", "store", "billing", "tool_usage",
    "access_programs", "background_options", "client_metadata", "image",
}  # fmt: skip
"""Members of replies that the specification does not have: other servers', or those of its own examples."""
LOOSER = re.compile(
    r"Embedding\.embedding|.*\.data\[\]\.embedding"  # base64
    r"|.*\.category_applied_input_types|.*\.illicit(/violent)?"  # the text models have none
    r"|CreateCompletionRequest\.prompt"  # without one a new document begins
)
"""Places where the specification says less than the API does."""


def resolved(schema: Any, components: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with its references followed and its `allOf` joined."""
    if "$ref" in schema:
        return resolved(components[schema["$ref"].rpartition("/")[2]], components)
    if "allOf" not in schema:
        return dict(schema)
    parts = [resolved(part, components) for part in schema["allOf"]]
    properties = {name: member for part in parts for name, member in part.get("properties", {}).items()}
    required = [name for part in parts for name in part.get("required", ())]
    return {**schema, "type": "object", "properties": properties, "required": required}


def types(schema: Any, components: Mapping[str, Any]) -> set[str]:
    """The JSON types that a schema lets pass, `number` including whole ones."""
    schema = resolved(schema, components)
    kinds = {
        kind
        for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
        for kind in types(alternative, components)
    }
    named = schema.get("type", ())
    kinds |= {named} if isinstance(named, str) else set(named)
    if schema.get("nullable"):
        kinds.add("null")
    if "properties" in schema and not kinds:
        kinds.add("object")
    return kinds | ({"integer"} if "number" in kinds else set())


def pairs(ours: Any, theirs: Any, place: str, depth: int = 0) -> Iterator[str]:
    """What our schema says against theirs, with the place in it."""
    our, their = resolved(ours, SCHEMAS), resolved(theirs, published()["components"]["schemas"])
    extra = types(our, SCHEMAS) - types(their, published()["components"]["schemas"]) - {"null"}
    if extra and types(their, published()["components"]["schemas"]):
        yield f"{place}: {extra} is not among their types"
    if depth > 8 or not their.get("properties"):
        return
    for name in set(their.get("required", ())) & set(our.get("properties", ())) - set(our.get("required", ())):
        yield f"{place}.{name}: they require it"
    for name, member in our.get("properties", {}).items():
        if name in their["properties"]:
            yield from pairs(member, their["properties"][name], f"{place}.{name}", depth + 1)
        elif name not in BEYOND:
            yield f"{place}.{name}: they have no such member"
    if "items" in our and "items" in their:
        yield from pairs(our["items"], their["items"], f"{place}[]", depth + 1)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_no_component_contradicts_the_published_specification(name: str) -> None:
    theirs = published()["components"]["schemas"].get(ALIKE.get(name, name))
    if theirs is None:
        return
    differences = [
        difference
        for difference in pairs(SCHEMAS[name], theirs, name)
        if not LOOSER.fullmatch(difference.partition(":")[0])
    ]
    assert not differences, "\n".join(differences)
