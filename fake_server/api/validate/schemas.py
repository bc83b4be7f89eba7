"""Check JSON Schemas of functions and response formats, and what strict mode demands of them.

Wording, params and codes follow errors that users report: `additionalProperties` must be false
(https://github.com/dottxt-ai/outlines/issues/844), `required` must name all
(https://github.com/kevinwatt/mysql-mcp/issues/5), arrays (https://github.com/modelscope/ms-agent/pull/610).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.api.validate.checks import Invalid, echo
from fake_server.wire.budget import spend

Context = tuple[str, ...]
_SINGLE = ("items", "additionalProperties", "not")
_BY_NAME = ("properties", "$defs", "definitions")
_SEVERAL = ("anyOf", "allOf", "oneOf", "prefixItems")
_FORBIDDEN = ("oneOf", "allOf")
"""Keywords that strict mode forbids at any depth."""


def check_schemas(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a schema that a function, or else a strict response format, does not accept."""
    for index, tool in enumerate(request.get("tools") or ()):
        function = tool.get("function") or {}
        parameters = function.get("parameters")
        problem = find_problem(parameters, strict=bool(function.get("strict"))) if parameters else None
        if problem:
            message = f"Invalid schema for function '{function['name']}': {problem}"
            raise Invalid(message, f"tools[{index}].function.parameters", "invalid_function_parameters")
    form = request.get("response_format") or {}
    description = form.get("json_schema") if form.get("type") == "json_schema" else None
    if description and description.get("strict") and description.get("schema") is not None:
        problem = find_problem(description["schema"], strict=True)
        if problem:
            raise Invalid(f"Invalid schema for response_format '{description['name']}': {problem}", "response_format")


def find_problem(schema: Mapping[str, Any], *, strict: bool) -> str | None:
    """What is wrong with a schema of an object, and where in it; None if nothing is."""
    kind = schema.get("type")
    if kind != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{echo(kind)}\"'."
    for context, part in _walk(schema):
        problem = _find_part_problem(part, strict)
        if problem:
            place = ", ".join(repr(echo(step)) for step in context) + ("," if len(context) == 1 else "")
            return f"In context=({place}), {problem}"
    return None


def _walk(schema: Mapping[str, Any]) -> Iterator[tuple[Context, Mapping[str, Any]]]:
    """Yield every schema inside a schema with its path, outer ones first."""
    waiting: list[tuple[Context, Any]] = [((), schema)]
    while waiting:
        context, part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        spend(2, "its schemas")
        yield context, part
        inner: list[tuple[Context, Any]] = [((name,), part[name]) for name in _SINGLE if name in part]
        for holder in _BY_NAME:
            if isinstance(part.get(holder), Mapping):
                inner += [((holder, name), inner_schema) for name, inner_schema in part[holder].items()]
        for holder in _SEVERAL:
            if isinstance(part.get(holder), list):
                inner += [((holder, str(index)), inner_schema) for index, inner_schema in enumerate(part[holder])]
        waiting += [((*context, *where), inner_schema) for where, inner_schema in reversed(inner)]


def _find_part_problem(part: Mapping[str, Any], strict: bool) -> str | None:
    kind = part.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds and "items" not in part and "prefixItems" not in part:
        return "array schema missing items."
    return _find_strict_problem(part, kinds) if strict else None


def _find_strict_problem(part: Mapping[str, Any], kinds: list[Any]) -> str | None:
    for name in _FORBIDDEN:
        if name in part:
            return f"'{name}' is not permitted."
    if "object" not in kinds:
        return None
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    named, required = part.get("properties"), part.get("required")
    listed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    missing = [name for name in named if name not in listed] if isinstance(named, Mapping) else []
    if not missing:
        return None
    demand = "'required' is required to be supplied and to be an array including every key in properties."
    return f"{demand} Missing '{echo(missing[0])}'."
