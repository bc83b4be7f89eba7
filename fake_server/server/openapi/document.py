"""The OpenAPI document of what the app serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.faults.base import HEADER
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
from fake_server.server.openapi.replies import ERROR

ERRORS: Mapping[int, str] = {
    400: "The request is wrong; `param` says where.",
    401: "The key is not the server's.",
    403: "The model does something else.",
    404: "There is no such thing.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "A script or a fault says so; `retry-after` says when to ask again.",
    500: "A script or a fault says so.",
}
"""What the statuses of refusals mean."""
_INTRODUCTION = """Answers as OpenAI's API does: what scripts say, or else something sensible.

Clients find it by `OPENAI_BASE_URL`; any key will do unless the server has one. Every path of the API stands
without `/v1`, too. Below `/@NAME` (`/@mine/v1/chat/completions`), or with the header `x-fake-space: NAME`, a
test has scripts, faults, stored completions and a journal of its own."""


def document(samples: Samples) -> dict[str, Any]:
    """The whole document; its examples of replies are the samples."""
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(f"/v1{one.path}", {})[one.method] = _describe_operation(one, samples)
    for method, path, made in control.paths(samples):
        paths.setdefault(path, {})[method] = made
    bodies = [body for one in OPERATIONS for body in (one.request, one.reply, one.event) if body]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fake OpenAI server", "version": "1", "description": _INTRODUCTION},
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components([*bodies, ERROR]),
            "responses": {
                str(status): _describe_error(status, words, samples) for status, words in ERRORS.items()
            },
            "parameters": {"fault": _describe_fault_header()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Any key."}},
        },
        "security": [{"key": []}, {}],
    }


def _describe_operation(one: Operation, samples: Samples) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": one.name, "tags": [one.tag], "summary": one.summary}
    names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    model = FINE_TUNED_MODEL if one.method == "delete" else "gpt-4o-mini"
    known = {"model": model, "completion_id": samples.stored() if STORED_PATH in one.path else ""}
    made["parameters"] = [
        *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
        *({"name": name, "in": "query", **QUERY[name]} for name in one.query),
        {"$ref": "#/components/parameters/fault"},
    ]
    if one.request is not None:
        examples = {name: {"value": value} for name, value in one.examples.items()}
        content = {"schema": reference(one.request), "examples": examples}
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    path = f"/v1{one.path}".format(**known)
    failures = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in _error_statuses(one, names)
    }
    made["responses"] = {
        "200": {"description": "As asked.", "content": _describe_reply(one, path, samples)},
        **failures,
    }
    return made


def _describe_reply(one: Operation, path: str, samples: Samples) -> dict[str, Any]:
    """What is answered, by media type, with what the fake says to the examples."""
    whole: dict[str, Any] = {"schema": reference(one.reply)}
    given = {"application/json": whole}
    if not one.examples:
        whole["example"] = samples.ask(one.method, path).body
        return given
    whole["examples"] = {
        name: {"value": samples.ask(one.method, path, body).body}
        for name, body in one.examples.items()
        if not body.get("stream")
    }
    if one.event is not None:
        events = samples.stream(path, next(iter(one.examples.values())))
        given["text/event-stream"] = {"schema": reference(one.event), "example": events}
    return given


def _error_statuses(one: Operation, names: list[str]) -> list[int]:
    found = {400, 401, 429, 500}
    if one.request is not None:
        found |= {404, 413, 415}
    if one.query or names:
        found.add(404)
    if one.tag in ("Completions", "Embeddings") or one.event is not None:
        found.add(403)  # models that chat, complete or embed do nothing else
    return sorted(found)


def _describe_error(status: int, words: str, samples: Samples) -> dict[str, Any]:
    content = {"schema": reference(ERROR), "example": samples.refused(status)}
    made: dict[str, Any] = {"description": words, "content": {"application/json": content}}
    if status == 429:
        made["headers"] = {"retry-after": {"schema": {"type": "string"}, "description": "Seconds."}}
    return made


def _describe_fault_header() -> dict[str, Any]:
    words = "What is to go wrong with this reply, such as `error;status=503` or `cut;after_events=3`."
    return {"name": HEADER, "in": "header", "description": words, "schema": {"type": "string"}}
