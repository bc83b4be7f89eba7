"""Illegal: a stream says something else than the same answer as a dict, or comes all at once."""

from __future__ import annotations

import copy

from contract_tests.lab.behaviour.catalogue import illegal
from contract_tests.lab.behaviour.exchanging import DONE, Answer, Call, World

TOKEN_SECONDS = 0.02
"""What the model takes for a token."""


@illegal
async def stream_held_back(world: World, call: Call) -> Answer:
    """A stream is collected to its end at the pace of a model, then sent at once.

    Illegal: a stream is asked for to see the first words before the last ones are there.
    """
    answer = world.ask(call)
    if answer.events is not None:
        answer.wire.first, answer.wire.pace = TOKEN_SECONDS * answer.tokens, 0.0
    return answer


@illegal
async def stream_has_one_choice(world: World, call: Call) -> Answer:
    """Of the choices that `n` asks for a stream has only the first; a dict has all.

    Illegal: each choice is streamed under its index.
    """
    answer = world.ask(call)
    if answer.events is not None:
        answer.events = [event for event in answer.events if event == DONE or not _only_others(event)]
    return answer


@illegal
async def stream_merges_parallel_calls(world: World, call: Call) -> Answer:
    """In a stream all parallel tool calls have the index 0.

    Illegal: clients join the pieces of a call by its index, and get one call with two JSON texts.
    """
    answer = world.ask(call)
    if answer.events is not None:
        for message in answer.messages():
            for tool_call in message.get("tool_calls") or ():
                tool_call["index"] = 0
    return answer


@illegal
async def stream_loses_its_first_words(world: World, call: Call) -> Answer:
    """The first piece of text is lost in streams, as when the chunk with the role replaces it.

    Illegal: the pieces together are the whole text.
    """
    answer = world.ask(call)
    if answer.events is not None:
        for places in answer.pieces().values():
            holder, name = next(((holder, name) for holder, name in places if holder[name]), places[0])
            holder[name] = ""
    return answer


@illegal
async def stream_says_it_all_again(world: World, call: Call) -> Answer:
    """Each piece of a stream holds the whole text so far.

    Illegal: a delta is what is new; clients that join them show the text again and again.
    """
    answer = world.ask(call)
    if answer.events is not None:
        for places in answer.pieces().values():
            text = ""
            for holder, name in places:
                holder[name] = text = text + holder[name]
    return answer


@illegal
async def stream_begun_again(world: World, call: Call) -> Answer:
    """Half-way a stream begins anew, as after a silent retry: its first half comes twice.

    Illegal: the pieces together are the whole text, once.
    """
    answer = world.ask(call)
    if answer.events is not None and answer.succeeded and answer.texts():
        middle = len(answer.events) // 2
        again = copy.deepcopy(answer.events)
        answer.events = answer.events[:middle] + again
    return answer


@illegal
async def stream_usage_zero(world: World, call: Call) -> Answer:
    """The usage that a stream reports is zero throughout; that of a dict is right.

    Illegal: `include_usage` asks for the statistics of the whole request.
    """
    answer = world.ask(call)
    if answer.events is not None:
        for value in answer.objects:
            if isinstance(value.get("usage"), dict):
                value["usage"] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return answer


@illegal
async def stream_always_says_stop(world: World, call: Call) -> Answer:
    """A stream ends with the finish reason `stop` also where a dict has `length` or `tool_calls`.

    Illegal: the reason is the same however the answer is sent.
    """
    answer = world.ask(call)
    if answer.events is not None:
        for choice in answer.choices():
            if choice.get("finish_reason"):
                choice["finish_reason"] = "stop"
    return answer


@illegal
async def long_streams_cut(world: World, call: Call) -> Answer:
    """A stream of more than 24 pieces ends after them as if it were complete.

    Illegal: text is lost, and neither the reason nor the end of the stream says so.
    """
    answer = world.ask(call)
    if answer.events is not None:
        for places in answer.pieces().values():
            for holder, name in places[24:]:
                holder[name] = ""
    return answer


def _only_others(event: object) -> bool:
    """Whether an event has choices, and none of them is the first."""
    choices = event.get("choices") if isinstance(event, dict) else None
    return bool(choices) and all(choice.get("index") != 0 for choice in choices or ())
