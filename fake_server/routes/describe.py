"""The OpenAPI document behind /docs: the operations of the fake with their bodies."""

from __future__ import annotations

from typing import Any

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_CHAT = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {"type": "string"},
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["role"],
                "properties": {
                    "role": {"enum": ["developer", "system", "user", "assistant", "tool", "function"]},
                    "content": {"type": ["string", "array", "null"]},
                },
            },
        },
        "stream": {"type": "boolean"},
        "n": {"type": "integer", "minimum": 1, "maximum": 128},
        "max_completion_tokens": {"type": "integer", "minimum": 1},
        "stop": {"type": ["string", "array", "null"]},
        "tools": {"type": "array", "items": {"type": "object"}},
        "tool_choice": {"type": ["string", "object", "null"]},
        "response_format": {"type": ["object", "null"]},
    },
    "example": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Write a poem about a tree"}],
    },
}


_COMPLETION = {
    "type": "object",
    "required": ["model"],
    "properties": {
        "model": {"type": "string"},
        "prompt": {"type": ["string", "array", "null"]},
        "stream": {"type": "boolean"},
        "n": {"type": "integer", "minimum": 1, "maximum": 128},
        "max_tokens": {"type": "integer", "minimum": 1},
        "stop": {"type": ["string", "array", "null"]},
        "echo": {"type": "boolean"},
        "logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 5},
    },
    "example": {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time"},
}
_EMBEDDINGS = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string"},
        "input": {"type": ["string", "array"]},
        "encoding_format": {"enum": ["float", "base64"]},
        "dimensions": {"type": "integer", "minimum": 1},
    },
    "example": {"model": "text-embedding-3-small", "input": "A tree stands in the field."},
}


def openapi() -> dict[str, Any]:
    """The document; FastAPI serves it at /openapi.json."""
    operations: dict[str, Any] = {
        "/chat/completions": {
            "post": {
                "summary": "Answer a chat, whole or as a stream",
                "requestBody": _body(_CHAT),
                "responses": _responses("the answer", "application/json", "text/event-stream"),
            }
        },
        "/completions": {
            "post": {
                "summary": "Complete a text, whole or as a stream",
                "requestBody": _body(_COMPLETION),
                "responses": _responses("the text", "application/json", "text/event-stream"),
            }
        },
        "/embeddings": {
            "post": {
                "summary": "Give the vectors of texts",
                "requestBody": _body(_EMBEDDINGS),
                "responses": _responses("the vectors"),
            }
        },
        "/models": {"get": {"summary": "List the models", "responses": _responses("the list")}},
        "/models/{model}": {
            "get": {
                "summary": "Describe one model",
                "parameters": [
                    {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": _responses("the model"),
            }
        },
        "/health": {"get": {"summary": "Say that the server is up", "responses": _responses("it is up")}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "fake OpenAI server", "version": "1"},
        "paths": {prefix + path: item for prefix in ("/v1", "") for path, item in operations.items()},
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    }


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _responses(what: str, *types: str) -> dict[str, Any]:
    media: dict[str, Any] = {one: {} for one in types or ("application/json",)}
    return {
        "200": {"description": what, "content": media},
        "4XX": {"description": "refused", "content": {"application/json": {"schema": _ERROR}}},
    }
