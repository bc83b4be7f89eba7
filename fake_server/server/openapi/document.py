"""The OpenAPI document of the operations the app serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_server.server.openapi import control
from fake_server.server.openapi.components import components, reference
from fake_server.server.openapi.examples import Samples
from fake_server.server.openapi.operations import (
    FINE_TUNED_MODEL,
    OPERATIONS,
    QUERY,
    STORED_PATH,
    TAGS,
    Operation,
)
from fake_server.server.openapi.replies import reply_components
from fake_server.server.openapi.requests import REQUESTS
from fake_server.wire.datafile import read_yaml


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
    }
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    description["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
        *({"name": name, "in": "query", **QUERY[name]} for name in operation.query),
        {"$ref": "#/components/parameters/fault"},
    ]
    if operation.request is not None:
        examples = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"schema": reference(operation.request), "examples": examples}
        description["requestBody"] = {"required": True, "content": {"application/json": content}}
    path = f"/v1{operation.path}".format(
        model=FINE_TUNED_MODEL if operation.method == "delete" else "gpt-4o-mini",
        completion_id=samples.store_completion() if STORED_PATH in operation.path else "",
    )
    description["responses"] = {
        "200": {"description": "Success.", "content": _describe_reply(operation, path, samples)},
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in _error_statuses(operation)},
    }
    return description


def _describe_reply(operation: Operation, path: str, samples: Samples) -> dict[str, Any]:
    """Describe the reply by media type, with the fake's replies to the example requests."""
    whole: dict[str, Any] = {"schema": reference(operation.reply)}
    content = {"application/json": whole}
    if not operation.examples:
        whole["example"] = samples.ask(operation.method, path).body
        return content
    whole["examples"] = {
        name: {"value": samples.ask(operation.method, path, body).body}
        for name, body in operation.examples.items()
        if not body.get("stream")
    }
    if operation.event is not None:
        events = samples.stream(path, next(iter(operation.examples.values())))
        content["text/event-stream"] = {"schema": reference(operation.event), "example": events}
    return content


def _error_statuses(operation: Operation) -> list[int]:
    statuses = {400, 401, 429, 500}
    if operation.request is not None:
        statuses |= {404, 413, 415}
    if operation.query or "{" in operation.path:
        statuses.add(404)
    if operation.tag in ("Completions", "Embeddings") or operation.event is not None:
        statuses.add(403)  # models that chat, complete or embed do nothing else
    return sorted(statuses)
