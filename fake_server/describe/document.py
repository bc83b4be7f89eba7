"""The OpenAPI document of what the app serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fake_server.describe import asked, told

REFERENCE = "#/components/schemas/"
_STREAM = 'data: {"id": "chatcmpl-1", "object": "chat.completion.chunk", …}\n\ndata: [DONE]\n\n'


@dataclass(frozen=True)
class Operation:
    """One operation: where, what it is called, what it takes and gives."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    request: type[BaseModel] | None = None
    reply: type[BaseModel] | None = None
    event: type[BaseModel] | None = None
    example: Mapping[str, Any] | None = None
    query: tuple[str, ...] = ()


_SAID = [{"role": "user", "content": "Write a poem about a tree"}]
_PAGED = ("after", "limit", "order")
_ID = "/chat/completions/{completion_id}"
OPERATIONS = (
    Operation("post", "/chat/completions", "createChatCompletion", "Chat", "Answer a conversation",
              asked.CreateChatCompletionRequest, told.ChatCompletion, told.ChatCompletionChunk,
              {"model": "gpt-4o-mini", "messages": _SAID}),
    Operation("get", "/chat/completions", "listChatCompletions", "Chat", "List stored completions",
              reply=told.ChatCompletionList, query=("model", *_PAGED)),
    Operation("get", _ID, "getChatCompletion", "Chat", "Read a stored completion", reply=told.ChatCompletion),
    Operation("post", _ID, "updateChatCompletion", "Chat", "Give a stored completion other metadata",
              asked.UpdateChatCompletionRequest, told.ChatCompletion, None, {"metadata": {"team": "blue"}}),
    Operation("delete", _ID, "deleteChatCompletion", "Chat", "Delete a stored completion",
              reply=told.ChatCompletionDeleted),
    Operation("get", f"{_ID}/messages", "getChatCompletionMessages", "Chat", "List what it answered",
              reply=told.ChatCompletionMessageList, query=_PAGED),
    Operation("post", "/completions", "createCompletion", "Completions", "Continue a text",
              asked.CreateCompletionRequest, told.Completion, told.Completion,
              {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time"}),
    Operation("post", "/embeddings", "createEmbedding", "Embeddings", "Turn texts into vectors",
              asked.CreateEmbeddingRequest, told.CreateEmbeddingResponse, None,
              {"model": "text-embedding-3-small", "input": "A tree stands in the field.", "dimensions": 8}),
    Operation("get", "/models", "listModels", "Models", "List the models", reply=told.ListModelsResponse),
    Operation("get", "/models/{model}", "retrieveModel", "Models", "Describe a model", reply=told.Model),
    Operation("post", "/moderations", "createModeration", "Moderations", "Judge texts or pictures",
              asked.CreateModerationRequest, told.CreateModerationResponse, None,
              {"input": "I want to harm the robots"}),
)  # fmt: skip
_CONTROL = (
    ("get", "/requests", "what was asked, with the script that answered or the nearest misses"),
    ("delete", "/requests", "forget what was asked"),
    ("get", "/scripts", "the scripts, with how often each answered"),
    ("post", "/scripts", "add a script, or a list of them, before all others"),
    ("delete", "/scripts", "take away the scripts that were added"),
    ("post", "/replies", "answer the next request so, with a list the next ones"),
    ("get", "/faults", "the faults in force"),
    ("post", "/faults", "put faults in force"),
    ("delete", "/faults", "lift all faults"),
    ("post", "/reset", "forget all of this"),
    ("get", "/spaces", "the spaces"),
)
_CONTROL_EXAMPLES: Mapping[str, Any] = {
    "/scripts": {"name": "hush", "reply": {"text": "…"}},
    "/replies": {"text": "said once"},
    "/faults": {"fault": "error", "status": 503, "times": 1},
}


def document() -> dict[str, Any]:
    """The whole document; every path of the API stands with `/v1`, and the app serves it without, too."""
    models = {kind for one in OPERATIONS for kind in (one.request, one.reply, one.event) if kind}
    several = sorted(models | {told.ErrorResponse}, key=lambda kind: kind.__name__)
    kinds = [(kind, "validation") for kind in several]
    _, made = models_json_schema(kinds, ref_template=REFERENCE + "{model}")  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(f"/v1{one.path}", {})[one.method] = _operation(one)
    for method, path, summary in _CONTROL:
        paths.setdefault(f"/__fake__{path}", {})[method] = _control(path, method, summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fake OpenAI server",
            "version": "1",
            "description": "It answers as OpenAI's API does: what scripts say, or something sensible.",
        },
        "paths": paths,
        "components": {
            "schemas": made["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _operation(one: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": one.name, "tags": [one.tag], "summary": one.summary}
    names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    parameters += [{"name": name, "in": "query", "schema": _query(name)} for name in one.query]
    if parameters:
        made["parameters"] = parameters
    if one.request is not None:
        content = {"schema": _ref(one.request), "example": one.example}
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    given: dict[str, Any] = {"application/json": {"schema": _ref(one.reply)}} if one.reply else {}
    if one.event is not None:
        given["text/event-stream"] = {"schema": _ref(one.event), "example": _STREAM}
    errors = {"400": "The request is wrong.", "401": "The key is not the server's."}
    if names or one.request is not None:
        errors["404"] = "There is no such thing."
    refused = {"content": {"application/json": {"schema": _ref(told.ErrorResponse)}}}
    failures = {status: {"description": text, **refused} for status, text in errors.items()}
    made["responses"] = {"200": {"description": "As asked.", "content": given}, **failures}
    return made


def _control(path: str, method: str, summary: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": f"{method}_{path.strip('/')}",
        "tags": ["Control of the fake"],
        "summary": summary[0].upper() + summary[1:],
        "responses": {"2XX": {"description": "Done."}},
    }
    if method == "post" and path in _CONTROL_EXAMPLES:
        content = {"schema": {"type": "object"}, "example": _CONTROL_EXAMPLES[path]}
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    return made


def _query(name: str) -> dict[str, Any]:
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    return {"type": "string", **({"enum": ["asc", "desc"], "default": "asc"} if name == "order" else {})}


def _ref(kind: type[BaseModel] | None) -> dict[str, str]:
    return {} if kind is None else {"$ref": REFERENCE + kind.__name__}
