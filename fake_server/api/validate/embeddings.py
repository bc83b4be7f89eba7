"""The members of an embeddings request as a table, and what must hold between them.

Source: the API reference of embeddings and genuine traffic, which has one empty text answered; in an array
OpenAI refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api import tokens, vectors
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import MEMBERS as CHAT
from fake_server.api.validate.checks import Check, Invalid, integer, string, word
from fake_server.api.validate.completions import TEXTS_OR_TOKENS, fits, malformed
from fake_server.api.validate.containers import array, checked_members, nullable

MOST_INPUTS, MOST_TOKENS, MOST_TOKENS_TOGETHER = 2048, 8192, 300_000
REQUIRED: Mapping[str, Check] = {
    "model": CHAT["model"].documented(examples=list(vectors.SIZES)),
    "input": TEXTS_OR_TOKENS.documented("A text or its tokens, or several."),
}
MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "dimensions": nullable(integer(1)).documented(
        "How many numbers a vector has; no more than the model's vectors have.",
        maximum=max(vectors.SIZES.values()),
    ),
    "encoding_format": nullable(word("float", "base64")).documented(
        "Numbers, or base64 of little-endian 32-bit floats."
    ),
    "user": CHAT["user"],
}


def validate_embeddings(request: Mapping[str, Any]) -> ErrorReply | None:
    """The 400 of an embeddings request that OpenAI refuses, None for a good one."""
    try:
        checked_members(request, REQUIRED, MEMBERS)
        _sized(request)
        return _within(request)
    except Invalid as invalid:
        return invalid.reply


def _sized(request: Mapping[str, Any]) -> None:
    wanted, model = request.get("dimensions"), request["model"]
    if wanted is not None and model == vectors.FIXED:
        raise Invalid("This model does not support specifying dimensions.", None, None)
    if wanted is not None:
        integer(1, vectors.size(model)).validate(wanted, "dimensions")


def _within(request: Mapping[str, Any]) -> ErrorReply | None:
    given = request["input"]
    texts = tokens.texts(given)
    array(string(), most=MOST_INPUTS).validate(texts, "input")
    if isinstance(given, list) and "" in texts:
        raise malformed("input")
    costs = [tokens.count(text) for text in texts]
    fits(MOST_TOKENS, max(costs), 0)
    if sum(costs) > MOST_TOKENS_TOGETHER:
        message = f"Requested {sum(costs)} tokens, max {MOST_TOKENS_TOGETHER} tokens per request"
        code = "max_tokens_per_request"
        return ErrorReply(400, message, type=code, code=code)
    return None
