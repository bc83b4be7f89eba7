"""Values for schemas: always valid where a value exists, bounded where none does."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from fake_server.api.sensible import filler, regex_example
from fake_server.api.sensible.fits import SchemaRoot

Schema = dict[str, Any]


def valid(value: Any, schema: Any) -> bool:
    return bool(Draft202012Validator(schema, format_checker=FormatChecker()).is_valid(value))


NODE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    },
    "required": ["value", "children", "next"],
    "additionalProperties": False,
}
TRICKY: dict[str, Schema] = {
    "a tree": {"$defs": {"node": NODE}, "$ref": "#/$defs/node"},
    "unique members": {
        "type": "array",
        "minItems": 3,
        "uniqueItems": True,
        "items": {"enum": ["a", "b", "c"]},
    },
    "unique mails": {"type": "array", "minItems": 50, "uniqueItems": True, "items": {"format": "email"}},
    "unique objects": {
        "type": "array",
        "minItems": 5,
        "uniqueItems": True,
        "items": {"properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    "contains": {"type": "array", "contains": {"const": 5}, "minContains": 2, "items": {"type": "integer"}},
    "a tuple": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
        "minItems": 2,
    },
    "not": {"type": "integer", "not": {"const": 1}},
    "if then": {
        "type": "object",
        "properties": {"c": {"enum": ["US", "NO"]}},
        "required": ["c"],
        "if": {"properties": {"c": {"const": "US"}}},
        "then": {"required": ["zip"], "properties": {"zip": {"type": "string", "pattern": r"^\d{5}$"}}},
    },
    "many members": {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
    "named by pattern": {
        "type": "object",
        "patternProperties": {"^x-[a-z]+$": {"type": "boolean"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "property names": {"type": "object", "propertyNames": {"pattern": "^[a-z]{3}$"}, "minProperties": 2},
    "dependent": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a"],
        "dependentRequired": {"a": ["b"]},
    },
    "two choices": {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in "abcd"},
        "allOf": [
            {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"anyOf": [{"required": ["c"]}, {"required": ["d"]}]},
        ],
    },
    "tenths": {"type": "number", "multipleOf": 0.5, "minimum": 0.7},
    "wide": {
        "type": "object",
        "properties": {f"p{number}": {"type": "string"} for number in range(3000)},
        "required": [f"p{number}" for number in range(3000)],
    },
}


@pytest.mark.parametrize("name", TRICKY)
def test_tricky_schemas(name: str) -> None:
    value = filler.fill(TRICKY[name])
    assert valid(value, TRICKY[name]), value


def deep(depth: int, wrap: Any) -> Schema:
    schema: Schema = {"type": "string"}
    for _ in range(depth):
        schema = wrap(schema)
    return schema


PAIRS = {
    f"d{n}": {"properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}, "required": ["a", "b"]}
    for n in range(60)
}
NEVER = {"type": "integer", "minimum": 5, "maximum": 1}
HOSTILE: dict[str, Any] = {
    "endless": {
        "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"]}},
        "$ref": "#/$defs/n",
    },
    "doubling": {"$defs": PAIRS, "$ref": "#/$defs/d0"},
    "itself": {"$ref": "#"},
    "round": {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "items": {
        "type": "array",
        "minItems": 10**9,
        "items": {"type": "array", "minItems": 10**9, "items": {"minLength": 10**9}},
    },
    "length": {"type": "string", "minLength": 10**12},
    "not enough members": {"type": "array", "minItems": 500, "uniqueItems": True, "items": {"enum": [1, 2]}},
    "evil pattern": {"type": "string", "pattern": "^(a+)+$", "minLength": 30},
    "long pattern": {"type": "string", "pattern": "((((a*)*)*)*)*b{100000}{100000}"},
    "unsatisfiable": {
        "anyOf": [{"properties": {str(n): {"anyOf": [NEVER] * 9} for n in range(9)}, "required": list("012345678")}] * 9
    },
    "deep": deep(400, lambda inner: {"type": "object", "properties": {"x": inner}, "required": ["x"]}),
    "deep allOf": deep(400, lambda inner: {"allOf": [inner, inner]}),
    "wrong types": {
        "type": 5,
        "properties": 7,
        "required": "x",
        "enum": {},
        "pattern": 9,
        "items": 3,
        "anyOf": "x",
        "allOf": [5, None],
    },
    "wrong members": {"type": "object", "properties": {"a": None, "b": 5}, "required": [1, None, "a"]},
    "huge numbers": {"type": "integer", "minimum": 10**400, "multipleOf": 10**400},
    "tiny step": {"type": "number", "minimum": 1e299, "multipleOf": 1e-300},
    "false": False,
    "none": None,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schemas_are_bounded(name: str) -> None:
    start = time.process_time()
    value = filler.fill(HOSTILE[name], "weather in Oslo")
    assert time.process_time() - start < 5
    assert len(json.dumps(value)) < 5_000_000


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        (
            "What is the weather in San Francisco, CA?",
            {"properties": {"location": {}}},
            {"location": "San Francisco, CA"},
        ),
        (
            "weather in Paris in celsius",
            {"properties": {"unit": {"enum": ["kelvin", "celsius"]}}},
            {"unit": "celsius"},
        ),
        (
            "What is 2 + 2?",
            {"properties": {"a": {"type": "integer"}, "b": {"type": "number"}}},
            {"a": 2, "b": 2},
        ),
        ("My name is Kari Nordmann", {"properties": {"name": {"type": "string"}}}, {"name": "Kari Nordmann"}),
        (
            "mail bob@example.org on 2026-03-01",
            {"properties": {"email": {}, "date": {"format": "date"}}},
            {"email": "bob@example.org", "date": "2026-03-01"},
        ),
        ("add 'Grüße' as a note", {"properties": {"text": {"type": "string"}}}, {"text": "Grüße"}),
        (
            "Search for Python tutorials",
            {"properties": {"query": {"type": "string"}}},
            {"query": "Python tutorials"},
        ),
        ('Use {"n": 3, "s": "x"}', {"properties": {"n": {"type": "integer"}, "s": {}}}, {"n": 3, "s": "x"}),
        (
            "where is order_12345?",
            {"properties": {"order_id": {"type": "string"}}},
            {"order_id": "order_12345"},
        ),
        (
            "average of [10, 12]",
            {"properties": {"numbers": {"type": "array", "items": {"type": "integer"}}}},
            {"numbers": [10, 12]},
        ),
    ],
)
def test_values_are_lifted_from_the_text(text: str, schema: Schema, value: Any) -> None:
    schema = {"type": "object", "required": list(schema["properties"]), **schema}
    assert filler.fill(schema, text) == value


def test_depth_of_the_check_is_bounded() -> None:
    root = SchemaRoot({}, 10)
    assert root.fits([1] * 100, {"items": {"type": "string"}, "minItems": 1}) is False
    assert root.steps < 10


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\d{3}-\d{4}$", "123-5678"),
        (r"[A-C]x?(?:yes|no)+\.", "Ayes."),
        (r"^\u00e9\x41[^\d\s]\/$", "éAc/"),
        (r"(?P<a>b)\b", "b"),
        (r"\1", None),
        (r"(", None),
        (r"*", None),
    ],
)
def test_examples_of_patterns(pattern: str, text: str | None) -> None:
    assert regex_example.make_example(pattern) == text
