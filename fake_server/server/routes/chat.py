"""POST /chat/completions."""

from __future__ import annotations

from fake_server.api import errors, vectors
from fake_server.api.render import chat as render
from fake_server.api.reply import ErrorReply, RawReply, Reply
from fake_server.api.request import ApiRequest
from fake_server.api.validate.chat import validate_chat
from fake_server.api.validate.completions import CONTEXT_SIZES
from fake_server.server.answer import answer
from fake_server.server.handling import operation
from fake_server.server.routes import completion
from fake_server.server.routes.models import knows
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space


def reply_to(asking: ApiRequest, settings: Settings, space: Space) -> Reply | ErrorReply | RawReply:
    """What to answer: a refusal of a bad request, else what the scripts and the settings say."""
    refusal = validate_chat(asking.body)
    if refusal is not None:
        return refusal
    if not knows(settings, asking.model):
        return errors.model_not_found(asking.model)
    if asking.model in CONTEXT_SIZES:
        return errors.not_a_chat_model()
    if asking.model in vectors.SIZES:
        return errors.model_cannot_complete()
    return answer(
        asking,
        space.book,
        space.state,
        strict=settings.strict,
        seed=settings.seed,
        models=settings.models,
    )


create_chat_completion = operation(completion.completion(reply_to, render))
