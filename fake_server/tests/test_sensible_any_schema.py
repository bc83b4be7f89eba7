"""Whatever the schema, the value made for it is valid: checked with jsonschema on generated schemas."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from fake_server.api.sensible import filler

Schema = dict[str, Any]


def valid(value: Any, schema: Any) -> bool:
    return bool(Draft202012Validator(schema, format_checker=FormatChecker()).is_valid(value))


def ranged(low: str, high: str, lowest: int, widest: int) -> st.SearchStrategy[Schema]:
    """Two bounds in order, each of them sometimes absent."""

    def built(first: int | None, width: int | None) -> Schema:
        bounds = {} if first is None else {low: first}
        return bounds if width is None else {**bounds, high: (first or 0) + width}

    return st.builds(built, st.none() | st.integers(lowest, 40), st.none() | st.integers(0, widest))


PATTERNS = [
    r"^\d{3}-\d{4}$",
    r"^[A-Z]{2,4}$",
    r"^(foo|bar)-[a-f0-9]{8}$",
    r"\w+@\w+\.com",
    r"^#[0-9a-fA-F]{6}$",
]
FORMATS = ["date", "email", "uuid", "ipv4", "ipv6", "regex"]
PLAIN = st.one_of(
    ranged("minimum", "maximum", -50, 60).map(lambda bounds: {"type": "integer", **bounds}),
    ranged("minimum", "exclusiveMaximum", -50, 60).map(
        lambda bounds: {
            "type": "number",
            **bounds,
            "exclusiveMaximum": bounds.get("exclusiveMaximum", 99) + 1,
        }
    ),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": -7}),
    ranged("minLength", "maxLength", 0, 60).map(lambda bounds: {"type": "string", **bounds}),
    st.sampled_from(PATTERNS).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.sampled_from(FORMATS).map(lambda form: {"type": "string", "format": form}),
    st.lists(st.integers() | st.text(max_size=5) | st.booleans() | st.none(), min_size=1, max_size=4).map(
        lambda members: {"enum": members}
    ),
    st.sampled_from(
        [
            {},
            {"const": "k"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["string", "null"]},
            {"type": ["null", "integer"]},
        ]
    ),
)
NAMES = st.sampled_from(["city", "name", "count", "tags", "x", "query", "unit"])


def nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    arrays = st.builds(
        lambda items, least, more: {
            "type": "array",
            "items": items,
            "minItems": least,
            **({} if more is None else {"maxItems": least + more}),
        },
        inner,
        st.integers(0, 4),
        st.none() | st.integers(0, 3),
    )
    objects = st.builds(
        lambda members, needed, more: {
            "type": "object",
            "properties": members,
            "required": [name for name in members if name in needed],
            **more,
        },
        st.dictionaries(NAMES, inner, max_size=4),
        st.sets(NAMES),
        st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": {"type": "string"}}]),
    )
    tagged = st.builds(
        lambda schema, other_schema: {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"kind": {"const": "a"}, "v": schema},
                    "required": ["kind", "v"],
                },
                {
                    "type": "object",
                    "properties": {"kind": {"const": "b"}, "w": other_schema},
                    "required": ["kind"],
                },
            ]
        },
        inner,
        inner,
    )
    both = st.builds(
        lambda schema, other_schema: {
            "allOf": [
                {"type": "object", "properties": {"p": schema}, "required": ["p"]},
                {"properties": {"q": other_schema}, "required": ["q"]},
            ]
        },
        inner,
        inner,
    )
    either = st.lists(inner, min_size=1, max_size=3).map(lambda schemas: {"anyOf": schemas})
    return arrays | objects | tagged | both | either


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["weather in Oslo and Paris, 12 times", "name: Bob, count 5, tags [1,2]", '{"city":"Paris","count":"x"}']
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A schema that some value satisfies; every second one keeps its parts behind references."""
    schema = draw(st.recursive(PLAIN, nested, max_leaves=8))
    if draw(st.booleans()):
        return {"$defs": {"one": schema}, "type": "object", "properties": {"x": {"$ref": "#/$defs/one"}}}
    return schema


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(schemas(), TEXTS, st.integers(0, 3))
def test_a_value_is_valid_for_its_schema(schema: Schema, text: str, salt: int) -> None:
    value = filler.fill(schema, text, 1, salt)
    assert valid(value, schema), value
    assert json.loads(json.dumps(value)) == value
    assert filler.fill(schema, text, 1, salt) == value
