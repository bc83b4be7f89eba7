"""Read JSON Schema keywords leniently, and merge two schemas into one.

A keyword of the wrong type counts as absent; unknown keywords are ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from fake_server.wire import patterns
from fake_server.wire.budget import spend

LARGEST = 10**300
DEFERRED = ("$ref", "anyOf", "oneOf", "if")
_LOWEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_HIGHEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")


def get_number(schema: Mapping[str, Any], key: str) -> float | int | None:
    """A finite number under `key`, else None."""
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -LARGEST < value < LARGEST else None


def get_size(schema: Mapping[str, Any], key: str) -> int | None:
    """A length or count under `key`, else None."""
    value = get_number(schema, key)
    return None if value is None or value < 0 else int(value)


def get_mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under `key`, else {}."""
    value = schema.get(key)
    return value if isinstance(value, Mapping) else {}


def get_list(schema: Mapping[str, Any], key: str) -> list[Any]:
    """The list under `key`, else []."""
    value = schema.get(key)
    return value if isinstance(value, list) else []


def get_texts(schema: Mapping[str, Any], key: str) -> list[str]:
    """The texts in the list under `key`."""
    return [item for item in get_list(schema, key) if isinstance(item, str)]


def get_types(schema: Mapping[str, Any]) -> list[str]:
    """The allowed types, [] for any; guessed from other keywords if `type` is absent."""
    named = schema.get("type")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list):
        return get_texts(schema, "type")
    for kind, keys in _TELLING.items():
        if any(key in schema for key in keys):
            return [kind]
    return []


_TELLING = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "patternProperties"),
    "array": ("items", "prefixItems", "minItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def canonical_text(value: object) -> str:
    """A text that is equal for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, str):
        return json.dumps(value)
    text = json.dumps(_normalize(value), sort_keys=True, ensure_ascii=True)
    spend(5 + len(text) // 20, "comparing values of its schemas")
    return text


def _normalize(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _normalize(member) for key, member in value.items()}
    return [_normalize(item) for item in value] if isinstance(value, list) else value


def merge(first: Any, second: Any) -> Any:
    """Merge two schemas into one that allows what both allow, as closely as keywords can express it."""
    if first is False or second is False:
        return False
    if not isinstance(first, Mapping) or not first:
        return second if isinstance(second, Mapping) else {}
    if not isinstance(second, Mapping):
        return first
    merged: dict[str, Any] = dict(first)
    spend(5 + len(merged) + len(second), "merging its schemas")
    for key, value in second.items():
        if key not in merged or merged[key] == value:
            merged[key] = value
        elif key in DEFERRED:
            later = {key: value} if key != "if" else {k: second[k] for k in ("if", "then", "else") if k in second}
            merged["allOf"] = [*get_list(merged, "allOf"), later]
        else:
            merged[key] = _merge_keyword(key, merged[key], value)
    return merged


def _merge_keyword(key: str, first: Any, second: Any) -> Any:
    if key in ("properties", "patternProperties", "$defs", "definitions", "dependentRequired"):
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            spend(len(first) + len(second), "merging its schemas")
            both = {name: merge(first[name], second[name]) for name in first if name in second}
            return {**first, **second, **both}
    elif key in ("required", "allOf") and isinstance(first, list) and isinstance(second, list):
        present = _texts_of(first)
        return first + [item for item in second if canonical_text(item) not in present]
    elif key == "enum" and isinstance(first, list) and isinstance(second, list):
        allowed = _texts_of(second)
        return [item for item in first if canonical_text(item) in allowed]
    elif key == "type":
        return _common_types(first, second)
    elif key in ("items", "contains", "propertyNames", "additionalProperties"):
        return merge(first, second)
    elif key in (*_LOWEST, *_HIGHEST) and isinstance(first, int | float) and isinstance(second, int | float):
        return min(first, second) if key in _LOWEST else max(first, second)
    elif key == "multipleOf" and isinstance(first, int) and isinstance(second, int) and first and second:
        return math.lcm(first, second)
    elif key == "uniqueItems":
        return bool(first or second)
    return first


def _texts_of(items: list[Any]) -> set[str]:
    spend(10 * len(items), "merging its schemas")
    return set(map(canonical_text, items))


def _common_types(first: Any, second: Any) -> Any:
    first_types, second_types = (get_types({"type": named}) for named in (first, second))
    if not first_types or not second_types:
        return first_types or second_types
    common = [kind for kind in first_types if kind in second_types]
    if not common and {"integer", "number"} <= {*first_types, *second_types}:
        common = ["integer"]
    return common or first


def item_schemas(schema: Mapping[str, Any]) -> tuple[list[Any], Any]:
    """(the schemas of the first items, the schema of the rest), in either draft's form."""
    if isinstance(schema.get("items"), list):
        return schema["items"], schema.get("additionalItems", True)
    return get_list(schema, "prefixItems"), schema.get("items", True)


def member_schemas(schema: Mapping[str, Any], name: str) -> Iterable[Any]:
    """All schemas that the member `name` of an object must satisfy."""
    known, patterned = get_mapping(schema, "properties"), get_mapping(schema, "patternProperties")
    spend(5 * len(patterned), "the patternProperties of its schemas")
    schemas = [known[name]] if name in known else []
    schemas += [pattern_schema for form, pattern_schema in patterned.items() if patterns.search(form, name)]
    return schemas or [schema.get("additionalProperties", True)]
