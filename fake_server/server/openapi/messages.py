"""The messages and tools of a chat request, as the API reference names them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from fake_server.server.openapi.shapes import Shape, absent

Name = Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]


class ChatCompletionRequestMessageContentPartText(Shape):
    """A text."""

    type: Literal["text"]
    text: str


class ChatCompletionRequestMessageContentPartRefusal(Shape):
    """A refusal that the assistant gave before."""

    type: Literal["refusal"]
    refusal: str


class ImageUrl(Shape):
    url: str
    """Where the picture is, or the picture as a data URL."""
    detail: Literal["auto", "low", "high", "original"] | None = None


class ChatCompletionRequestMessageContentPartImage(Shape):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl


class InputAudio(Shape):
    data: str
    """Base64."""
    format: Literal["wav", "mp3"]


class ChatCompletionRequestMessageContentPartAudio(Shape):
    """Sound."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class InputFile(Shape):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class ChatCompletionRequestMessageContentPartFile(Shape):
    """A file."""

    type: Literal["file"]
    file: InputFile


_Text = ChatCompletionRequestMessageContentPartText
Texts = str | Annotated[list[_Text], Field(min_length=1)]
_UserPart = Annotated[
    _Text
    | ChatCompletionRequestMessageContentPartImage
    | ChatCompletionRequestMessageContentPartAudio
    | ChatCompletionRequestMessageContentPartFile,
    Field(discriminator="type"),
]
_AssistantPart = Annotated[
    _Text | ChatCompletionRequestMessageContentPartRefusal, Field(discriminator="type")
]


class FunctionCalled(Shape):
    name: Name
    arguments: str
    """JSON text."""


class ChatCompletionMessageToolCall(Shape):
    """A call of a function."""

    id: str
    type: Literal["function"]
    function: FunctionCalled


class CustomCalled(Shape):
    name: Name
    input: str


class ChatCompletionMessageCustomToolCall(Shape):
    """A call of a custom tool."""

    id: str
    type: Literal["custom"]
    custom: CustomCalled


Called = Annotated[
    ChatCompletionMessageToolCall | ChatCompletionMessageCustomToolCall, Field(discriminator="type")
]


class ChatCompletionRequestDeveloperMessage(Shape):
    """What the application demands; newer models take it for `system`."""

    role: Literal["developer"]
    content: Texts
    name: str = absent()


class ChatCompletionRequestSystemMessage(Shape):
    """What the application demands."""

    role: Literal["system"]
    content: Texts
    name: str = absent()


class ChatCompletionRequestUserMessage(Shape):
    """What the user says or shows."""

    role: Literal["user"]
    content: str | Annotated[list[_UserPart], Field(min_length=1)]
    name: str = absent()


class AudioSaid(Shape):
    id: str


class ChatCompletionRequestAssistantMessage(Shape):
    """What was answered before; without content it holds calls or a refusal."""

    role: Literal["assistant"]
    content: str | Annotated[list[_AssistantPart], Field(min_length=1)] | None = None
    refusal: str | None = None
    name: str = absent()
    audio: AudioSaid | None = None
    tool_calls: Annotated[list[Called], Field(min_length=1)] | None = None
    function_call: Annotated[FunctionCalled | None, Field(deprecated=True)] = None


class ChatCompletionRequestToolMessage(Shape):
    """What a tool gave back."""

    role: Literal["tool"]
    content: Texts
    tool_call_id: str
    """Which call this answers."""


class ChatCompletionRequestFunctionMessage(Shape):
    """What a function gave back, the older way."""

    role: Literal["function"]
    content: str | None
    name: Name


ChatCompletionRequestMessage = Annotated[
    ChatCompletionRequestDeveloperMessage
    | ChatCompletionRequestSystemMessage
    | ChatCompletionRequestUserMessage
    | ChatCompletionRequestAssistantMessage
    | ChatCompletionRequestToolMessage
    | ChatCompletionRequestFunctionMessage,
    Field(discriminator="role"),
]


class FunctionObject(Shape):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    """A JSON Schema of the arguments."""
    strict: bool | None = None


class ChatCompletionTool(Shape):
    """A function that may be called."""

    type: Literal["function"]
    function: FunctionObject


class CustomObject(Shape):
    name: Name
    description: str | None = None
    format: dict[str, Any] = absent()


class CustomToolChatCompletions(Shape):
    """A tool that takes any text."""

    type: Literal["custom"]
    custom: CustomObject


Tool = Annotated[ChatCompletionTool | CustomToolChatCompletions, Field(discriminator="type")]


class Named(Shape):
    name: Name


class ChatCompletionNamedToolChoice(Shape):
    """This function is to be called."""

    type: Literal["function"]
    function: Named


class ChatCompletionNamedToolChoiceCustom(Shape):
    """This custom tool is to be called."""

    type: Literal["custom"]
    custom: Named


class AllowedTools(Shape):
    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class ChatCompletionAllowedToolsChoice(Shape):
    """Some of the tools may, or one of them must, be called."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ToolChoice = (
    Literal["none", "auto", "required"]
    | Annotated[
        ChatCompletionNamedToolChoice
        | ChatCompletionNamedToolChoiceCustom
        | ChatCompletionAllowedToolsChoice,
        Field(discriminator="type"),
    ]
)
