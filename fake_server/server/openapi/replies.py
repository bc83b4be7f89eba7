"""The components of reply bodies, as replies.yaml describes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_server.server.openapi.components import reference
from fake_server.wire.datafile import read_yaml


def reply_components() -> dict[str, Any]:
    """The schemas of all reply bodies by component name."""
    described = read_yaml(Path(__file__).with_suffix(".yaml"))["components"]
    return {name: {"title": name, **_complete(schema)} for name, schema in described.items()}


def _complete(node: Any) -> Any:
    """Write out what the file leaves out: whole references, and the keywords of an object."""
    if isinstance(node, list):
        return [_complete(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return reference(node["$ref"])
    schema = {keyword: _complete(value) for keyword, value in node.items()}
    if "properties" in schema:
        listed = schema["properties"]
        schema["type"], schema["additionalProperties"] = "object", True
        schema["properties"] = {name.removesuffix("?"): listed[name] for name in listed}
        if required := [name for name in listed if not name.endswith("?")]:
            schema["required"] = required
    return schema
