"""The component schemas of the OpenAPI 3.1 document.

Those of request bodies are made from the tables by which the fake validates them; checks across members are not
documented, because JSON Schema expresses them badly. Those of reply bodies are described in replies.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fake_server.api.validate import (
    chat,
    completions,
    conversations,
    embeddings,
    moderations,
    response_tasks,
    responses,
)
from fake_server.api.validate.checks import Check
from fake_server.api.validate.containers import members
from fake_server.wire.datafile import read_yaml

_ROOT = "#/components/schemas/"
_NULL = {"type": "null"}

REQUESTS = tuple(
    members(required, {name: known[name] for name in known if name not in required}, closed=True).named(
        component, description
    )
    for component, description, required, known in (
        ("CreateChatCompletionRequest", "A conversation to answer.", chat.REQUIRED, chat.MEMBERS),
        ("UpdateChatCompletionRequest", "New metadata for a stored completion.", chat.UPDATE, chat.UPDATE),
        ("CreateCompletionRequest", "A text to continue.", completions.REQUIRED, completions.MEMBERS),
        ("TokenCountsBody", "An input whose tokens to count.", {}, response_tasks.COUNT),
        (
            "CompactResponseMethodPublicBody",
            "An input to compact.",
            response_tasks.COMPACT_REQUIRED,
            response_tasks.COMPACT,
        ),
        ("CreateConversationBody", "A conversation to begin.", {}, conversations.CREATE),
        ("UpdateConversationBody", "New metadata for a conversation.", conversations.UPDATE, conversations.UPDATE),
        ("CreateConversationItemsBody", "Items to add to a conversation.", conversations.ADD, conversations.ADD),
        ("CreateResponse", "An input to answer.", responses.REQUIRED, responses.MEMBERS),
        ("CreateEmbeddingRequest", "Texts to turn into vectors.", embeddings.REQUIRED, embeddings.MEMBERS),
        (
            "CreateModerationRequest",
            "Texts or pictures to moderate.",
            moderations.REQUIRED,
            moderations.MEMBERS,
        ),
    )
)


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


def reply_components() -> dict[str, Any]:
    """The schemas of all reply bodies by component name."""
    described = read_yaml(Path(__file__).with_name("replies.yaml"))["components"]
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
