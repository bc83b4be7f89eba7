"""What replies hold, as the API reference names it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
Seconds = Annotated[int, Field(description="Unix seconds.")]


class Told(BaseModel):
    """A reply's body, or a part of it."""

    model_config = ConfigDict(extra="allow")


class ErrorDetail(Told):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(Told):
    """Why a request was refused."""

    error: ErrorDetail


class CompletionUsage(Told):
    """Tokens; the total is the sum of the other two."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | None = None
    completion_tokens_details: dict[str, int] | None = None


class CalledFunction(Told):
    name: str
    arguments: str


class MessageToolCall(Told):
    id: str
    type: str
    function: CalledFunction | None = None


class ChatCompletionResponseMessage(Told):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    tool_calls: list[MessageToolCall] | None = None
    annotations: list[dict[str, Any]] | None = None


class ChatCompletionChoice(Told):
    index: int
    message: ChatCompletionResponseMessage
    logprobs: dict[str, Any] | None
    finish_reason: Finish


class ChatCompletion(Told):
    """An answer, whole."""

    id: str
    object: Literal["chat.completion"]
    created: Seconds
    model: str
    choices: list[ChatCompletionChoice]
    usage: CompletionUsage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None


class ChatCompletionChunkChoice(Told):
    index: int
    delta: Annotated[dict[str, Any], Field(description="What is new: role, content, tool_calls, refusal.")]
    logprobs: dict[str, Any] | None = None
    finish_reason: Finish | None


class ChatCompletionChunk(Told):
    """One event of a streamed answer; `data: [DONE]` is the last."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: Seconds
    model: str
    choices: list[ChatCompletionChunkChoice]
    usage: CompletionUsage | None = None


class ChatCompletionList(Told):
    """Stored completions."""

    object: Literal["list"]
    data: list[ChatCompletion]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ChatCompletionMessageList(Told):
    """Messages that a stored completion answered."""

    object: Literal["list"]
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ChatCompletionDeleted(Told):
    object: Literal["chat.completion.deleted"]
    id: str
    deleted: bool


class CompletionChoice(Told):
    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class Completion(Told):
    """A continued text; the events of a streamed one have the same members."""

    id: str
    object: Literal["text_completion"]
    created: Seconds
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage | None = None


class Embedding(Told):
    object: Literal["embedding"]
    index: int
    embedding: Annotated[list[float] | str, Field(description="Numbers, or base64 of little-endian floats.")]


class EmbeddingUsage(Told):
    prompt_tokens: int
    total_tokens: int


class CreateEmbeddingResponse(Told):
    """Vectors in the order of the texts."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(Told):
    """A model that can be asked."""

    id: str
    object: Literal["model"]
    created: Seconds
    owned_by: str


class ListModelsResponse(Told):
    object: Literal["list"]
    data: list[Model]


class ModerationResult(Told):
    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[str]] | None = None


class CreateModerationResponse(Told):
    """One result for each input."""

    id: str
    model: str
    results: list[ModerationResult]
