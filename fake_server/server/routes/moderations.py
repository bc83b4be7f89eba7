"""POST /moderations: made-up scores, or what a script that is no answer in words says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fake_server.api import errors, moderation
from fake_server.api.render.style import new_id
from fake_server.api.reply import ErrorReply, RawReply
from fake_server.api.validate.moderations import MODELS, validate_moderations
from fake_server.server.answer import wordless
from fake_server.server.handling import RequestContext, operation, refusal
from fake_server.server.routes import completion
from fake_server.server.routes.models import knows
from fake_server.wire.delivery import Delivery, fixed_length

Told = tuple[list[str], int]
"""The texts and the number of pictures of one input."""


async def _answer(visit: RequestContext) -> Delivery:
    asked = visit.asking.body
    model = asked.get("model") or MODELS[0]
    if isinstance(model, str) and not knows(visit.settings, model):
        return refusal(errors.model_not_found(model))
    refused = validate_moderations(asked)
    if refused is not None:
        return refusal(refused)
    told, settings, space = inputs(asked["input"]), visit.settings, visit.space
    chat = visit.asking.but(as_chat(asked))
    scripted = wordless(chat, space.book, space.state, strict=settings.strict, seed=settings.seed)
    if scripted is not None:
        visit.entry.script, visit.faults = scripted.script, scripted.faults
    if isinstance(scripted, (ErrorReply, RawReply)):
        return completion.direct_delivery(scripted, settings.seed)
    flagged = scripted.flagged if scripted else None
    style = visit.style
    body = await asyncio.to_thread(lambda: style.serialize(_body(model, told, settings.seed, flagged)))
    return fixed_length(200, (completion.JSON,), body)


def as_chat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a chat in which a user said its texts, for the conditions of scripts."""
    said = [{"role": "user", "content": text} for texts, _ in inputs(asked["input"]) for text in texts]
    return {**asked, "model": asked.get("model") or MODELS[0], "messages": said}


def _body(model: str, told: list[Told], seed: int, flagged: Sequence[str] | None) -> Mapping[str, Any]:
    results = [moderation.judge_input(model, texts, pictures, seed, flagged) for texts, pictures in told]
    return {"id": new_id("modr-", 29), "model": _served(model), "results": results}


def _served(model: str) -> str:
    """The name that answers: that of a snapshot for the old aliases, as api.openai.com does."""
    return "text-moderation-007" if model.startswith("text-") else model


def inputs(given: Any) -> list[Told]:
    """What is asked about, one entry for each result: every text by itself, parts together."""
    if isinstance(given, str):
        return [([given], 0)]
    if isinstance(given[0], str):
        return [([text], 0) for text in given]
    texts = [part["text"] for part in given if part["type"] == "text"]
    return [(texts, sum(part["type"] == "image_url" for part in given))]


create_moderation = operation(_answer)
