"""The operations that are served: method, path, and what answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from starlette.routing import compile_path

from fake_server.server.request_context import RequestContext
from fake_server.server.routes import (
    chat,
    completions,
    embeddings,
    models,
    moderations,
    stored,
)
from fake_server.wire.datafile import read_yaml
from fake_server.wire.delivery import Delivery

Answer = Callable[[RequestContext], Delivery]
"""What answers a request; its body is read and parsed already where the operation has one.

It may be called again from its beginning in a thread (`RequestContext.work`): what must not happen twice is `once`.
"""


class Operation(NamedTuple):
    """What answers a request, and whether that reads its body as a JSON object."""

    answer: Answer
    reads_body: bool = False


def _later(module: str, function: str) -> Answer:
    """What answers a request by a function of a module beside this one, which is imported for the first of them."""

    def answer(context: RequestContext) -> Delivery:
        handler: Answer = getattr(import_module(f"{__package__}.{module}"), function)
        return handler(context)

    return answer


OPERATIONS: tuple[tuple[str, str, Operation], ...] = (
    ("POST", "/chat/completions", Operation(chat.create_chat_completion, reads_body=True)),
    ("GET", "/chat/completions", Operation(stored.list_completions)),
    ("GET", "/chat/completions/{completion}", Operation(stored.retrieve_completion)),
    ("POST", "/chat/completions/{completion}", Operation(stored.update_completion, reads_body=True)),
    ("DELETE", "/chat/completions/{completion}", Operation(stored.delete_completion)),
    ("GET", "/chat/completions/{completion}/messages", Operation(stored.list_messages)),
    ("POST", "/responses/input_tokens", Operation(_later("stored_responses", "count_input_tokens"), reads_body=True)),
    ("POST", "/responses/compact", Operation(_later("stored_responses", "compact_response"), reads_body=True)),
    ("GET", "/responses/{response}", Operation(_later("stored_responses", "retrieve_response"))),
    ("DELETE", "/responses/{response}", Operation(_later("stored_responses", "delete_response"))),
    ("POST", "/responses/{response}/cancel", Operation(_later("stored_responses", "cancel_response"))),
    ("GET", "/responses/{response}/input_items", Operation(_later("stored_responses", "list_input_items"))),
    ("POST", "/conversations", Operation(_later("conversations", "create_conversation"), reads_body=True)),
    ("GET", "/conversations/{conversation}", Operation(_later("conversations", "retrieve_conversation"))),
    (
        "POST",
        "/conversations/{conversation}",
        Operation(_later("conversations", "update_conversation"), reads_body=True),
    ),
    ("DELETE", "/conversations/{conversation}", Operation(_later("conversations", "delete_conversation"))),
    (
        "POST",
        "/conversations/{conversation}/items",
        Operation(_later("conversations", "create_items"), reads_body=True),
    ),
    ("GET", "/conversations/{conversation}/items", Operation(_later("conversations", "list_items"))),
    ("GET", "/conversations/{conversation}/items/{item}", Operation(_later("conversations", "retrieve_item"))),
    ("DELETE", "/conversations/{conversation}/items/{item}", Operation(_later("conversations", "delete_item"))),
    ("POST", "/completions", Operation(completions.create_completion, reads_body=True)),
    ("POST", "/responses", Operation(_later("responses", "create_response"), reads_body=True)),
    ("POST", "/embeddings", Operation(embeddings.create_embeddings, reads_body=True)),
    ("POST", "/moderations", Operation(moderations.create_moderation, reads_body=True)),
    ("GET", "/models", Operation(models.list_models)),
    ("GET", "/models/{model:path}", Operation(models.retrieve_model)),
    ("DELETE", "/models/{model:path}", Operation(models.delete_model)),
    ("GET", "/health", Operation(models.health)),
)
"""Every path stands with and without `/v1`; HEAD is answered as GET."""

PAGES = ("/docs", "/openapi.json")
PAGE_METHODS = ("GET", "HEAD", "OPTIONS")
DIRECT = {
    (method, prefix + path): operation
    for prefix in ("/v1", "")
    for method, path, operation in OPERATIONS
    if "{" not in path
}
"""The operations of paths that never vary, found without trying patterns."""
_PATTERNS = [(compile_path(path)[0], path) for path in dict.fromkeys(path for _, path, _ in OPERATIONS)]


def find_operation(method: str, path: str) -> tuple[Operation | None, Mapping[str, str], list[str]]:
    """The operation of this method at a path, the path's parameters, and the methods that the path takes."""
    if path in PAGES or path == "/":
        return None, {}, ["GET", "HEAD"]
    operation: Operation | None = None
    parameters: Mapping[str, str] = {}
    methods: set[str] = set()
    for pattern, template in _PATTERNS:
        match = pattern.match(path.removeprefix("/v1") if path.startswith("/v1/") else path)
        if match is None:
            continue
        found = {each: served for each, at, served in OPERATIONS if at == template}
        if "GET" in found:
            found["HEAD"] = found["GET"]
        methods.update(found)
        if operation is None and method in found:
            operation, parameters = found[method], match.groupdict()
    return operation, parameters, sorted(methods)


@cache
def published() -> Mapping[tuple[str, ...], list[str]]:
    """Every path of OpenAI's API, in parts, with its methods; a part that varies begins with `{`."""
    rows: Mapping[str, list[str]] = read_yaml(Path(__file__).with_name("published.yaml"))
    return {tuple(path.split("/")): methods for path, methods in rows.items()}


def is_published(method: str, path: str) -> bool:
    """Whether OpenAI has this method at the path, which may lack its `/v1`."""
    parts = path.removeprefix("/v1").split("/")
    return any(
        method in methods
        and len(template) == len(parts)
        and all((part and theirs[:1] == "{") or part == theirs for part, theirs in zip(parts, template, strict=True))
        for template, methods in published().items()
    )
