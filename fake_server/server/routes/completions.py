"""POST /completions: each prompt is answered as the chat whose only message it is, so scripts answer too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fake_server.api import errors, limits, tokens, vectors
from fake_server.api.render import completions as render
from fake_server.api.reply import Choice, ErrorReply, RawReply, Reply, Usage
from fake_server.api.request import ApiRequest
from fake_server.api.validate.completions import DEFAULT_TOKENS, validate_completion
from fake_server.api.validate.models import is_chat_model, is_served
from fake_server.server.answer import answer
from fake_server.server.request_context import RequestContext
from fake_server.server.routes.chat import deliver_completion
from fake_server.server.settings import Settings
from fake_server.server.state.space import Space
from fake_server.wire.budget import hold
from fake_server.wire.delivery import Delivery

LONG = 4096
"""Characters of a prompt from which on it is counted what it costs to repeat it."""


def create_completion(context: RequestContext) -> Delivery:
    """The answer to a text completion, whole or as a stream."""
    reply = reply_to(context.request, context.settings, context.space)
    return deliver_completion(context, reply, render)


def reply_to(request: ApiRequest, settings: Settings, space: Space) -> Reply | ErrorReply | RawReply:
    """A refusal of a bad request, else the choices of every prompt, one prompt after the other."""
    body = request.body
    refusal = _refusal(body, settings)
    if refusal is not None:
        return refusal
    replies: list[Reply] = []
    for prompt in prompts(body):
        reply = answer(
            request.but(as_chat(body, prompt)),
            space.book,
            space.state,
            strict=settings.strict,
            seed=settings.seed,
            prompt_tokens=max(tokens.count(prompt), 1),
        )
        if not isinstance(reply, Reply):
            return reply
        best = reply.choices[: body.get("n") or 1] if body.get("best_of") else reply.choices
        choices = tuple(_place(choice, prompt, body, settings.seed) for choice in best)
        replies.append(replace(reply, choices=choices))
    return replace(
        replies[0],
        choices=tuple(choice for reply in replies for choice in reply.choices),
        usage=Usage(
            sum(reply.usage.prompt_tokens for reply in replies),
            sum(reply.usage.completion_tokens for reply in replies),
        ),
    )


def prompts(body: Mapping[str, Any]) -> list[str]:
    """The prompts as texts; none at all is the beginning of a new document."""
    given = body.get("prompt")
    return [""] if given is None else tokens.prompt_texts(given)


def _refusal(body: Mapping[str, Any], settings: Settings) -> ErrorReply | None:
    refusal = validate_completion(body)
    if refusal is not None:
        return refusal
    if not is_served(body["model"], settings.models):
        return errors.model_not_found(body["model"])
    if is_chat_model(body["model"]):
        return errors.not_a_completion_model()
    return errors.not_allowed("sample") if body["model"] in vectors.SIZES else None


def as_chat(body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """The chat request that stands for one prompt; all `best_of` candidates are asked for and paid for.

    What else was asked stands beside it, for the conditions of scripts.
    """
    chat = {name: value for name, value in body.items() if value is not None}
    chat["messages"] = [{"role": "user", "content": prompt}]
    chat["n"] = max(body.get("n") or 1, body.get("best_of") or 1)
    chat["max_tokens"] = DEFAULT_TOKENS if body.get("max_tokens") is None else body["max_tokens"]
    chat["reasoning_effort"] = "none"
    if body.get("logprobs") is not None:
        chat |= {"logprobs": True, "top_logprobs": body["logprobs"]}
    return chat


def _place(choice: Choice, prompt: str, body: Mapping[str, Any], seed: int) -> Choice:
    """The choice behind its prompt, or with `echo` with the prompt before its text and log probabilities."""
    if not body.get("echo"):
        return replace(choice, start=len(prompt))
    if len(prompt) > LONG:
        hold(2 * len(prompt), "the prompts that its choices repeat")
    logprobs = choice.logprobs
    if logprobs is not None:
        wanted = {"top_logprobs": body.get("logprobs")}
        logprobs = (*limits.make_logprobs(tokens.split(prompt), wanted, seed), *logprobs)
    return replace(choice, content=prompt + (choice.content or choice.refusal or ""), logprobs=logprobs)
