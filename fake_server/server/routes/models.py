"""GET /models, GET and DELETE /models/{id}: a small catalogue, or the models the server was given."""

from __future__ import annotations

import re
from typing import Any

from fake_server.api import errors
from fake_server.api.validate.models import is_served
from fake_server.server.deliveries import deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.wire.delivery import Delivery

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


def model_object(model: str) -> dict[str, Any]:
    """The API's model object."""
    created, owner = CATALOGUE.get(model, (_SOME_DAY, "system"))
    return {"id": model, "object": "model", "created": created, "owned_by": owner}


async def list_models(context: RequestContext) -> Delivery:
    """The models of the catalogue, or those that the server was given."""
    settings = context.settings
    names = CATALOGUE if settings.models is None else settings.models
    models = [model_object(name) for name in names if is_served(name, settings.models)]
    return deliver_json(context.style.serialize({"object": "list", "data": models}))


async def retrieve_model(context: RequestContext) -> Delivery:
    """One model; without `models` in the settings any name has one."""
    model = context.parameters["model"]
    if not model:
        return refuse(errors.invalid_url(context.method, context.path))
    if not is_served(model, context.settings.models):
        return refuse(errors.no_such_model(model))
    return deliver_json(context.style.serialize(model_object(model)))


async def delete_model(context: RequestContext) -> Delivery:
    """Fine-tuned models can be deleted, any number of times: this server has them all."""
    model = context.parameters["model"]
    if not _TUNED.search(model) or not is_served(model, context.settings.models):
        return refuse(errors.no_such_model(model))
    return deliver_json(context.style.serialize({"id": model, "object": "model", "deleted": True}))


async def health(context: RequestContext) -> Delivery:
    """That the server runs."""
    return deliver_json(context.style.serialize({"status": "ok"}))
