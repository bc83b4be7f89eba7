"""The members of an embeddings request as a table, and what must hold between them.

Source: the API reference of embeddings. An empty text is fine: genuine traffic has it answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server import embedding
from fake_server.reply import ErrorReply
from fake_server.validate.chat import LONGEST_MODEL
from fake_server.validate.checks import Check, Invalid, checked_members, integer, nullable, string, word
from fake_server.validate.completions import texts_or_tokens

MOST_INPUTS, MOST_TOKENS = 2048, 8192
REQUIRED: Mapping[str, Check] = {"model": string(least=1, most=LONGEST_MODEL), "input": texts_or_tokens}
MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "dimensions": nullable(integer(1)),
    "encoding_format": nullable(word("float", "base64")),
    "user": string(),
}


def embeddings(request: Mapping[str, Any]) -> ErrorReply | None:
    """The 400 of an embeddings request that OpenAI refuses, None for a good one."""
    try:
        checked_members(request, REQUIRED, MEMBERS)
        _within(request)
    except Invalid as invalid:
        return invalid.reply
    return None


def _within(request: Mapping[str, Any]) -> None:
    inputs = embedding.inputs(request)
    if len(inputs) > MOST_INPUTS:
        message = f"'input' holds {len(inputs)} texts; at most {MOST_INPUTS} are allowed."
        raise Invalid(message, "input", None)
    longest = max(map(embedding.cost, inputs))
    if longest > MOST_TOKENS:
        message = (
            f"This model's maximum context length is {MOST_TOKENS} tokens, but an input has {longest} tokens."
        )
        raise Invalid(message, "input", "context_length_exceeded")
    wanted, model = request.get("dimensions"), request["model"]
    if wanted is not None and model == embedding.FIXED:
        raise Invalid("This model does not support specifying dimensions.", "dimensions", None)
    if wanted is not None and wanted > embedding.size(model):
        message = f"Invalid 'dimensions': {wanted} is above {embedding.size(model)}, the size of this model."
        raise Invalid(message, "dimensions", None)
