"""GET /models, GET and DELETE /models/{id}: a small catalogue, or the models the server was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fake_server.api import errors
from fake_server.server.handling import RequestContext, operation, refusal
from fake_server.server.settings import Settings
from fake_server.wire.delivery import Delivery, fixed_length

UNKNOWN_PREFIX = "no-such-model"
"""Names that begin so are never known, whatever the settings: the way to ask for a 404."""

CATALOGUE: dict[str, tuple[int, str]] = {
    "gpt-3.5-turbo": (1677610602, "openai"),
    "gpt-4": (1687882411, "openai"),
    "gpt-4o": (1715367049, "system"),
    "gpt-4o-mini": (1721172741, "system"),
    "gpt-4.1": (1744316542, "system"),
    "gpt-4.1-mini": (1744318173, "system"),
    "gpt-4.1-nano": (1744321025, "system"),
    "o3-mini": (1737146383, "system"),
    "o4-mini": (1744225351, "system"),
    "gpt-5": (1754425777, "system"),
    "gpt-5-mini": (1754425928, "system"),
    "gpt-3.5-turbo-instruct": (1692901427, "system"),
    "davinci-002": (1692634301, "system"),
    "babbage-002": (1692634615, "system"),
    "text-embedding-3-small": (1705948997, "system"),
    "text-embedding-3-large": (1705953180, "system"),
    "text-embedding-ada-002": (1671217299, "openai-internal"),
}
"""Names with `created` (Unix seconds) and `owned_by`."""

_SOME_DAY = 1686935002
_TUNED = re.compile(r"ft:[^:]+:[^:]+:|.+:ft-")
"""How the name of a fine-tuned model is made: `ft:gpt-4.1-mini:team::id`, of old `babbage:ft-team:name`."""


def knows(settings: Settings, model: str) -> bool:
    """Whether the server answers for this model."""
    if not model.strip() or model.startswith(UNKNOWN_PREFIX):
        return False
    return settings.models is None or model in settings.models


def model_object(model: str) -> dict[str, Any]:
    """The API's model object."""
    created, owner = CATALOGUE.get(model, (_SOME_DAY, "system"))
    return {"id": model, "object": "model", "created": created, "owned_by": owner}


async def _list(visit: RequestContext) -> Delivery:
    settings = visit.settings
    names = CATALOGUE if settings.models is None else settings.models
    shown = [model_object(name) for name in names if knows(settings, name)]
    return _json(visit, {"object": "list", "data": shown})


async def _retrieve(visit: RequestContext) -> Delivery:
    model = visit.request.path_params["model"]
    if not model:
        return refusal(errors.invalid_url(visit.entry.method, visit.entry.path))
    if not knows(visit.settings, model):
        return refusal(errors.no_such_model(model))
    return _json(visit, model_object(model))


async def _delete(visit: RequestContext) -> Delivery:
    """Fine-tuned models can be deleted, as many times as one likes: this server has them all."""
    model = visit.request.path_params["model"]
    if not _TUNED.search(model) or not knows(visit.settings, model):
        return refusal(errors.no_such_model(model))
    return _json(visit, {"id": model, "object": "model", "deleted": True})


async def _health(visit: RequestContext) -> Delivery:
    return _json(visit, {"status": "ok"})


list_models, retrieve_model, delete_model, health = (
    operation(one, reads=False) for one in (_list, _retrieve, _delete, _health)
)


def _json(visit: RequestContext, value: Mapping[str, Any]) -> Delivery:
    return fixed_length(200, (("content-type", "application/json"),), visit.style.serialize(value))
