"""Validate a value against a JSON Schema, and resolve references.

Used instead of a library because schemas come from clients: every walk has a budget of steps, and patterns
are matched in linear time. A reference that cannot be resolved allows anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fake_server.api.sensible import schemas
from fake_server.wire import patterns
from fake_server.wire.budget import spend

MAX_HOPS = 20


@dataclass
class SchemaRoot:
    """The whole schema, to resolve `$ref` in, and how many steps may still be taken."""

    schema: Any
    steps: int

    def spend(self, steps: int = 1) -> bool:
        """Take steps; returns False once they are used up. Raises TooMuch, as they are spent for the request too."""
        self.steps -= steps
        spend(10 * steps, "values for its schemas")
        return self.steps >= 0

    def resolve(self, schema: Any) -> Any:
        """The schema with its `$ref`s resolved and merged in; {} for one that is missing or circular."""
        current: Any = schema
        for _ in range(MAX_HOPS):
            if not isinstance(current, Mapping) or not isinstance(current.get("$ref"), str):
                return current
            rest = {key: value for key, value in current.items() if key != "$ref"}
            current = schemas.merge(self._follow(current["$ref"]), rest)
        return {}

    def _follow(self, reference: str) -> Any:
        value: Any = self.schema
        spend(1 + len(reference) // 100, "the references of its schemas")
        if not reference.startswith("#"):
            return {}
        for step in unquote(reference[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, Mapping) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            else:
                return {}
        return value

    def fits(self, value: Any, schema: Any, hops: int = 0) -> bool:
        """Whether the value is valid; True when the budget is used up, for then nobody can say."""
        if not isinstance(schema, Mapping):
            return schema is not False
        if not self.spend() or hops > 100:
            return True
        target = self._follow(schema["$ref"]) if isinstance(schema.get("$ref"), str) else True
        return (
            self.fits(value, target, hops + 1)
            and self._fits_kind(value, schema)
            and self._fits_combinations(value, schema, hops + 1)
            and (not isinstance(value, str) or _fits_text(value, schema))
            and (not _is_number(value) or _fits_number(value, schema))
            and (not isinstance(value, list) or self._fits_array(value, schema, hops + 1))
            and (not isinstance(value, dict) or self._fits_object(value, schema, hops + 1))
        )

    def _fits_kind(self, value: Any, schema: Mapping[str, Any]) -> bool:
        named = schema.get("type")
        kinds = [named] if isinstance(named, str) else schemas.get_texts(schema, "type")
        if kinds and not any(is_type(value, kind) for kind in kinds):
            return False
        if "const" in schema and schemas.canonical_text(schema["const"]) != schemas.canonical_text(value):
            return False
        members = schema.get("enum")
        if not isinstance(members, list):
            return True
        self.spend(len(members) // 4)
        return schemas.canonical_text(value) in map(schemas.canonical_text, members)

    def _fits_combinations(self, value: Any, schema: Mapping[str, Any], hops: int) -> bool:
        def count(key: str) -> int:
            return sum(self.fits(value, part, hops) for part in schemas.get_list(schema, key))

        if count("allOf") < len(schemas.get_list(schema, "allOf")):
            return False
        if schemas.get_list(schema, "anyOf") and not count("anyOf"):
            return False
        if schemas.get_list(schema, "oneOf") and count("oneOf") != 1:
            return False
        if "not" in schema and self.fits(value, schema["not"], hops):
            return False
        if "if" in schema:
            branch = "then" if self.fits(value, schema["if"], hops) else "else"
            return self.fits(value, schema.get(branch, True), hops)
        return True

    def _fits_array(self, value: list[Any], schema: Mapping[str, Any], hops: int) -> bool:
        if not _fits_size(value, schema, "minItems", "maxItems"):
            return False
        if schema.get("uniqueItems") is True and len(set(map(schemas.canonical_text, value))) < len(value):
            return False
        first, rest = schemas.item_schemas(schema)
        if not all(self.fits(item, place, hops) for item, place in zip(value, first, strict=False)):
            return False
        if not all(self.fits(item, rest, hops) for item in value[len(first) :]):
            return False
        if "contains" in schema:
            least, most = schemas.get_size(schema, "minContains"), schemas.get_size(schema, "maxContains")
            hits = sum(self.fits(item, schema["contains"], hops) for item in value)
            return hits >= (1 if least is None else least) and (most is None or hits <= most)
        return True

    def _fits_object(self, value: dict[str, Any], schema: Mapping[str, Any], hops: int) -> bool:
        if not _fits_size(value, schema, "minProperties", "maxProperties"):
            return False
        required = schemas.get_texts(schema, "required")
        self.spend(len(required) // 20)
        if not value.keys() >= {*required}:
            return False
        depends = schemas.get_mapping(schema, "dependentRequired")
        self.spend(len(depends) // 20)
        if any(name in value and not value.keys() >= {*schemas.get_texts(depends, name)} for name in depends):
            return False
        for name, extra in schemas.get_mapping(schema, "dependentSchemas").items():
            if name in value and not self.fits(value, extra, hops):
                return False
        names = schema.get("propertyNames", True)
        return all(
            self.fits(name, names, hops)
            and all(self.fits(member, part, hops) for part in schemas.member_schemas(schema, name))
            for name, member in value.items()
        )


def is_type(value: Any, kind: str) -> bool:
    """Whether a JSON value has a type, as JSON Schema names it."""
    if kind == "integer":
        return _is_number(value) and (isinstance(value, int) or value.is_integer())
    if kind == "number":
        return _is_number(value)
    known = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    return kind not in known or isinstance(value, known[kind])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits_size(value: Sized, schema: Mapping[str, Any], least: str, most: str) -> bool:
    """Whether the value's size is within the bounds that these two keywords set."""
    lowest, highest = schemas.get_size(schema, least) or 0, schemas.get_size(schema, most)
    return lowest <= len(value) and (highest is None or len(value) <= highest)


def _fits_text(value: str, schema: Mapping[str, Any]) -> bool:
    if not _fits_size(value, schema, "minLength", "maxLength"):
        return False
    form = schema.get("pattern")
    return not isinstance(form, str) or bool(patterns.find_problem(form)) or patterns.search(form, value)


def _fits_number(value: float, schema: Mapping[str, Any]) -> bool:
    least, most = schemas.get_number(schema, "minimum"), schemas.get_number(schema, "maximum")
    above, below = schemas.get_number(schema, "exclusiveMinimum"), schemas.get_number(schema, "exclusiveMaximum")
    step = schemas.get_number(schema, "multipleOf")
    if least is not None and (value < least or (schema.get("exclusiveMinimum") is True and value == least)):
        return False
    if most is not None and (value > most or (schema.get("exclusiveMaximum") is True and value == most)):
        return False
    if (above is not None and value <= above) or (below is not None and value >= below):
        return False
    if step is None or step <= 0:
        return True
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    return (value / step).is_integer()
