"""Part `schemas`: for whatever is called a JSON Schema a value is made, and the judge reads both."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.values import LEAVES, TEXTS, VALUES
from contract_tests.rules import judge
from fake_server.api.sensible import filler
from fake_server.wire.exchange import Exchange, Request, Write

_KINDS = ["object", "array", "string", "number", "integer", "boolean", "null"]
_SCHEMA = (
    "items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames",
    "unevaluatedItems", "$defs", "properties", "patternProperties", "dependentSchemas", "anyOf", "oneOf",
    "allOf", "prefixItems",
)  # fmt: skip
_VALUE = (
    "type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties", "minContains", "pattern", "format", "default", "examples", "dependentRequired",
    "$ref", "$id", "$schema", "$anchor", "$dynamicRef", "nullable",
)  # fmt: skip
_PATTERNS = [
    "^a+$",
    "(a+)+$",
    "[",
    r"\d{9,}",
    "^(?=a)b$",
    r"\p{L}",
    "(.*)*x",
    "a{1000}{1000}",
    "^[^a-z]{3}$",
    r"\bx\b",
]
_GIVEN = (
    st.sampled_from(_KINDS)
    | st.lists(st.sampled_from(_KINDS), max_size=3)
    | st.sampled_from(_PATTERNS)
    | st.sampled_from(["#", "#/$defs/a", "#/properties/a", "http://a.invalid/", "date-time", "uuid", "regex", "a"])
    | st.integers(-2, 9)
    | LEAVES
    | VALUES
)
NAMES = st.sampled_from(["a", "b", "city", "", "$ref"]) | TEXTS


def _wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
    whole = st.dictionaries(st.sampled_from(_SCHEMA), inner | several, max_size=3)
    named = st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)})
    keywords = st.dictionaries(st.sampled_from(_VALUE), _GIVEN, max_size=4)
    return st.builds(lambda inner_schema, values: {**inner_schema, **values}, whole | named, keywords)


SCHEMAS = st.recursive(
    st.booleans() | st.dictionaries(st.sampled_from(_VALUE), _GIVEN, max_size=4), _wider, max_leaves=8
)


def check(fake: FakeProcess, schema: Any) -> None:
    text = json.dumps(filler.fill(schema, "How warm is it in Oslo?"))
    strict = {"name": "a", "strict": True, "schema": schema}
    request = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "a"}],
        "response_format": {"type": "json_schema", "json_schema": strict},
        "tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}],
    }
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": text}}
    for message in (
        {"role": "assistant", "content": text},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ):
        reply = {"id": "a", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
        judge(
            Exchange(
                Request("POST", "/v1/chat/completions", (), json.dumps(request).encode()),
                200,
                (("content-type", "application/json"),),
                (Write(json.dumps(reply).encode()),),
            )
        )


PART = Part("schemas", "a value is made for any JSON Schema, and the judge reads both", SCHEMAS, check)
