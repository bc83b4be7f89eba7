"""What replies about chat hold, as the API reference names it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from fake_server.server.openapi.messages import Called, FunctionCalled
from fake_server.server.openapi.shapes import Metadata, Shape, absent

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
Seconds = Annotated[int, Field(description="Unix seconds.")]
Count = Annotated[int, Field(ge=0)]


class PromptTokensDetails(Shape):
    cached_tokens: Count
    audio_tokens: Count


class CompletionTokensDetails(Shape):
    reasoning_tokens: Count
    audio_tokens: Count
    accepted_prediction_tokens: Count
    rejected_prediction_tokens: Count


class CompletionUsage(Shape):
    """Tokens; the total is the sum of the other two."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: PromptTokensDetails = absent()
    completion_tokens_details: CompletionTokensDetails = absent()


class TopLogprob(Shape):
    token: str
    logprob: float
    bytes: list[int] | None


class ChatCompletionTokenLogprob(TopLogprob):
    """A token with its log probability, and likely alternatives."""

    top_logprobs: list[TopLogprob]


class ChatCompletionLogprobs(Shape):
    content: list[ChatCompletionTokenLogprob] | None
    refusal: list[ChatCompletionTokenLogprob] | None


class FunctionSaid(Shape):
    name: str = absent()
    arguments: str = absent()


class ChatCompletionResponseMessage(Shape):
    """What is answered."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    tool_calls: list[Called] = absent()
    annotations: list[dict[str, Any]] = absent()
    function_call: FunctionCalled = absent()
    reasoning_content: str = absent()
    """Not OpenAI's: scripts may have it, as other servers do."""


class ChatCompletionChoice(Shape):
    index: Count
    message: ChatCompletionResponseMessage
    logprobs: ChatCompletionLogprobs | None
    finish_reason: Finish


class Answered(Shape):
    """What all completions have."""

    id: str
    created: Seconds
    model: str
    system_fingerprint: str = absent()


class ChatCompletion(Answered):
    """An answer, whole."""

    object: Literal["chat.completion"]
    choices: list[ChatCompletionChoice]
    usage: CompletionUsage
    service_tier: str = absent()


class StoredChatCompletion(ChatCompletion):
    """A stored answer, which repeats some of its request."""

    metadata: Metadata
    tool_choice: str | dict[str, Any] | None
    seed: int | None
    top_p: float
    temperature: float
    presence_penalty: float
    frequency_penalty: float
    tools: list[dict[str, Any]] | None
    response_format: dict[str, Any] | None
    input_user: str | None


class ChatCompletionMessageToolCallChunk(Shape):
    """A piece of a call; id, type and name come with the first one, arguments are joined."""

    index: Count
    id: str = absent()
    type: Literal["function", "custom"] = absent()
    function: FunctionSaid = absent()
    custom: dict[str, str] = absent()


class ChatCompletionStreamResponseDelta(Shape):
    """What is new."""

    role: Literal["assistant"] = absent()
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ChatCompletionMessageToolCallChunk] = absent()
    annotations: list[dict[str, Any]] = absent()
    function_call: FunctionSaid = absent()
    reasoning_content: str = absent()


class ChatCompletionChunkChoice(Shape):
    index: Count
    delta: ChatCompletionStreamResponseDelta
    logprobs: ChatCompletionLogprobs | None = None
    finish_reason: Finish | None


class ChatCompletionChunk(Answered):
    """One event of a streamed answer; `data: [DONE]` is the last."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChatCompletionChunkChoice]
    usage: CompletionUsage | None = None
    """In the last chunk, where `stream_options` ask for it; its `choices` are empty."""
    service_tier: str = absent()
    obfuscation: str = absent()
    """Letters that hide how long the chunk is."""


class Listed(Shape):
    object: Literal["list"]
    first_id: str | None
    last_id: str | None
    """The `after` of the next page."""
    has_more: bool


class ChatCompletionList(Listed):
    """Stored completions."""

    data: list[StoredChatCompletion]


class ChatCompletionStoreMessage(Shape):
    """A message of the request that a stored completion answered."""

    id: str
    role: str
    content: str | None
    name: str | None
    content_parts: list[dict[str, Any]] | None
    refusal: str = absent()
    tool_calls: list[Called] = absent()
    tool_call_id: str = absent()
    function_call: FunctionCalled = absent()


class ChatCompletionMessageList(Listed):
    """Messages that a stored completion answered."""

    data: list[ChatCompletionStoreMessage]


class ChatCompletionDeleted(Shape):
    object: Literal["chat.completion.deleted"]
    id: str
    deleted: Literal[True]
