"""What requests hold, as the API reference names it; the fake's validation says more than these can."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from fake_server.api import vectors
from fake_server.api.validate.chat import LONGEST_MODEL
from fake_server.api.validate.completions import LAST_TOKEN, MOST_PROMPTS
from fake_server.api.validate.embeddings import MOST_INPUTS
from fake_server.api.validate.moderations import MODELS
from fake_server.api.validate.moderations import MOST_INPUTS as MOST_JUDGED
from fake_server.api.validate.tools import MOST_TOOLS
from fake_server.server.openapi.messages import (
    ChatCompletionRequestMessage,
    FunctionObject,
    Named,
    Texts,
    Tool,
    ToolChoice,
)
from fake_server.server.openapi.shapes import Body, Metadata, Shape, absent

ModelName = Annotated[str, Field(min_length=1, max_length=LONGEST_MODEL)]
Penalty = Annotated[float | None, Field(ge=-2, le=2)]
Tokens = Annotated[list[Annotated[int, Field(ge=0, le=LAST_TOKEN)]], Field(min_length=1)]
Inputs = (
    str
    | Annotated[list[str], Field(min_length=1, max_length=MOST_INPUTS)]
    | Tokens
    | Annotated[list[Tokens], Field(min_length=1, max_length=MOST_PROMPTS)]
)
Stop = Annotated[
    str | Annotated[list[str], Field(max_length=4)] | None,
    Field(description="Texts at which the answer ends; they are not part of it."),
]


class ChatCompletionStreamOptions(Body):
    """Only for streams."""

    include_usage: bool = absent()
    """The last chunk tells the usage."""
    include_obfuscation: bool = absent()
    """Chunks are padded."""


class ResponseFormatText(Shape):
    """Any text."""

    type: Literal["text"]


class ResponseFormatJsonObject(Shape):
    """A JSON object."""

    type: Literal["json_object"]


class JsonSchema(Shape):
    name: Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormatJsonSchema(Shape):
    """JSON that fits a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[
    ResponseFormatText | ResponseFormatJsonSchema | ResponseFormatJsonObject, Field(discriminator="type")
]


class AudioWanted(Shape):
    voice: str | dict[str, Any]
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class PredictionContent(Shape):
    """What most of the answer is expected to be."""

    type: Literal["content"]
    content: Texts


class Sampled(Body):
    """What chats and text completions have in common."""

    model: ModelName
    """Which model answers; any name is known, unless the server was given names."""
    stream: bool | None = None
    """Answer as server-sent events."""
    stream_options: ChatCompletionStreamOptions | None = None
    n: Annotated[int | None, Field(ge=1, le=128)] = None
    """How many choices are made."""
    stop: Stop = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    """How much chance there is; checked and else ignored."""
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    """The share of likely tokens; checked and else ignored."""
    frequency_penalty: Penalty = None
    """Checked and else ignored."""
    presence_penalty: Penalty = None
    """Checked and else ignored."""
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    """Which tokens are favoured; checked and else ignored."""
    seed: Annotated[int | None, Field(ge=-(2**63), le=2**63 - 1)] = None
    """For answers that repeat."""
    user: str = absent()
    """Whom the application serves."""


class CreateChatCompletionRequest(Sampled):
    """A conversation to be answered."""

    messages: Annotated[list[ChatCompletionRequestMessage], Field(min_length=1)]
    """The conversation so far, oldest first."""
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    """The most tokens of one choice, reasoning included."""
    max_tokens: Annotated[int | None, Field(ge=1, deprecated=True)] = None
    tools: Annotated[list[Tool], Field(min_length=1, max_length=MOST_TOOLS)] = absent()
    """What the model may call."""
    tool_choice: ToolChoice | None = None
    """Whether a tool is called, and which."""
    parallel_tool_calls: bool = absent()
    """Whether several calls may be made at once."""
    response_format: ResponseFormat | None = None
    """What kind of text the answer is."""
    logprobs: bool | None = None
    """Tell the log probability of each token."""
    top_logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    """How many alternatives each token has; `logprobs` is needed."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    """How much a model that reasons does so."""
    verbosity: Literal["low", "medium", "high"] | None = None
    modalities: Annotated[list[Literal["text", "audio"]], Field(min_length=1)] | None = None
    audio: AudioWanted | None = None
    prediction: PredictionContent | None = None
    web_search_options: dict[str, Any] | None = None
    moderation: dict[str, Any] | None = None
    store: bool | None = None
    """Keep the completion, so that it can be listed and read again."""
    metadata: Metadata | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    safety_identifier: Annotated[str | None, Field(max_length=64)] = None
    functions: Annotated[
        list[FunctionObject], Field(min_length=1, max_length=MOST_TOOLS, deprecated=True)
    ] = absent()
    function_call: Annotated[Literal["none", "auto"] | Named | None, Field(deprecated=True)] = None


class UpdateChatCompletionRequest(Body):
    """Other metadata for a stored completion."""

    metadata: Metadata | None


class CreateCompletionRequest(Sampled):
    """A text to be continued."""

    prompt: Inputs | None = None
    """The beginning, or several, each a text or its tokens."""
    max_tokens: Annotated[int | None, Field(ge=0)] = None
    """The most tokens of one choice; 16 if not said."""
    best_of: Annotated[int | None, Field(ge=0, le=20)] = None
    """How many candidates are made for `n` choices."""
    echo: bool | None = None
    """Begin each choice with its prompt."""
    logprobs: Annotated[int | None, Field(ge=0, le=5)] = None
    """How many alternatives each token has."""
    suffix: str | None = None


class CreateEmbeddingRequest(Body):
    """Texts to be turned into vectors."""

    model: Annotated[ModelName, Field(examples=list(vectors.SIZES))]
    input: Inputs
    """A text or its tokens, or several."""
    dimensions: Annotated[int | None, Field(ge=1, le=max(vectors.SIZES.values()))] = None
    """How many numbers a vector has; no more than the model's vectors have."""
    encoding_format: Literal["float", "base64"] | None = None
    """Numbers, or base64 of little-endian 32-bit floats."""
    user: str = absent()


class ModerationTextInput(Shape):
    """A text."""

    type: Literal["text"]
    text: str


class ModerationImage(Shape):
    url: Annotated[str, Field(min_length=1)]
    """Where the picture is, or the picture as a data URL."""


class ModerationImageURLInput(Shape):
    """A picture."""

    type: Literal["image_url"]
    image_url: ModerationImage


_Judged = Annotated[ModerationTextInput | ModerationImageURLInput, Field(discriminator="type")]
_Bounds = Field(min_length=1, max_length=MOST_JUDGED)


class CreateModerationRequest(Body):
    """Texts or pictures to be judged."""

    input: str | Annotated[list[str], _Bounds] | Annotated[list[_Judged], _Bounds]
    """A text, several texts (a result for each), or parts (one result for all)."""
    model: Annotated[str | None, Field(json_schema_extra={"enum": [*MODELS, None]})] = None
    """The `text-` models read texts alone."""
