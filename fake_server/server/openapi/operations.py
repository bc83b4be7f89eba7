"""The API operations that the fake serves, with example requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_server.api.validate.checks import Check
from fake_server.server.openapi import chat_replies, replies, requests
from fake_server.server.state.completions import LIMIT, MOST_LISTED

Examples = Mapping[str, Mapping[str, Any]]
"""Request bodies by title."""
TAGS = {
    "Chat": "Conversations, answered whole or as a stream of chunks; with `store` they can be retrieved.",
    "Completions": "Legacy text completions.",
    "Embeddings": "Vectors of length 1, closer for texts that share words.",
    "Models": "The models that can be used.",
    "Moderations": "Scores of texts and pictures, high for typical words of a category.",
    "Fake control": "Recorded requests, scripts, queued replies and faults of the request's space.",
}


@dataclass(frozen=True)
class Operation:
    """An API operation. `name` is its operationId; `event` describes one event of its stream."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    reply: Check
    request: Check | None = None
    event: Check | None = None
    examples: Examples = field(default_factory=dict)
    query: tuple[str, ...] = ()


_POEM = [{"role": "user", "content": "Write a poem about a tree"}]
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_CHATS: Examples = {
    "a poem": {"model": "gpt-4o-mini", "messages": _POEM},
    "as a stream": {
        "model": "gpt-4o-mini",
        "messages": _POEM,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "a tool is called": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
        "tools": [_WEATHER],
        "tool_choice": "required",
    },
    "a tool's result": {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "user", "content": "What is the weather in Oslo?"},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
        ],
        "tools": [_WEATHER],
    },
    "an object that fits a schema": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "How warm is it in Oslo?"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "weather", "strict": True, "schema": _SCHEMA},
        },
    },
    "a picture": {
        "model": "gpt-4o-mini",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/tree.png"}},
                ],
            }
        ],
    },
    "two choices with log probabilities": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Say this is a test"}],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
        "max_completion_tokens": 5,
    },
    "stored": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "developer", "content": "Be brief."}, *_POEM],
        "store": True,
        "metadata": {"team": "green"},
    },
}
_TEXTS: Examples = {
    "a text": {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time", "max_tokens": 30},
    "as a stream": {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time", "stream": True},
    "two texts with log probabilities": {
        "model": "davinci-002",
        "prompt": ["Say this", "Say that"],
        "logprobs": 1,
        "echo": True,
        "max_tokens": 4,
    },
}
_VECTORS: Examples = {
    "a text": {
        "model": "text-embedding-3-small",
        "input": "A tree stands in the field.",
        "dimensions": 8,
        "encoding_format": "float",
    },
    "texts in base64": {
        "model": "text-embedding-3-large",
        "input": ["A tree", "A field"],
        "dimensions": 8,
        "encoding_format": "base64",
    },
    "tokens": {"model": "text-embedding-3-small", "input": [32, 5021], "dimensions": 8},
}
_JUDGED: Examples = {
    "a text": {"input": "I want to harm the robots"},
    "texts": {"input": ["Happy birthday!", "You are an idiot"], "model": "text-moderation-latest"},
    "a picture and what is said of it": {
        "input": [
            {"type": "text", "text": "My tree"},
            {"type": "image_url", "image_url": {"url": "https://example.com/tree.png"}},
        ]
    },
}
_PAGED = ("after", "limit", "order")
FINE_TUNED_MODEL = "ft:gpt-4o-mini:team::Bq7vXe2L"
"""A model that can be deleted."""
STORED_PATH = "/chat/completions/{completion_id}"
OPERATIONS = (
    Operation("post", "/chat/completions", "createChatCompletion", "Chat", "Answer a conversation",
              chat_replies.COMPLETION, requests.CHAT,
              chat_replies.CHUNK, _CHATS),
    Operation("get", "/chat/completions", "listChatCompletions", "Chat", "List stored completions",
              chat_replies.COMPLETION_LIST, query=("model", "metadata", *_PAGED)),
    Operation("get", STORED_PATH, "getChatCompletion", "Chat", "Get a stored completion",
              chat_replies.STORED_COMPLETION),
    Operation("post", STORED_PATH, "updateChatCompletion", "Chat", "Update a stored completion's metadata",
              chat_replies.STORED_COMPLETION, requests.STORED_CHAT, None,
              {"other metadata": {"metadata": {"team": "blue"}}}),
    Operation("delete", STORED_PATH, "deleteChatCompletion", "Chat", "Delete a stored completion",
              chat_replies.DELETED),
    Operation("get", f"{STORED_PATH}/messages", "getChatCompletionMessages", "Chat", "List its messages",
              chat_replies.MESSAGE_LIST, query=_PAGED),
    Operation("post", "/completions", "createCompletion", "Completions", "Continue a text",
              replies.COMPLETION, requests.COMPLETION, replies.COMPLETION, _TEXTS),
    Operation("post", "/embeddings", "createEmbedding", "Embeddings", "Turn texts into vectors",
              replies.EMBEDDINGS, requests.EMBEDDING, None, _VECTORS),
    Operation("get", "/models", "listModels", "Models", "List the models", replies.MODEL_LIST),
    Operation("get", "/models/{model}", "retrieveModel", "Models", "Get a model", replies.MODEL),
    Operation("delete", "/models/{model}", "deleteModel", "Models", "Delete a fine-tuned model",
              replies.MODEL_DELETED),
    Operation("post", "/moderations", "createModeration", "Moderations", "Moderate texts or pictures",
              replies.MODERATIONS, requests.MODERATION, None, _JUDGED),
    Operation("get", "/health", "health", "Fake control", "Whether the server is ready", replies.HEALTH),
)  # fmt: skip
QUERY: Mapping[str, Mapping[str, Any]] = {
    "after": {"description": "The last id of the previous page.", "schema": {"type": "string"}},
    "limit": {
        "description": "The number of items per page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": LIMIT},
    },
    "order": {
        "description": "Oldest (`asc`) or newest (`desc`) first.",
        "schema": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    },
    "model": {"description": "Only completions by this model.", "schema": {"type": "string"}},
    "metadata": {
        "description": "Only completions with this metadata, as in `metadata[team]=green`.",
        "style": "deepObject",
        "explode": True,
        "example": {},
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
"""Query parameters of the list operations."""
