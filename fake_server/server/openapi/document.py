"""The OpenAPI document: the operations of the API, as operations.yaml describes them, and those of control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_server.server.openapi import control
from fake_server.server.openapi.components import REQUESTS, components, reference, reply_components
from fake_server.server.openapi.examples import Samples
from fake_server.server.state.completions import LIMIT, MOST_LISTED
from fake_server.wire.datafile import read_yaml


@dataclass(frozen=True)
class Operation:
    """An API operation. `name` is its operationId; `request`, `reply` and `event` are names of components.

    `event` describes one event of its stream, `query` names query parameters, `examples` has request bodies
    by title. `newest_first` is the order of a list where the query names none. `description` is Markdown.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    reply: str
    request: str | None = None
    event: str | None = None
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    query: Sequence[str] = ()
    newest_first: bool = False
    description: str = ""


_DATA = read_yaml(Path(__file__).with_name("operations.yaml"))
TAGS: Mapping[str, str] = _DATA["tags"]
OPERATIONS = tuple(Operation(**operation) for operation in _DATA["operations"])
QUERY: Mapping[str, Mapping[str, Any]] = _DATA["query"]
"""Query parameters of the list operations."""
QUERY["limit"]["schema"].update(maximum=MOST_LISTED, default=LIMIT)
FINE_TUNED_MODEL = "ft:gpt-4o-mini:team::Bq7vXe2L"
"""A model that can be deleted."""


def document(samples: Samples) -> dict[str, Any]:
    """Make the whole document, with the samples as example replies."""
    whole = read_yaml(Path(__file__).with_suffix(".yaml"))
    whole["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    paths = whole["paths"] = {}
    for operation in OPERATIONS:
        description = _describe_operation(operation, samples)
        paths.setdefault(f"/v1{operation.path}", {})[operation.method] = description
    for method, path, description in control.paths(samples):
        paths.setdefault(path, {})[method] = description
    schemas = {**components(REQUESTS), **reply_components()}
    whole["components"]["schemas"] = dict(sorted(schemas.items()))
    for status, response in whole["components"]["responses"].items():
        content = {"schema": reference("ErrorResponse"), "example": samples.error_body(int(status))}
        response["content"] = {"application/json": content}
    return whole


def _describe_operation(operation: Operation, samples: Samples) -> dict[str, Any]:
    description: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
    }
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    description["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
        *({"name": name, "in": "query", **_query(name, operation)} for name in operation.query),
        {"$ref": "#/components/parameters/fault"},
    ]
    if operation.request is not None:
        examples = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"schema": reference(operation.request), "examples": examples}
        description["requestBody"] = {"required": True, "content": {"application/json": content}}
    model = FINE_TUNED_MODEL if operation.method == "delete" else "gpt-4o-mini"
    path = f"/v1{operation.path}".format(model=model, **samples.save_what_is_named(operation.path))
    description["responses"] = {
        "200": {"description": "Success.", "content": _describe_reply(operation, path, samples)},
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in _error_statuses(operation)},
    }
    return description


def _query(name: str, operation: Operation) -> Mapping[str, Any]:
    """A query parameter as this operation reads it."""
    described = QUERY[name]
    if name != "order" or not operation.newest_first:
        return described
    return {**described, "schema": {**described["schema"], "default": "desc"}}


def _describe_reply(operation: Operation, path: str, samples: Samples) -> dict[str, Any]:
    """Describe the reply by media type, with the fake's replies to the example requests."""
    whole: dict[str, Any] = {"schema": reference(operation.reply)}
    content = {"application/json": whole}
    if operation.examples:
        whole["examples"] = {
            name: {"value": samples.ask(operation.method, path, body).body}
            for name, body in operation.examples.items()
            if not body.get("stream")
        }
    else:
        whole["example"] = samples.ask(operation.method, path).body
    if operation.event is not None:
        events = samples.stream(operation.method, path, next(iter(operation.examples.values()), None))
        content["text/event-stream"] = {"schema": reference(operation.event), "example": events}
    return content


def _error_statuses(operation: Operation) -> list[int]:
    statuses = {400, 401, 429, 500}
    if operation.request is not None:
        statuses |= {404, 413, 415}
    if operation.query or "{" in operation.path:
        statuses.add(404)
    if operation.tag in ("Completions", "Embeddings") or (operation.request and operation.event):
        statuses.add(403)  # models that chat, complete or embed do nothing else
    return sorted(statuses)
