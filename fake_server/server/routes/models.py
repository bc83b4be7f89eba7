"""GET /models, GET and DELETE /models/{id}: a small catalogue, or the models the server was given."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from fake_server.api import errors
from fake_server.api.validate.models import is_served
from fake_server.command_line import kit_version
from fake_server.server.deliveries import deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.wire.datafile import read_yaml
from fake_server.wire.delivery import Delivery, fixed_length

_SOME_DAY = 1686935002
_TUNED = re.compile(r"ft:[^:]+:[^:]+:|.+:ft-")
"""How the name of a fine-tuned model is made: `ft:gpt-4.1-mini:team::id`, of old `babbage:ft-team:name`."""
_PLACES = ("/v1/models", "/docs", "/openapi.json", "/health", "/metrics", "/__fake__")


@cache
def catalogue() -> Mapping[str, tuple[int, str]]:
    """Names with `created` (Unix seconds) and `owned_by`."""
    return read_yaml(Path(__file__).with_suffix(".yaml"))


def model_object(model: str) -> dict[str, Any]:
    """The API's model object."""
    created, owner = catalogue().get(model, (_SOME_DAY, "system"))
    return {"id": model, "object": "model", "created": created, "owned_by": owner}


def list_models(context: RequestContext) -> Delivery:
    """The models of the catalogue, or those that the server was given."""
    settings = context.settings
    names = catalogue() if settings.models is None else settings.models
    models = [model_object(name) for name in names if is_served(name, settings.models)]
    return deliver_json(context.style.serialize({"object": "list", "data": models}))


def retrieve_model(context: RequestContext) -> Delivery:
    """One model; without `models` in the settings any name has one."""
    model = context.parameters["model"]
    if not model:
        return refuse(errors.invalid_url(context.method, context.path))
    if not is_served(model, context.settings.models):
        return refuse(errors.no_such_model(model))
    return deliver_json(context.style.serialize(model_object(model)))


def delete_model(context: RequestContext) -> Delivery:
    """Fine-tuned models can be deleted, any number of times: this server has them all."""
    model = context.parameters["model"]
    if not _TUNED.search(model) or not is_served(model, context.settings.models):
        return refuse(errors.no_such_model(model))
    return deliver_json(context.style.serialize({"id": model, "object": "model", "deleted": True}))


def health(context: RequestContext) -> Delivery:
    """That the server runs, which version, and for how many seconds."""
    uptime = round(time.monotonic() - context.settings.started, 3)
    body = {"status": "ok", "version": kit_version() or "unknown", "uptime": uptime}
    return deliver_json(context.style.serialize(body))


def welcome(context: RequestContext) -> Delivery:
    """What this server is, for those who look at its root; a browser gets links."""
    name = "fake OpenAI server of openai-contract-kit"
    if context.settings.inspector and "text/html" in context.fields.get("accept", ""):
        return _links(name, context.scope.get("root_path", ""))
    body = {"server": name, "version": kit_version() or "unknown", "see": _PLACES}
    return deliver_json(context.style.serialize(body))


def _links(name: str, root: str) -> Delivery:
    """The same as a page; its links begin with `root`, where the app is mounted."""
    below = escape(root)
    links = [("/__fake__/", "The inspector: requests as they come, and what to do about them")]
    links += [("/docs", "The API, to try"), ("/v1/models", "Models")]
    items = "".join(f'<li><a href="{below}{path}">{words}</a>' for path, words in links)
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title><h1>{name}</h1><ul>{items}</ul>"
    return fixed_length(200, (("content-type", "text/html; charset=utf-8"), ("vary", "accept")), page.encode())
