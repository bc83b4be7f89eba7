"""Section responses: the schemas that a Response repeats, of tools and of the format, are schemas still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, kind_of, show
from contract_tests.rules.engine.response_stream import items_of
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.reply import responses
from contract_tests.rules.responses.subjects import responses_given, streams

_KINDS = {
    "type": ("string", "array"),
    **dict.fromkeys(("properties", "$defs", "definitions", "patternProperties"), ("object",)),
    **dict.fromkeys(("required", "enum", "anyOf", "oneOf", "allOf", "prefixItems"), ("array",)),
    **dict.fromkeys(("description", "title", "$ref", "pattern", "format", "$schema"), ("string",)),
    **dict.fromkeys(("items", "additionalProperties"), ("object", "boolean")),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), ("integer",)),
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), ("integer", "number")),
}
"""The type that each word of a schema has, where it is there."""
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


def _schemas(view: View) -> Iterator[Node]:
    """The schemas of the format and of tools: those that were sent, and those that were listed or found."""
    for root in responses_given(view):
        if root["text"]["format"]["schema"].kind == "object":
            yield root["text"]["format"]["schema"]
        yield from _schemas_of_tools((*root["tools"], *items_of(root)))
    for stream in streams(view):
        for item in stream.items:
            yield from _schemas_of_tools(event["item"] for event in (*item.added, *item.done))


def _schemas_of_tools(holders: Iterable[Node]) -> Iterator[Node]:
    """The schemas of tools, and of the tools that an item or a namespace holds."""
    for holder in holders:
        if holder["parameters"].kind == "object":  # the types of the SDK say no more of those further in
            yield holder["parameters"]
        for tool in holder["tools"]:
            yield from (tool[name] for name in ("parameters", "input_schema") if tool[name])


@responses.rule(
    "schemas",
    over=_schemas,
    level=SHOULD,
    see=see.FUNCTIONS,
    harm="a client that makes forms or types of what a tool takes makes none, or asks for the wrong things",
)
def schemas(node: Node) -> Iterable[Complaint]:
    """The schemas of tools and of the format that a Response repeats are schemas: each word in them has its type."""
    if node.kind != "object":
        yield node, str(node), "a JSON Schema: an object"
    elif wrong := _problem(node.value) or (_unclear(node) if node.path[-1] == "input_schema" else ""):
        yield node, wrong, "a JSON Schema"


_WORDS = {"object": "object", "array": "array", "string": "string", "integer": "integer", "boolean": "boolean"}
"""Types of a schema that one JSON type has; a number may be whole."""


def _unclear(schema: Node) -> str:
    """The first property of what an MCP server listed that is no object, as the protocol has them, '' for none.

    Nor is one clear whose values do not have its own type.
    """
    properties = schema.get("properties")
    for name, value in properties.items() if isinstance(properties, dict) else ():
        if type(value) is not dict:
            return f"{show(name, 30)} is {show(value, 40)}"
        kind = _WORDS.get(value["type"]) if isinstance(value.get("type"), str) else None
        bounds = ("minimum", "maximum") if kind == "integer" else ()
        given = [value[name] for name in ("default", *bounds) if value.get(name) is not None]
        for each in (*value.get("enum", ()), *given) if kind else ():
            if kind_of(each) != kind:
                return f"{show(name, 30)} may be {show(each, 40)}, and is of type {kind}"
    return ""


def _problem(schema: Any) -> str:
    """The first word of a schema that has another type than words have, '' for none."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, bool):
            continue
        if not isinstance(value, dict):
            return f"{show(value, 40)} in the place of a schema"
        for name, kinds in _KINDS.items():
            if name in value and kind_of(value[name]) not in kinds:
                return f"{name} is {show(value[name], 40)}"
        for name in ("type", "required"):
            words = value.get(name)
            if isinstance(words, list) and (not _are_texts(words) or len(set(words)) < len(words)):
                return f"{name} is {show(words, 40)}"
        for name in _MAPS:
            waiting += value.get(name, {}).values()
        for name in _LISTS:
            waiting += value.get(name, [])
        waiting += (value[name] for name in _SINGLE if name in value)
    return ""


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
