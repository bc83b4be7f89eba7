"""Schemas that OpenAI refuses are refused in its words, wherever the fault stands; others pass."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import validate_chat

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
A = {"type": "string"}
CLOSED = {"type": "object", "properties": {"a": A}, "required": ["a"], "additionalProperties": False}
FALSE = "'additionalProperties' is required to be supplied and to be false."
ALL = "'required' is required to be supplied and to be an array including every key in properties."
OBJECT = "schema must be a JSON Schema of 'type: \"object\"', got 'type: "


def formatted(schema: Any, strict: bool | None = True) -> ErrorReply | None:
    json_schema = {"name": "x", "schema": schema, "strict": strict}
    return validate_chat({**ASK, "response_format": {"type": "json_schema", "json_schema": json_schema}})


def offered(parameters: Any, strict: bool | None = None) -> ErrorReply | None:
    good = {"type": "function", "function": {"name": "good"}}
    tool = {"name": "f", "parameters": parameters, "strict": strict}
    return validate_chat({**ASK, "tools": [good, {"type": "function", "function": tool}]})


def holding(part: Any, name: str = "p") -> dict[str, Any]:
    return {"type": "object", "properties": {name: part}, "required": [name], "additionalProperties": False}


STRICT = [
    ({"type": "array", "items": A}, f'{OBJECT}"array"\'.'),
    ({"anyOf": [CLOSED]}, f'{OBJECT}"None"\'.'),
    ({"type": "object", "properties": {}}, f"In context=(), {FALSE}"),
    ({**CLOSED, "additionalProperties": True}, f"In context=(), {FALSE}"),
    ({**CLOSED, "required": []}, f"In context=(), {ALL} Missing 'a'."),
    (holding({"type": "object"}), f"In context=('properties', 'p'), {FALSE}"),
    (holding({"type": ["object", "null"]}), f"In context=('properties', 'p'), {FALSE}"),
    (
        holding({"type": "array", "items": {"type": "object"}}),
        f"In context=('properties', 'p', 'items'), {FALSE}",
    ),
    (holding({"anyOf": [A, {"type": "object"}]}), f"In context=('properties', 'p', 'anyOf', '1'), {FALSE}"),
    ({**CLOSED, "$defs": {"D": {"type": "object"}}}, f"In context=('$defs', 'D'), {FALSE}"),
    (holding({"oneOf": [A]}), "In context=('properties', 'p'), 'oneOf' is not permitted."),
    (holding({"type": "array"}), "In context=('properties', 'p'), array schema missing items."),
]


@pytest.mark.parametrize(("schema", "problem"), STRICT)
def test_a_strict_schema_that_is_refused(schema: dict[str, Any], problem: str) -> None:
    refusal = formatted(schema)
    assert refusal is not None
    assert refusal.message == f"Invalid schema for response_format 'x': {problem}"
    assert (refusal.status, refusal.param, refusal.code) == (400, "response_format", None)
    assert formatted(schema, strict=False) is formatted(schema, strict=None) is None

    tool = offered(schema, strict=True)
    assert tool is not None
    assert tool.message == f"Invalid schema for function 'f': {problem}"
    assert (tool.param, tool.code) == ("tools[1].function.parameters", "invalid_function_parameters")


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"type": "string"}, f'{OBJECT}"string"\'.'),
        (holding({"type": "array"}), "In context=('properties', 'p'), array schema missing items."),
        (
            holding(holding({"type": ["array", "null"]}), "o"),
            "In context=('properties', 'o', 'properties', 'p'), ",
        ),
    ],
)
def test_parameters_that_no_function_has(parameters: dict[str, Any], problem: str) -> None:
    refusal = offered(parameters)
    assert refusal is not None
    assert refusal.message.startswith(f"Invalid schema for function 'f': {problem}")


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        holding({"$ref": "#/$defs/D"}) | {"$defs": {"D": CLOSED}},
        holding({"anyOf": [CLOSED, {"type": "null"}], "default": None, "description": "'oneOf'"}),
        holding(A, "oneOf"),
        holding({"enum": [{"type": "object"}]}),
        {"type": "object", "additionalProperties": False},
    ],
)
def test_strict_schemas_that_pass(schema: dict[str, Any]) -> None:
    assert formatted(schema) is None
    assert offered(schema, strict=True) is None


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"type": "object", "properties": {"a": {}}}])
def test_parameters_that_pass_without_strict(parameters: Any) -> None:
    assert offered(parameters) is None


def test_a_deep_schema_is_walked_without_recursion() -> None:
    schema: dict[str, Any] = {"type": "array"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    refusal = offered({"type": "object", "properties": {"p": schema}})
    assert refusal is not None
    assert refusal.message.endswith("array schema missing items.")


def test_what_the_sdk_makes_of_a_model_passes_and_what_pydantic_does_not() -> None:
    from openai.lib._pydantic import to_strict_json_schema

    class Inner(BaseModel):
        tags: list[str]
        note: str | None = None

    class Outer(BaseModel):
        inner: Inner
        several: list[Inner]

    assert formatted(to_strict_json_schema(Outer)) is None
    assert formatted(Outer.model_json_schema()) is not None
