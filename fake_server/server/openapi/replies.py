"""What replies hold beside those about chat, as the API reference names it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from fake_server.api.moderation import SEEN_IN_PICTURES, categories
from fake_server.server.openapi.chat_replies import Answered, CompletionUsage, Count, Seconds
from fake_server.server.openapi.shapes import Shape, absent


class Error(Shape):
    message: str
    """What is wrong, in words."""
    type: str
    param: str | None
    """Which member of the request is meant."""
    code: str | None


class ErrorResponse(Shape):
    """Why a request was refused."""

    error: Error


class CompletionLogprobs(Shape):
    """Parallel lists, an entry for each token."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[Count]


class CompletionChoice(Shape):
    index: Count
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length", "content_filter"] | None
    """null until the last chunk of a stream."""


class Completion(Answered):
    """A continued text; the events of a streamed one have the same members."""

    object: Literal["text_completion"]
    choices: list[CompletionChoice]
    usage: CompletionUsage | None = None


class Embedding(Shape):
    object: Literal["embedding"]
    index: Count
    embedding: list[float] | str
    """Numbers, or base64 of little-endian 32-bit floats."""


class EmbeddingUsage(Shape):
    prompt_tokens: Count
    total_tokens: Count


class CreateEmbeddingResponse(Shape):
    """Vectors in the order of the texts."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(Shape):
    """A model that can be asked."""

    id: str
    object: Literal["model"]
    created: Seconds
    owned_by: str


class ListModelsResponse(Shape):
    object: Literal["list"]
    data: list[Model]


class DeleteModelResponse(Shape):
    """A fine-tuned model that was deleted."""

    id: str
    object: Literal["model"]
    deleted: bool


_NEW, _OLD = categories("omni"), categories("text")
_Score = Annotated[float, Field(ge=0, le=1)]


def _by_category(title: str, of: dict[str, Any]) -> type[BaseModel]:
    """A member for each category; the text models leave out those they do not know."""
    members: Any = {name: (kind, ... if name in _OLD else absent()) for name, kind in of.items()}
    return create_model(title, __base__=Shape, **members)


_seen = {
    name: list[Literal["text", "image"]] if name in SEEN_IN_PICTURES else list[Literal["text"]]
    for name in _NEW
}
Categories = _by_category("ModerationCategories", dict.fromkeys(_NEW, bool))
Scores = _by_category("ModerationCategoryScores", dict.fromkeys(_NEW, _Score))
InputTypes = _by_category("ModerationAppliedInputTypes", _seen)


class Moderation(Shape):
    """What is said of one input."""

    flagged: bool
    """Whether any category is."""
    categories: Categories  # type: ignore[valid-type]
    category_scores: Scores  # type: ignore[valid-type]
    category_applied_input_types: InputTypes = absent()  # type: ignore[valid-type]
    """Which kinds of input were judged; the text models do not say."""


class CreateModerationResponse(Shape):
    """A result for each input."""

    id: str
    model: str
    results: list[Moderation]


class Health(Shape):
    status: Literal["ok"]
