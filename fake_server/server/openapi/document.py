"""The OpenAPI document of the operations the app serves."""

from __future__ import annotations

from typing import Any

from fake_server.faults.base import HEADER
from fake_server.server.openapi import control
from fake_server.server.openapi.components import components, reference
from fake_server.server.openapi.examples import Samples
from fake_server.server.openapi.operations import (
    ERRORS,
    FINE_TUNED_MODEL,
    OPERATIONS,
    QUERY,
    STORED_PATH,
    TAGS,
    Operation,
)
from fake_server.server.openapi.replies import reply_components
from fake_server.server.openapi.requests import REQUESTS

_INTRODUCTION = """Responds like OpenAI's API: with what scripts say, or else with a plausible answer.

Point clients here with `OPENAI_BASE_URL`; any API key is accepted unless the server has one. All paths of the
API also work without `/v1`. Below `/@NAME` (`/@mine/v1/chat/completions`), or with the header
`x-fake-space: NAME`, a test has its own scripts, faults, stored completions and journal."""


def document(samples: Samples) -> dict[str, Any]:
    """Make the whole document, with the samples as example replies."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/v1{operation.path}", {})[operation.method] = _describe_operation(
            operation, samples
        )
    for method, path, description in control.paths(samples):
        paths.setdefault(path, {})[method] = description
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fake OpenAI server", "version": "1", "description": _INTRODUCTION},
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**components(REQUESTS), **reply_components()}.items())),
            "responses": {
                str(status): _describe_error(status, words, samples) for status, words in ERRORS.items()
            },
            "parameters": {"fault": _describe_fault_header()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Any key."}},
        },
        "security": [{"key": []}, {}],
    }


def _describe_operation(operation: Operation, samples: Samples) -> dict[str, Any]:
    description: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
    }
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    model = FINE_TUNED_MODEL if operation.method == "delete" else "gpt-4o-mini"
    known = {
        "model": model,
        "completion_id": samples.store_completion() if STORED_PATH in operation.path else "",
    }
    description["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
        *({"name": name, "in": "query", **QUERY[name]} for name in operation.query),
        {"$ref": "#/components/parameters/fault"},
    ]
    if operation.request is not None:
        examples = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"schema": reference(operation.request), "examples": examples}
        description["requestBody"] = {"required": True, "content": {"application/json": content}}
    path = f"/v1{operation.path}".format(**known)
    failures = {
        str(status): {"$ref": f"#/components/responses/{status}"}
        for status in _error_statuses(operation, names)
    }
    description["responses"] = {
        "200": {"description": "Success.", "content": _describe_reply(operation, path, samples)},
        **failures,
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


def _error_statuses(operation: Operation, names: list[str]) -> list[int]:
    statuses = {400, 401, 429, 500}
    if operation.request is not None:
        statuses |= {404, 413, 415}
    if operation.query or names:
        statuses.add(404)
    if operation.tag in ("Completions", "Embeddings") or operation.event is not None:
        statuses.add(403)  # models that chat, complete or embed do nothing else
    return sorted(statuses)


def _describe_error(status: int, words: str, samples: Samples) -> dict[str, Any]:
    content = {"schema": reference("ErrorResponse"), "example": samples.error_body(status)}
    response: dict[str, Any] = {"description": words, "content": {"application/json": content}}
    if status == 429:
        response["headers"] = {"retry-after": {"schema": {"type": "string"}, "description": "Seconds."}}
    return response


def _describe_fault_header() -> dict[str, Any]:
    words = "A fault for this reply, such as `error;status=503` or `cut;after_events=3`."
    return {"name": HEADER, "in": "header", "description": words, "schema": {"type": "string"}}
