"""What requests hold, as the API reference names it; the fake's validation says more than these can."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = str | None


class Asked(BaseModel):
    """A request's body, or a part of it."""

    model_config = ConfigDict(extra="allow")


class FunctionCalled(Asked):
    name: str
    arguments: Annotated[str, Field(description="JSON text.")]


class ToolCall(Asked):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCalled


class ChatCompletionRequestMessage(Asked):
    """One message of the conversation."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: Annotated[
        str | list[dict[str, Any]] | None,
        Field(description="A text, or parts of type text, image_url, input_audio or file."),
    ] = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: Annotated[str | None, Field(description="Which call a tool's message answers.")] = None


class FunctionObject(Asked):
    name: str
    description: str | None = None
    parameters: Annotated[dict[str, Any] | None, Field(description="A JSON Schema.")] = None
    strict: bool | None = None


class ChatCompletionTool(Asked):
    type: Literal["function"] = "function"
    function: FunctionObject


class StreamOptions(Asked):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class CreateChatCompletionRequest(Asked):
    """A conversation to be answered."""

    model: Annotated[str, Field(examples=["gpt-4o-mini"])]
    messages: Annotated[list[ChatCompletionRequestMessage], Field(min_length=1)]
    stream: Annotated[bool | None, Field(description="Answer as server-sent events.")] = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1, deprecated=True)] = None
    n: Annotated[int | None, Field(ge=1, le=128)] = None
    stop: str | list[str] | None = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    tools: list[ChatCompletionTool] | None = None
    tool_choice: Annotated[
        str | dict[str, Any] | None, Field(description="none, auto, required, or the tool to be called.")
    ] = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[
        dict[str, Any] | None, Field(description="Of type text, json_object or json_schema.")
    ] = None
    reasoning_effort: str | None = None
    store: Annotated[bool | None, Field(description="Keep it, so that it can be read again.")] = None
    metadata: dict[str, str] | None = None
    user: str | None = None


class UpdateChatCompletionRequest(Asked):
    """Other metadata for a stored completion."""

    metadata: dict[str, str] | None


class CreateCompletionRequest(Asked):
    """A text to be continued."""

    model: Annotated[str, Field(examples=["gpt-3.5-turbo-instruct"])]
    prompt: Annotated[
        str | list[str] | list[int] | list[list[int]] | None, Field(examples=["Once upon a time"])
    ] = None
    stream: bool | None = None
    max_tokens: Annotated[int | None, Field(ge=0)] = None
    n: Annotated[int | None, Field(ge=1, le=128)] = None
    best_of: Annotated[int | None, Field(ge=0, le=20)] = None
    echo: bool | None = None
    stop: str | list[str] | None = None
    logprobs: Annotated[int | None, Field(ge=0, le=5)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None


class CreateEmbeddingRequest(Asked):
    """Texts to be turned into vectors."""

    model: Annotated[str, Field(examples=["text-embedding-3-small"])]
    input: Annotated[
        str | list[str] | list[int] | list[list[int]], Field(examples=["A tree stands in the field."])
    ]
    dimensions: Annotated[int | None, Field(ge=1)] = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


class CreateModerationRequest(Asked):
    """Texts or pictures to be judged."""

    input: Annotated[str | list[str] | list[dict[str, Any]], Field(examples=["I want to harm the robots"])]
    model: Annotated[str | None, Field(examples=["omni-moderation-latest"])] = None
