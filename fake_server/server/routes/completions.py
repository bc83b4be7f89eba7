"""POST /completions: each prompt is answered as the chat whose only message it is, so scripts answer too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fake_server.api import errors, limits, tokens, vectors
from fake_server.api.render import completions as render
from fake_server.api.reply import Choice, ErrorReply, RawReply, Reply, Usage
from fake_server.api.request import ApiRequest
from fake_server.api.validate import models
from fake_server.api.validate.completions import DEFAULT_TOKENS, validate_completion
from fake_server.server.answer import answer
from fake_server.server.handling import operation
from fake_server.server.routes import completion
from fake_server.server.routes.models import knows
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space


def reply_to(asking: ApiRequest, settings: Settings, space: Space) -> Reply | ErrorReply | RawReply:
    """A refusal of a bad request, else the choices of every prompt, one prompt after the other."""
    asked = asking.body
    refusal = _refusal(asked, settings)
    if refusal is not None:
        return refusal
    replies: list[Reply] = []
    for prompt in prompts(asked):
        said = answer(
            asking.but(as_chat(asked, prompt)),
            space.book,
            space.state,
            strict=settings.strict,
            seed=settings.seed,
            prompt_tokens=max(tokens.count(prompt), 1),
        )
        if not isinstance(said, Reply):
            return said
        kept = said.choices[: asked.get("n") or 1] if asked.get("best_of") else said.choices
        choices = tuple(_placed(choice, prompt, asked, settings.seed) for choice in kept)
        replies.append(replace(said, choices=choices))
    return replace(
        replies[0],
        choices=tuple(choice for reply in replies for choice in reply.choices),
        usage=Usage(
            sum(reply.usage.prompt_tokens for reply in replies),
            sum(reply.usage.completion_tokens for reply in replies),
        ),
    )


def prompts(asked: Mapping[str, Any]) -> list[str]:
    """The prompts as texts; none at all is the beginning of a new document."""
    given = asked.get("prompt")
    return [""] if given is None else tokens.prompt_texts(given)


def _refusal(asked: Mapping[str, Any], settings: Settings) -> ErrorReply | None:
    refusal = validate_completion(asked)
    if refusal is not None:
        return refusal
    if not knows(settings, asked["model"]):
        return errors.model_not_found(asked["model"])
    if models.is_chat_model(asked["model"]):
        return errors.not_a_completion_model()
    return errors.model_cannot_complete() if asked["model"] in vectors.SIZES else None


def as_chat(asked: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """The chat request that stands for one prompt; all `best_of` candidates are asked for and paid for.

    What else was asked stands beside it, for the conditions of scripts.
    """
    chat = {name: value for name, value in asked.items() if value is not None}
    chat["messages"] = [{"role": "user", "content": prompt}]
    chat["n"] = max(asked.get("n") or 1, asked.get("best_of") or 1)
    chat["max_tokens"] = DEFAULT_TOKENS if asked.get("max_tokens") is None else asked["max_tokens"]
    chat["reasoning_effort"] = "none"
    if asked.get("logprobs") is not None:
        chat |= {"logprobs": True, "top_logprobs": asked["logprobs"]}
    return chat


def _placed(choice: Choice, prompt: str, asked: Mapping[str, Any], seed: int) -> Choice:
    """The choice behind its prompt, or with `echo` with the prompt before its text and log probabilities."""
    if not asked.get("echo"):
        return replace(choice, start=len(prompt))
    logprobs = choice.logprobs
    if logprobs is not None:
        wanted = {"top_logprobs": asked.get("logprobs")}
        logprobs = (*limits.make_logprobs(tokens.split(prompt), wanted, seed), *logprobs)
    return replace(choice, content=prompt + (choice.content or choice.refusal or ""), logprobs=logprobs)


create_completion = operation(completion.completion(reply_to, render))
