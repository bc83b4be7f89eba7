"""POST /embeddings: a vector for each text, or what a script that is no answer in words says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fake_server.api import errors, tokens
from fake_server.api import vectors as embedding
from fake_server.api.reply import ErrorReply, NumbersReply, RawReply
from fake_server.api.request import ApiRequest
from fake_server.api.validate import models
from fake_server.api.validate.completions import CONTEXT_SIZES
from fake_server.api.validate.embeddings import validate_embeddings
from fake_server.server.answer import wordless
from fake_server.server.handling import RequestContext, operation
from fake_server.server.routes import completion
from fake_server.server.routes.models import knows
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space
from fake_server.wire.delivery import Delivery, fixed_length


async def _answer(visit: RequestContext) -> Delivery:
    asked, told = visit.asking.body, _told(visit.asking, visit.settings, visit.space)
    if told is not None:
        visit.entry.script, visit.faults = told.script, told.faults
    if isinstance(told, (ErrorReply, RawReply)):
        return completion.direct_delivery(told, visit.settings.seed)
    vector = told.embedding if told else None
    style = visit.style
    visit.tokens = count = sum(max(tokens.count(text), 1) for text in tokens.prompt_texts(asked["input"]))
    body = await asyncio.to_thread(lambda: style.serialize(embeddings_of(asked, count, vector)))
    return fixed_length(200, (completion.JSON, *completion.rate_limits(count)), body)


create_embeddings = operation(_answer)


def embeddings_of(
    asked: Mapping[str, Any], count: int, same: Sequence[float] | None = None
) -> dict[str, Any]:
    """The API's list of embeddings for a good request of `count` tokens; `same`: the vector of every text."""
    model, packed, size = asked["model"], asked.get("encoding_format") == "base64", asked.get("dimensions")
    vectors = (
        embedding.make_vector(model, text, size) if same is None else list(same)
        for text in tokens.prompt_texts(asked["input"])
    )
    data = [
        {"object": "embedding", "index": index, "embedding": embedding.encode_base64(one) if packed else one}
        for index, one in enumerate(vectors)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _told(
    asking: ApiRequest, settings: Settings, space: Space
) -> ErrorReply | RawReply | NumbersReply | None:
    """What is answered instead of vectors: a refusal, or a script's, for whom a user said the texts."""
    asked = asking.body
    refusal = validate_embeddings(asked)
    if refusal is not None:
        return refusal
    if not knows(settings, asked["model"]):
        return errors.model_not_found(asked["model"])
    if asked["model"] in CONTEXT_SIZES or models.is_chat_model(asked["model"]):
        return errors.model_cannot_embed()
    chat = asking.but(as_chat(asked))
    return wordless(chat, space.book, space.state, strict=settings.strict, seed=settings.seed)


def as_chat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a chat in which a user said its texts, for the conditions of scripts."""
    said = [{"role": "user", "content": text} for text in tokens.prompt_texts(asked["input"])]
    return {**asked, "messages": said}
