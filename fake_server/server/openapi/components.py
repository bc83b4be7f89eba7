"""JSON Schemas for OpenAPI 3.1, made from the checks that requests are validated by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fake_server.api.validate.checks import Check

_ROOT = "#/components/schemas/"
_NULL = {"type": "null"}


def reference(check: Check) -> dict[str, str]:
    """The reference to the component of a named check."""
    return {"$ref": _ROOT + check.component}


def components(checks: Iterable[Check]) -> dict[str, Any]:
    """The schemas of named checks and of all named checks inside them, by component name.

    Raises ValueError for two components of one name.
    """
    found: dict[str, Any] = {}
    for check in checks:
        _expand(check, found)
    return dict(sorted(found.items()))


def _expand(node: Any, found: dict[str, Any]) -> Any:
    """The schema with the checks in it replaced by schemas, or by references to components in `found`."""
    if isinstance(node, Check):
        schema = _expand(node.schema, found)
        if not node.component:
            return schema
        component = {"title": node.component, **schema}
        if found.setdefault(node.component, component) != component:
            raise ValueError(f"two components are called {node.component}")
        return reference(node)
    if isinstance(node, list | tuple):
        return [_expand(item, found) for item in node]
    if not isinstance(node, Mapping):
        return node
    expanded = {keyword: _expand(value, found) for keyword, value in node.items()}
    if "discriminator" in expanded:
        mapping = expanded["discriminator"]["mapping"]
        expanded["discriminator"]["mapping"] = {name: schema["$ref"] for name, schema in mapping.items()}
    return _join_null(expanded)


def _join_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Null stands in `type` beside a single type, and in the list of a choice of several."""
    if not isinstance(schema.get("anyOf"), list) or schema["anyOf"][-1] != _NULL or len(schema["anyOf"]) != 2:
        return schema
    other, outer = schema["anyOf"][0], {name: value for name, value in schema.items() if name != "anyOf"}
    if "anyOf" in other:
        return {**other, "anyOf": [*other["anyOf"], _NULL], **outer}
    if not isinstance(other.get("type"), str):
        return schema
    values = {"enum": [*other["enum"], None]} if "enum" in other else {}
    return {**other, **values, "type": [other["type"], "null"], **outer}
