"""Reply bodies other than chat, with the component names of the API reference."""

from __future__ import annotations

from collections.abc import Callable

from fake_server.api.moderation import SEEN_IN_PICTURES, categories
from fake_server.api.validate.checks import Check, anything, boolean, number, one_of
from fake_server.api.validate.containers import array, by_type, mapping, members, nullable
from fake_server.server.openapi.chat_replies import (
    COMPLETION_ID,
    COUNT,
    FINGERPRINT,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    USAGE,
)

ERROR = members(
    {
        "error": members(
            {
                "message": TEXT.documented("What is wrong, in plain words."),
                "type": TEXT,
                "param": TEXT_OR_NULL.documented("The request member at fault."),
                "code": TEXT_OR_NULL,
            }
        ).named("Error")
    }
).named("ErrorResponse", "Why a request was refused.")

_LOGPROBS = members(
    {
        "tokens": array(TEXT),
        "token_logprobs": array(nullable(number())),
        "top_logprobs": nullable(array(nullable(mapping(number())))),
        "text_offset": array(COUNT),
    }
).named("CompletionLogprobs", "Parallel lists with one entry per token.")
_CHOICE = members(
    {
        "index": COUNT,
        "text": TEXT,
        "logprobs": nullable(_LOGPROBS),
        "finish_reason": nullable(one_of("stop", "length", "content_filter")).documented(
            "null until the last chunk of a stream."
        ),
    }
).named("CompletionChoice")
COMPLETION = members(
    {**COMPLETION_ID, "object": one_of("text_completion"), "choices": array(_CHOICE)},
    {**FINGERPRINT, "usage": nullable(USAGE)},
).named("Completion", "A continued text; the events of a stream have the same members.")

_EMBEDDING = members(
    {
        "object": one_of("embedding"),
        "index": COUNT,
        "embedding": by_type("an array or a string", array=array(number()), string=anything).documented(
            "Numbers, or base64 of little-endian 32-bit floats."
        ),
    }
).named("Embedding")
EMBEDDINGS = members(
    {
        "object": one_of("list"),
        "data": array(_EMBEDDING),
        "model": TEXT,
        "usage": members({"prompt_tokens": COUNT, "total_tokens": COUNT}).named("EmbeddingUsage"),
    }
).named("CreateEmbeddingResponse", "The vectors, in the order of the texts.")

_MODEL_ID = {"id": TEXT, "object": one_of("model")}
MODEL = members({**_MODEL_ID, "created": SECONDS, "owned_by": TEXT}).named(
    "Model", "A model that can be used."
)
MODEL_LIST = members({"object": one_of("list"), "data": array(MODEL)}).named("ListModelsResponse")
MODEL_DELETED = members({**_MODEL_ID, "deleted": boolean}).named(
    "DeleteModelResponse", "The deleted fine-tuned model."
)

_OLD = categories("text")


def _by_category(component: str, check: Callable[[str], Check], description: str = "") -> Check:
    """An object with a member for each category; those that the text models lack are optional."""
    new = categories("omni")
    return members(
        {name: check(name) for name in new if name in _OLD},
        {name: check(name) for name in new if name not in _OLD},
    ).named(component, description)


def _input_types(category: str) -> Check:
    return array(one_of("text", "image") if category in SEEN_IN_PICTURES else one_of("text"))


_MODERATION = members(
    {
        "flagged": boolean.documented("Whether any category is flagged."),
        "categories": _by_category("ModerationCategories", lambda name: boolean),
        "category_scores": _by_category("ModerationCategoryScores", lambda name: number(0, 1)),
    },
    {
        "category_applied_input_types": _by_category("ModerationAppliedInputTypes", _input_types).documented(
            "Which kinds of input were scored; the text models do not report it."
        )
    },
).named("Moderation", "The result for one input.")
MODERATIONS = members({"id": TEXT, "model": TEXT, "results": array(_MODERATION)}).named(
    "CreateModerationResponse", "A result for each input."
)

HEALTH = members({"status": one_of("ok")}).named("Health")
