"""POST /moderations: made-up scores, or what a script that is no answer in words says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fake_server.api import errors, moderation
from fake_server.api.render.style import new_id
from fake_server.api.reply import ErrorReply, RawReply
from fake_server.api.validate.models import is_served
from fake_server.api.validate.moderations import MODELS, validate_moderations
from fake_server.server.deliveries import deliver_directly, deliver_json, refuse
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.embeddings import scripted_numbers
from fake_server.wire.delivery import Delivery

Input = tuple[list[str], int]
"""The texts and the number of pictures of one input."""


def create_moderation(context: RequestContext) -> Delivery:
    """Scores of each input."""
    body, settings = context.request.body, context.settings
    model = body.get("model") or MODELS[0]
    if isinstance(model, str) and not is_served(model, settings.models):
        return refuse(errors.model_not_found(model))
    refusal = validate_moderations(body)
    if refusal is not None:
        return refuse(refusal)
    scripted = scripted_numbers(context, as_chat(body))
    if isinstance(scripted, (ErrorReply, RawReply)):
        return deliver_directly(scripted, settings.seed)
    style, given, flagged = context.style, inputs(body["input"]), scripted.flagged
    return deliver_json(style.serialize(_body(model, given, settings.seed, flagged)))


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a chat in which a user said its texts, for the conditions of scripts."""
    messages = [{"role": "user", "content": text} for texts, _ in inputs(body["input"]) for text in texts]
    return {**body, "model": body.get("model") or MODELS[0], "messages": messages}


def _body(model: str, given: list[Input], seed: int, flagged: Sequence[str] | None) -> Mapping[str, Any]:
    results = [moderation.judge_input(model, texts, pictures, seed, flagged) for texts, pictures in given]
    served = "text-moderation-007" if model.startswith("text-") else model  # old aliases name a snapshot
    return {"id": new_id("modr-", 29), "model": served, "results": results}


def inputs(given: Any) -> list[Input]:
    """What is asked about, one entry for each result: every text by itself, parts together."""
    if isinstance(given, str):
        return [([given], 0)]
    if isinstance(given[0], str):
        return [([text], 0) for text in given]
    texts = [part["text"] for part in given if part["type"] == "text"]
    return [(texts, sum(part["type"] == "image_url" for part in given))]
