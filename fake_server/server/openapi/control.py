"""The operations under `/__fake__/`, described by the docstrings of their handlers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fake_server.faults import CATALOGUE
from fake_server.server.control.inspecting import FORMS
from fake_server.server.control.operations import EVENTS, OPERATIONS, SHOWN
from fake_server.server.openapi.examples import CHAT, CHAT_PATH, Samples
from fake_server.wire.datafile import read_yaml

TAG = "Fake control"
_DATA = read_yaml(Path(__file__).with_suffix(".yaml"))
EXAMPLES: Mapping[str, Mapping[str, Any]] = _DATA["examples"]
"""Request bodies by path and title."""
_QUERY: Mapping[str, Mapping[str, dict[str, Any]]] = _DATA["query"]
_QUERY["get /__fake__/requests"]["limit"]["default"] = SHOWN
_TEXT = {"type": "string"}


def paths(samples: Samples) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation as (method, path, its description in the document)."""
    space = {"x-fake-space": "example"}
    samples.ask("post", CHAT_PATH, CHAT, space)
    for served, path, handler in OPERATIONS:
        method = served.lower()
        words = (handler.__doc__ or "").partition(": ")[2]
        description: dict[str, Any] = {
            "operationId": handler.__name__ + ("_by_name" if "{" in path else ""),
            "tags": [TAG],
            "summary": words[:1].upper() + words[1:].rstrip("."),
        }
        query = _QUERY.get(f"{method} {path}", {})
        parameters: list[dict[str, Any]] = [
            {"name": name, "in": "query", "schema": schema} for name, schema in query.items()
        ]
        name = "example"
        if "{name}" in path:
            parameters.append({"name": "name", "in": "path", "required": True, "schema": _TEXT})
            name = _existing_name(samples, path, space)
        if "{form}" in path:
            form: Mapping[str, Any] = {"type": "string", "enum": list(FORMS)}
            parameters.append({"name": "form", "in": "path", "required": True, "schema": form})
        body = None
        if path in EXAMPLES and method == "post":
            examples = {title: {"value": value} for title, value in EXAMPLES[path].items()}
            body = next(iter(EXAMPLES[path].values()))
            kinds = ["object"] if path.endswith("/scripts") else ["object", "string"]
            form = {"type": [*kinds, "array"], "items": {"type": kinds}}
            description["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": form, "examples": examples}},
            }
        if (method, path) == ("post", "/__fake__/faults"):
            description["description"] = "Faults: " + ", ".join(f"`{fault}`" for fault in CATALOGUE) + "."
        if parameters:
            description["parameters"] = parameters
        description["responses"] = _responses(samples, method, path, name, body, space)
        yield method, path, description


def _existing_name(samples: Samples, path: str, space: Mapping[str, str]) -> str:
    """The name of an existing item that the path can delete."""
    if "spaces" in path:
        return space["x-fake-space"]
    root = path.partition("/{name}")[0]
    if "requests" in path:
        return samples.last_number(root, space)
    listed = samples.ask("get", root, None, space).body
    return str(next(iter(listed.values()))[-1]["name"])


def _responses(
    samples: Samples, method: str, path: str, name: str, body: Any, space: Mapping[str, str]
) -> dict[str, Any]:
    sample = samples.ask(method, path.replace("{name}", name).replace("{form}", FORMS[0]), body, space)
    response: dict[str, Any] = {"description": "Done." if method != "get" else "What there is."}
    if path == "/__fake__/requests/{name}":  # which is one of the list, with times in words
        response["content"] = {"application/json": {"schema": {"type": "object"}}}
    elif isinstance(sample.body, str):
        media = "text/event-stream" if path == EVENTS else "text/plain"
        response["content"] = {media: {"schema": _TEXT}}
    elif sample.body is not None:
        response["content"] = {"application/json": {"schema": {"type": "object"}, "example": sample.body}}
    may_be_wrong = body is not None or f"{method} {path}" in _QUERY
    failures = {"400": {"$ref": "#/components/responses/400"}} if may_be_wrong else {}
    if "{name}" in path:
        failures["404"] = {"$ref": "#/components/responses/404"}
    if (method, path) == ("post", "/__fake__/scripts"):
        failures["200"] = {"description": "With `check`: the names of scripts that nothing is wrong with."}
    return {str(sample.status): response, **failures}
