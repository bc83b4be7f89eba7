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
from contract_tests.rules.responses.subjects import responses_given

_KINDS = {
    "type": ("string", "array"),
    **dict.fromkeys(("properties", "$defs", "definitions", "patternProperties"), ("object",)),
    **dict.fromkeys(("required", "enum", "anyOf", "oneOf", "allOf", "prefixItems"), ("array",)),
    **dict.fromkeys(("description", "title", "$ref", "pattern", "format", "$schema"), ("string",)),
    **dict.fromkeys(("items", "additionalProperties"), ("object", "boolean")),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), ("integer",)),
}
"""The type that each word of a schema has, where it is there."""
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


def _schemas(view: View) -> Iterator[Node]:
    """The schemas of the format and of tools: those that were sent, and those that were listed or found."""
    for root in responses_given(view):
        yield root["text"]["format"]["schema"]
        holders = [*root["tools"], *items_of(root)]
        for holder in holders:
            for tool in (holder, *holder["tools"]):
                yield from (tool[name] for name in ("parameters", "input_schema") if tool[name])


@responses.rule(
    "schemas",
    over=lambda view: (node for node in _schemas(view) if node.kind == "object"),
    level=SHOULD,
    see=see.FUNCTIONS,
    harm="a client that makes forms or types of what a tool takes makes none, or asks for the wrong things",
)
def schemas(node: Node) -> Iterable[Complaint]:
    """The schemas of tools and of the format that a Response repeats are schemas: each word in them has its type."""
    if wrong := _problem(node.value) or (_unclear(node) if node.path[-1] == "input_schema" else ""):
        yield node, wrong, "a JSON Schema"


def _unclear(schema: Node) -> str:
    """The first property of what an MCP server listed that is no object, as the protocol has them, '' for none."""
    properties = schema.get("properties")
    given = properties.items() if isinstance(properties, dict) else ()
    return next((f"{show(name, 30)} is {show(value, 40)}" for name, value in given if type(value) is not dict), "")


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
