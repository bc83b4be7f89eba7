"""Make the component schemas of an OpenAPI 3.1 document from checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fake_server.api.validate.checks import Check

_ROOT = "#/components/schemas/"
_NULL = {"type": "null"}


def reference(component: str) -> dict[str, str]:
    """A `$ref` to the component of this name."""
    return {"$ref": _ROOT + component}


def components(checks: Iterable[Check]) -> dict[str, Any]:
    """The schemas of named checks, and of all named checks inside them, by component name.

    Raises ValueError for two different components of the same name.
    """
    schemas: dict[str, Any] = {}
    for check in checks:
        _expand(check, schemas)
    return dict(sorted(schemas.items()))


def _expand(node: Any, schemas: dict[str, Any]) -> Any:
    """Replace the checks in a schema by their schemas, or by references to components added to `schemas`."""
    if isinstance(node, Check):
        schema = _expand(node.schema, schemas)
        if not node.component:
            return schema
        component = {"title": node.component, **schema}
        if schemas.setdefault(node.component, component) != component:
            raise ValueError(f"two components are called {node.component}")
        return reference(node.component)
    if isinstance(node, list | tuple):
        return [_expand(item, schemas) for item in node]
    if not isinstance(node, Mapping):
        return node
    expanded = {keyword: _expand(value, schemas) for keyword, value in node.items()}
    if "discriminator" in expanded:
        mapping = expanded["discriminator"]["mapping"]
        expanded["discriminator"]["mapping"] = {name: schema["$ref"] for name, schema in mapping.items()}
    return _join_null(expanded)


def _join_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Move the null of a nullable schema into `type`, or into the other alternatives of `anyOf`."""
    if not isinstance(schema.get("anyOf"), list) or schema["anyOf"][-1] != _NULL or len(schema["anyOf"]) != 2:
        return schema
    other, outer = schema["anyOf"][0], {name: value for name, value in schema.items() if name != "anyOf"}
    if "anyOf" in other:
        return {**other, "anyOf": [*other["anyOf"], _NULL], **outer}
    if not isinstance(other.get("type"), str):
        return schema
    values = {"enum": [*other["enum"], None]} if "enum" in other else {}
    return {**other, **values, "type": [other["type"], "null"], **outer}
