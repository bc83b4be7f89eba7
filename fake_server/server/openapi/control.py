"""The operations under `/__fake__/`, described by the docstrings of their handlers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fake_server.faults import CATALOGUE
from fake_server.server.control.operations import ROUTES, SHOWN
from fake_server.server.openapi.examples import Samples

TAG = "Fake control"
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "/__fake__/scripts": {
        "words": {
            "name": "hush",
            "when": {"messages": {"last": {"contains": "tree"}}},
            "reply": {"text": "…"},
        },
        "a call": {
            "name": "weather",
            "when": {"tools": {"include": "get_weather"}},
            "reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]},
        },
        "an error, twice": {
            "name": "overloaded",
            "times": 2,
            "reply": {"error": {"status": 429, "message": "Slow down.", "headers": {"Retry-After": "1"}}},
        },
    },
    "/__fake__/replies": {
        "words": {"text": "said once"},
        "one after the other": [{"text": "first"}, {"text": "second"}],
        "paced": {"text": "so slow", "timing": {"first": 0.5, "rate": 5.0}},
    },
    "/__fake__/faults": {
        "an error": {"fault": "error", "status": 503, "times": 1},
        "the stream is cut": {"fault": "cut", "after_events": 3, "ending": "rst", "times": 1},
        "a known bug of a real server": {"bug": "ikllama-no-done"},
        "a quota": {"fault": "quota", "requests": 10, "per": 60.0},
    },
}
_TEXT: Mapping[str, Any] = {"type": "string"}
_QUERY: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]] = {
    ("get", "/__fake__/requests"): {
        "limit": {"type": "integer", "minimum": 0, "default": SHOWN},
        "path": _TEXT,
        "script": _TEXT,
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
    },
    ("post", "/__fake__/reset"): {"all": {"type": "boolean", "default": False}},
}
_ORDER = ("post", "get", "delete")


def paths(samples: Samples) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation as (method, path, its description in the document)."""
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
    space = {"x-fake-space": "example"}
    samples.ask("post", "/v1/chat/completions", chat, space)
    operations = [(method.lower(), route.path, route) for route in ROUTES for method in route.methods or ()]
    for method, path, route in sorted(
        (operation for operation in operations if operation[0] in _ORDER), key=_sort_key
    ):
        words = (route.endpoint.__doc__ or "").partition(": ")[2]
        description: dict[str, Any] = {
            "operationId": route.endpoint.__name__ + ("_by_name" if "{" in path else ""),
            "tags": [TAG],
            "summary": words[:1].upper() + words[1:].rstrip("."),
        }
        parameters: list[dict[str, Any]] = [
            {"name": name, "in": "query", "schema": schema}
            for name, schema in _QUERY.get((method, path), {}).items()
        ]
        name = "example"
        if "{name}" in path:
            parameters.append({"name": "name", "in": "path", "required": True, "schema": _TEXT})
            name = _existing_name(samples, path, space)
        body = None
        if path in EXAMPLES and method == "post":
            examples = {title: {"value": value} for title, value in EXAMPLES[path].items()}
            body = next(iter(EXAMPLES[path].values()))
            form = {"type": ["object", "array"], "items": {"type": "object"}}
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


def _sort_key(operation: tuple[str, str, Any]) -> tuple[bool, int, bool]:
    """Sort POST, GET, then DELETE of one item and of all; resets and deletion of spaces come last."""
    method, path, _ = operation
    return path.endswith(("/reset", "/spaces/{name}")), _ORDER.index(method), "{" not in path


def _existing_name(samples: Samples, path: str, space: Mapping[str, str]) -> str:
    """The name of an existing item that the path can delete."""
    if "spaces" in path:
        return space["x-fake-space"]
    root = path.removesuffix("/{name}")
    listed = samples.ask("get", root, None, space).body
    return str(next(iter(listed.values()))[-1]["name"])


def _responses(
    samples: Samples, method: str, path: str, name: str, body: Any, space: Mapping[str, str]
) -> dict[str, Any]:
    sample = samples.ask(method, path.replace("{name}", name), body, space)
    response: dict[str, Any] = {"description": "Done." if method != "get" else "What there is."}
    if isinstance(sample.body, str):
        response["content"] = {"text/plain": {"schema": _TEXT}}
    elif sample.body is not None:
        response["content"] = {"application/json": {"schema": {"type": "object"}, "example": sample.body}}
    may_be_wrong = body is not None or (method, path) in _QUERY
    failures = {"400": {"$ref": "#/components/responses/400"}} if may_be_wrong else {}
    if "{name}" in path:
        failures["404"] = {"$ref": "#/components/responses/404"}
    return {str(sample.status): response, **failures}
