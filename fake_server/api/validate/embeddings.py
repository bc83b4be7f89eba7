"""The members of an embeddings request as a table, and the checks across members.

Source: the API reference of embeddings and genuine traffic, in which a single empty text is accepted, but not
one in an array.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api import tokens, vectors
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import MEMBERS as CHAT
from fake_server.api.validate.checks import Check, Invalid, integer, one_of, string
from fake_server.api.validate.completions import TEXTS_OR_TOKENS, check_context, malformed
from fake_server.api.validate.containers import array, find_refusal, nullable

MOST_INPUTS, MOST_TOKENS, MOST_TOKENS_TOGETHER = 2048, 8192, 300_000
REQUIRED: Mapping[str, Check] = {
    "model": CHAT["model"].documented(examples=list(vectors.SIZES)),
    "input": TEXTS_OR_TOKENS.documented("A text, its tokens, or several of either."),
}
MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "dimensions": nullable(integer(1)).documented(
        "The dimensions of the vectors, at most those of the model.",
        maximum=max(vectors.SIZES.values()),
    ),
    "encoding_format": nullable(one_of("float", "base64")).documented(
        "Numbers, or base64 of little-endian 32-bit floats."
    ),
    "user": CHAT["user"],
}


def validate_embeddings(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for an embeddings request that OpenAI would refuse, None for a valid one."""
    return find_refusal(request, REQUIRED, MEMBERS, _check_dimensions, _check_lengths)


def _check_dimensions(request: Mapping[str, Any]) -> None:
    dimensions, model = request.get("dimensions"), request["model"]
    if dimensions is not None and model == vectors.FIXED_SIZE_MODEL:
        raise Invalid("This model does not support specifying dimensions.")
    if dimensions is not None:
        integer(1, vectors.vector_size(model)).validate(dimensions, "dimensions")


def _check_lengths(request: Mapping[str, Any]) -> None:
    prompt = request["input"]
    texts = tokens.prompt_texts(prompt)
    array(string(), most=MOST_INPUTS).validate(texts, "input")
    if isinstance(prompt, list) and "" in texts:
        raise malformed("input")
    costs = [tokens.count(text) for text in texts]
    check_context(MOST_TOKENS, max(costs), 0)
    if sum(costs) > MOST_TOKENS_TOGETHER:
        message = f"Requested {sum(costs)} tokens, max {MOST_TOKENS_TOGETHER} tokens per request"
        raise Invalid(message, code="max_tokens_per_request", kind="max_tokens_per_request")
