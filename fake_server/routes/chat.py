"""POST /chat/completions."""

from __future__ import annotations

from fake_server import embedding, errors, validate
from fake_server.answer import answer
from fake_server.asking import Asking
from fake_server.render import chat as render
from fake_server.reply import ErrorReply, RawReply, Reply
from fake_server.routes import answering
from fake_server.routes.models import knows
from fake_server.routes.visit import operation
from fake_server.settings import Settings
from fake_server.space import Space
from fake_server.validate.completions import CONTEXTS


def reply_to(asking: Asking, settings: Settings, space: Space) -> Reply | ErrorReply | RawReply:
    """What to answer: a refusal of a bad request, else what the scripts and the settings say."""
    refusal = validate.chat(asking.body)
    if refusal is not None:
        return refusal
    if not knows(settings, asking.model):
        return errors.model_not_found(asking.model)
    if asking.model in CONTEXTS:
        return errors.not_a_chat_model()
    if asking.model in embedding.SIZES:
        return errors.not_for_completions()
    return answer(
        asking,
        space.book,
        space.state,
        strict=settings.strict,
        seed=settings.seed,
        models=settings.models,
    )


create_chat_completion = operation(answering.completion(reply_to, render))
