"""POST /embeddings: a vector for each text. Of the scripts those with an error or raw bytes answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fake_server import embedding, errors, tokens, validate
from fake_server.answer import wordless
from fake_server.asking import Asking
from fake_server.edge import STYLE
from fake_server.reply import ErrorReply, RawReply, Timing
from fake_server.routes import answering
from fake_server.routes.models import knows
from fake_server.settings import Settings
from fake_server.space import SPACE, Space
from fake_server.validate.completions import CONTEXTS


async def create_embeddings(request: Request) -> Response:
    settings: Settings = request.app.state.settings
    came = await answering.read(request)
    if isinstance(came, Response):
        return came
    raw, asking = came
    asked = asking.body
    told = _told(asking, settings, request.scope[SPACE])
    if told is not None:
        return answering.untold(told, settings.seed)
    style = settings.style_of(raw)
    request.scope[STYLE] = style
    count = sum(max(tokens.count(text), 1) for text in tokens.texts(asked["input"]))
    body = await asyncio.to_thread(lambda: style.json(embeddings_of(asked, count)))
    headers = {"content-type": "application/json", **answering.rate_limits(count)}
    return answering.whole(body, Timing(), headers)


def embeddings_of(asked: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The API's list of embeddings for a good request of `count` tokens."""
    model, packed, size = asked["model"], asked.get("encoding_format") == "base64", asked.get("dimensions")
    vectors = (embedding.vector(model, text, size) for text in tokens.texts(asked["input"]))
    data = [
        {"object": "embedding", "index": index, "embedding": embedding.encoded(one) if packed else one}
        for index, one in enumerate(vectors)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _told(asking: Asking, settings: Settings, space: Space) -> ErrorReply | RawReply | None:
    """What is answered instead of vectors: a refusal, or a script's, for whom a user said the texts."""
    asked = asking.body
    refusal = validate.embeddings(asked)
    if refusal is not None:
        return refusal
    if not knows(settings, asked["model"]):
        return errors.model_not_found(asked["model"])
    if asked["model"] in CONTEXTS:
        return errors.not_for_embeddings()
    said = [{"role": "user", "content": text} for text in tokens.texts(asked["input"])]
    return wordless(asking.but({"model": asked["model"], "messages": said}), space.book, space.state)
