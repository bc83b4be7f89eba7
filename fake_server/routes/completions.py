"""POST /completions: each prompt is answered as the chat whose only message it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fake_server import errors, limits, tokens, validate
from fake_server.answer import answer
from fake_server.render import completions as render
from fake_server.reply import Choice, ErrorReply, RawReply, Reply, Usage
from fake_server.routes import answering
from fake_server.routes.models import knows
from fake_server.settings import Settings

DEFAULT_PROMPT = "<|endoftext|>"
DEFAULT_TOKENS = 16
_PASSED_ON = ("model", "n", "stop", "seed", "stream", "temperature", "top_p")


async def create_completion(request: Request) -> Response:
    return await answering.create(request, reply_to, render)


def reply_to(asked: Mapping[str, Any], settings: Settings) -> Reply | ErrorReply | RawReply:
    """A refusal of a bad request, else the choices of every prompt, one prompt after the other."""
    refusal = validate.completions(asked)
    if refusal is not None:
        return refusal
    if not knows(settings, asked["model"]):
        return errors.model_not_found(asked["model"])
    choices: list[Choice] = []
    prompt_tokens = completion_tokens = 0
    reply: Reply | None = None
    for text, cost in prompts(asked):
        said = answer(
            _as_chat(asked, text), settings.book, settings.state, strict=settings.strict, seed=settings.seed
        )
        if not isinstance(said, Reply):
            return said
        reply = reply or said
        choices += [_echoing(choice, text, asked, settings.seed) for choice in said.choices]
        prompt_tokens += cost
        completion_tokens += said.usage.completion_tokens
    assert reply is not None  # there is always a prompt
    return replace(reply, choices=tuple(choices), usage=Usage(prompt_tokens, completion_tokens))


def prompts(asked: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Each prompt with its number of tokens; tokens that come as numbers have no text here."""
    given = asked.get("prompt")
    given = DEFAULT_PROMPT if given is None else given
    several = isinstance(given, list) and not isinstance(given[0], int)
    for one in given if several else [given]:
        yield (one, tokens.count(one)) if isinstance(one, str) else ("", len(one))


def _as_chat(asked: Mapping[str, Any], text: str) -> dict[str, Any]:
    chat = {name: asked[name] for name in _PASSED_ON if asked.get(name) is not None}
    limit = asked.get("max_tokens")
    chat["messages"] = [{"role": "user", "content": text}]
    chat["max_tokens"] = DEFAULT_TOKENS if limit is None else limit
    if asked.get("logprobs") is not None:
        chat |= {"logprobs": True, "top_logprobs": asked["logprobs"]}
    return chat


def _echoing(choice: Choice, text: str, asked: Mapping[str, Any], seed: int) -> Choice:
    """With `echo`, the choice with the prompt before its text, and before its log probabilities."""
    if not asked.get("echo") or choice.content is None:
        return choice
    logprobs = choice.logprobs
    if logprobs is not None:
        wanted = {"top_logprobs": asked["logprobs"]}
        logprobs = (*limits.logprobs(tokens.split(text), wanted, seed), *logprobs)
    return replace(choice, content=text + choice.content, logprobs=logprobs)
