"""POST /embeddings: a vector for each text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fake_server import embedding, errors, validate
from fake_server.edge import STYLE, error_response
from fake_server.reply import Timing
from fake_server.routes import answering
from fake_server.routes.models import knows
from fake_server.settings import Settings


async def create_embeddings(request: Request) -> Response:
    settings: Settings = request.app.state.settings
    came = await answering.read(request)
    if isinstance(came, Response):
        return came
    raw, asked = came
    refusal = validate.embeddings(asked)
    if refusal is None and not knows(settings, asked["model"]):
        refusal = errors.model_not_found(asked["model"])
    if refusal is not None:
        return error_response(refusal)
    style = settings.style_of(raw)
    request.scope[STYLE] = style
    body = embeddings_of(asked)
    headers = answering.rate_limits(body["usage"]["total_tokens"])
    return answering.whole(style.json(body), Timing(), {"content-type": "application/json", **headers})


def embeddings_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The API's list of embeddings for a good request."""
    model, packed = asked["model"], asked.get("encoding_format") == "base64"
    data, count = [], 0
    for index, one in enumerate(embedding.inputs(asked)):
        numbers = embedding.vector(model, one, asked.get("dimensions"))
        written = embedding.encoded(numbers) if packed else numbers
        data.append({"object": "embedding", "index": index, "embedding": written})
        count += embedding.cost(one)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": model, "usage": usage}
