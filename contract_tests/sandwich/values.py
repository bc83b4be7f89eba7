"""Values that a parameter may have, ordinary ones and those at which proxies go wrong, made from its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.api.sensible import filler
from fake_server.api.validate.checks import Check

TEXT = "Grüße, 世界 🌳"
"""A text that does not survive a wrong encoding."""
BIG = 2**53 + 1
"""The first whole number that a float of 64 bits does not hold."""
FRACTION = 0.30000000000000004
"""A number that takes all digits of a float of 64 bits, and more than one of 32 has."""


def values_of(check: Check) -> Iterator[tuple[str, Any]]:
    """Values with a word for each: null, false, zero, empty, the bounds, many digits. Some may be invalid."""
    yield from _values(check.schema)


def _values(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "enum" in schema:
        yield "first", schema["enum"][0]
        if len(schema["enum"]) > 1:
            yield "last", schema["enum"][-1]
        return
    for form in schema.get("anyOf", schema.get("oneOf", ())):
        inner = _plain(form)
        if inner.get("type") == "null":
            yield "null", None
        else:
            yield from _values(inner)
    yield from _MAKERS.get(str(schema.get("type")), _nothing)(schema)


def _plain(schema: Any) -> Any:
    """The schema with the schemas of the checks in it."""
    if isinstance(schema, Check):
        return _plain(schema.schema)
    if isinstance(schema, Mapping):
        return {name: _plain(value) for name, value in schema.items() if name != "discriminator"}
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def _nothing(_: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ()


def _booleans(_: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "false", False
    yield "true", True


def _numbers(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    least, most = schema.get("minimum"), schema.get("maximum")
    yield "zero", 0
    if schema["type"] == "number":
        yield "many-digits", FRACTION
    for name, bound in (("least", least), ("most", most)):
        if bound not in (None, 0):
            yield name, bound
    if schema["type"] == "integer":
        yield "big", BIG


def _texts(_: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "empty", ""
    yield "text", TEXT


def _arrays(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "empty", []
    yield "filled", [filler.fill(_plain(schema.get("items", {})), TEXT, 0, 0)]


def _objects(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "empty", {}
    yield "filled", filler.fill(_plain(dict(schema)), TEXT, 0, 0)


_MAKERS = {
    "boolean": _booleans,
    "integer": _numbers,
    "number": _numbers,
    "string": _texts,
    "array": _arrays,
    "object": _objects,
}
