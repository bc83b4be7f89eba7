"""What a server does to every answer: stop sequences, token limits, log probabilities, usage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fake_server.api import chat_request, tokens
from fake_server.api.reply import Choice, TokenLogprob, ToolCall
from fake_server.api.sensible import chance

REASONING_STEP = 64

_ALTERNATIVES = (
    " the", " a", " and", ",", ".", " of", " to", "The", "I", " in", " is", "\n", " it", " that", "It",
    " for",    " on", " with", " as", "A", " this", " be",
)  # fmt: skip


@dataclass(frozen=True)
class CountedChoice:
    """A choice as it goes out, and what it cost: `completion` counts `reasoning` in."""

    choice: Choice
    completion: int
    reasoning: int


def apply_limits(choice: Choice, request: Mapping[str, Any], seed: int, *, cut: bool = True) -> CountedChoice:
    """The choice under the request's `stop`, token limit and `logprobs`; uncut without `cut`."""
    thought = _count_reasoning(choice, request, seed)
    limit = chat_request.token_limit(request) if cut else None
    if cut:
        choice = _cut_at_stop(choice, chat_request.stops(request))
    if limit is not None and thought > limit:
        thought = limit
    left = None if limit is None else limit - thought
    pieces = tokens.split(choice.content or "")
    used = len(pieces)
    if left is not None and used > left:
        pieces, used = pieces[:left], left
        choice = replace(
            choice, content="".join(pieces), tool_calls=(), function_call=None, finish_reason="length"
        )
    if choice.logprobs is not None:
        choice = replace(choice, logprobs=_logprobs_of_text(choice.logprobs, choice.content or ""))
    if _calls_of(choice):
        choice, cost = _cut_calls(choice, None if left is None else left - used)
        used += cost
    elif choice.refusal:
        used += tokens.count(choice.refusal)
    if request.get("logprobs") is True and choice.logprobs is None and choice.content is not None:
        choice = replace(choice, logprobs=make_logprobs(pieces, request, seed))
    return CountedChoice(choice, used + thought, thought)


def make_logprobs(pieces: Sequence[str], request: Mapping[str, Any], seed: int) -> tuple[TokenLogprob, ...]:
    """A log probability for each piece, with as many alternatives as `top_logprobs` asks for.

    The piece itself comes first among them and is the likeliest; the probabilities of all add up to
    less than 1.
    """
    wanted = request.get("top_logprobs")
    alternatives = min(max(wanted, 0), 20) if isinstance(wanted, int) else 0
    found = []
    for place, piece in enumerate(pieces):
        probability = 0.5 + 0.499 * chance.fraction("logprob", seed, place, piece)
        first = (piece, math.log(probability))
        others = [one for one in _ALTERNATIVES if one != piece]
        start = chance.number("top", seed, place, piece) % len(others)
        rest = [
            (one, math.log((1 - probability) * 0.5 ** (rank + 1)))
            for rank, one in enumerate((others[start:] + others[:start])[: max(alternatives - 1, 0)])
        ]
        found.append(TokenLogprob(piece, first[1], (first, *rest) if alternatives else ()))
    return tuple(found)


def _logprobs_of_text(given: tuple[TokenLogprob, ...], text: str) -> tuple[TokenLogprob, ...]:
    """The leading tokens that spell the text, for logprobs given for a longer one."""
    kept, start = [], 0
    for one in given:
        if start >= len(text):
            break
        kept.append(replace(one, token=one.token[: len(text) - start]))
        start += len(one.token)
    return tuple(kept)


def _cut_at_stop(choice: Choice, stops: tuple[str, ...]) -> Choice:
    """The text up to the first stop sequence, which is left out; calls that came after it are gone too."""
    places = [place for stop in stops if (place := (choice.content or "").find(stop)) >= 0]
    if not places:
        return choice
    text = (choice.content or "")[: min(places)]
    return replace(choice, content=text, tool_calls=(), function_call=None, finish_reason="stop")


def _count_reasoning(choice: Choice, request: Mapping[str, Any], seed: int) -> int:
    """What the model thinks before it speaks: nothing, or a multiple of 64 as OpenAI counts it."""
    if choice.reasoning:
        return tokens.count(choice.reasoning)
    effort = request.get("reasoning_effort")
    if not chat_request.is_reasoning_model(request) or effort in ("none", "minimal"):
        return 0
    steps = {"low": 1, "high": 4, "xhigh": 8}.get(str(effort), 2)
    return REASONING_STEP * (steps + chance.number("reasoning", seed, choice.content or "") % 2)


def _calls_of(choice: Choice) -> tuple[ToolCall, ...]:
    return (choice.function_call,) if choice.function_call else choice.tool_calls


def _cut_calls(choice: Choice, left: int | None) -> tuple[Choice, int]:
    """The choice with as many calls as `left` tokens hold, the last one's arguments cut short."""
    called = _calls_of(choice)
    whole = tokens.count_calls((call.name, call.arguments) for call in called)
    if left is None or whole <= left:
        return choice, whole
    kept: list[ToolCall] = []
    room = left
    for call in called:
        frame = tokens.count_calls([(call.name, "")])
        if room < frame:
            break
        room -= frame
        pieces = tokens.split(call.arguments)
        kept.append(replace(call, arguments="".join(pieces[:room])))
        room -= len(pieces)
        if room <= 0:
            break
    if choice.function_call:
        cut = replace(choice, function_call=kept[0] if kept else None, finish_reason="length")
    else:
        cut = replace(choice, tool_calls=tuple(kept), finish_reason="length")
    if not kept and cut.content is None:
        cut = replace(cut, content="")
    return cut, left
