"""Apply stop sequences, token limits and log probabilities to every answer, and count its tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fake_server.api import chat_request, tokens
from fake_server.api.reply import Choice, TokenLogprob, ToolCall
from fake_server.api.sensible import chance
from fake_server.wire.budget import hold, spend

REASONING_STEP = 64
LIMITS = frozenset(("stop", "max_tokens", "max_completion_tokens", "logprobs"))
"""The members of a request on which it may depend what a choice of a model that does not reason says and costs."""
LONG_TEXT = 4096
"""Characters of an answer from which on it is counted what it costs."""
_SCORE, _SOME = 150, 32
"""Bytes that a log probability takes, and tokens after which it is looked at the budget."""

_ALTERNATIVES = (
    " the", " a", " and", ",", ".", " of", " to", "The", "I", " in", " is", "\n", " it", " that", "It",
    " for", " on", " with", " as", "A", " this", " be",
)  # fmt: skip


@dataclass(frozen=True)
class CountedChoice:
    """A choice ready to render, with its token counts; `completion` includes `reasoning`."""

    choice: Choice
    completion: int
    reasoning: int


def apply_limits(choice: Choice, request: Mapping[str, Any], seed: int, *, cut: bool = True) -> CountedChoice:
    """Apply the request's `stop`, token limit and `logprobs`; with `cut=False` nothing is cut off."""
    if choice.content is not None and len(choice.content) > LONG_TEXT:
        hold(2 * len(choice.content), "the texts of its choices")
    reasoning = _count_reasoning(choice, request, seed)
    limit = chat_request.token_limit(request) if cut else None
    if cut and request.get("stop"):
        choice = _cut_at_stop(choice, chat_request.stops(request))
    if limit is not None and reasoning > limit:
        reasoning = limit
    left = None if limit is None else limit - reasoning
    pieces = tokens.split(choice.content or "")
    used = len(pieces)
    if left is not None and used > left:
        pieces, used = pieces[:left], left
        choice = replace(choice, content="".join(pieces), tool_calls=(), function_call=None, finish_reason="length")
    if choice.logprobs is not None:
        choice = replace(choice, logprobs=_logprobs_of_text(choice.logprobs, choice.content or ""))
    if _calls_of(choice):
        choice, cost = _cut_calls(choice, None if left is None else left - used)
        used += cost
    elif choice.refusal:
        used += tokens.count(choice.refusal)
    if request.get("logprobs") is True and choice.logprobs is None and choice.content is not None:
        choice = replace(choice, logprobs=make_logprobs(pieces, request, seed))
    return CountedChoice(choice, used + reasoning, reasoning)


def make_logprobs(pieces: Sequence[str], request: Mapping[str, Any], seed: int) -> tuple[TokenLogprob, ...]:
    """Make up a log probability for each piece, with as many alternatives as `top_logprobs` asks for.

    The piece itself is the first and most likely alternative; all probabilities add up to less than 1.
    """
    top_logprobs = request.get("top_logprobs")
    alternatives = min(max(top_logprobs, 0), 20) if isinstance(top_logprobs, int) else 0
    of = f"the log probabilities of {len(pieces):,} tokens"
    hold(len(pieces) * (1 + alternatives) * _SCORE, of)
    logprobs = []
    for place, piece in enumerate(pieces):
        if place % _SOME == 0:
            spend(_SOME * (5 + alternatives), of)
        probability = 0.5 + 0.499 * chance.fraction("logprob", seed, place, piece)
        first = (piece, math.log(probability))
        others = [token for token in _ALTERNATIVES if token != piece]
        start = chance.number("top", seed, place, piece) % len(others)
        rest = [
            (token, math.log((1 - probability) * 0.5 ** (rank + 1)))
            for rank, token in enumerate((others[start:] + others[:start])[: max(alternatives - 1, 0)])
        ]
        logprobs.append(TokenLogprob(piece, first[1], (first, *rest) if alternatives else ()))
    return tuple(logprobs)


def _logprobs_of_text(logprobs: tuple[TokenLogprob, ...], text: str) -> tuple[TokenLogprob, ...]:
    """The leading log probabilities, whose tokens spell `text`, of those given for a longer text."""
    leading, start = [], 0
    for logprob in logprobs:
        if start >= len(text):
            break
        leading.append(replace(logprob, token=logprob.token[: len(text) - start]))
        start += len(logprob.token)
    return tuple(leading)


def _cut_at_stop(choice: Choice, stops: tuple[str, ...]) -> Choice:
    """End the text before the first stop sequence, and drop the tool calls, which come after the text."""
    text = choice.content or ""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    if not places:
        return choice
    return replace(choice, content=text[: min(places)], tool_calls=(), function_call=None, finish_reason="stop")


def _count_reasoning(choice: Choice, request: Mapping[str, Any], seed: int) -> int:
    """Count scripted reasoning; else make up 0 or a multiple of 64 tokens, as OpenAI reports them."""
    if choice.reasoning:
        return tokens.count(choice.reasoning)
    if not chat_request.is_reasoning_model(request):
        return 0
    effort = request.get("reasoning_effort") or chat_request.default_effort(request)
    if effort in ("none", "minimal"):
        return 0
    steps = {"low": 1, "high": 4, "xhigh": 8}.get(str(effort), 2)
    return REASONING_STEP * (steps + chance.number("reasoning", seed, choice.content or "") % 2)


def _calls_of(choice: Choice) -> tuple[ToolCall, ...]:
    return (choice.function_call,) if choice.function_call else choice.tool_calls


def _cut_calls(choice: Choice, left: int | None) -> tuple[Choice, int]:
    """Keep the calls that fit in `left` tokens, cutting off arguments; also return the tokens used."""
    calls = _calls_of(choice)
    whole = tokens.count_calls((call.name, call.arguments) for call in calls)
    if left is None or whole <= left:
        return choice, whole
    fitting: list[ToolCall] = []
    room = left
    for call in calls:
        frame = tokens.count_calls([(call.name, "")])
        if room < frame:
            break
        room -= frame
        pieces = tokens.split(call.arguments)
        fitting.append(replace(call, arguments="".join(pieces[:room])))
        room -= len(pieces)
        if room <= 0:
            break
    if choice.function_call:
        cut = replace(choice, function_call=fitting[0] if fitting else None, finish_reason="length")
    else:
        cut = replace(choice, tool_calls=tuple(fitting), finish_reason="length")
    if not fitting and cut.content is None:
        cut = replace(cut, content="")
    return cut, left
