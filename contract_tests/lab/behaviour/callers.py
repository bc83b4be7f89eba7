"""Illegal: what one caller does reaches another, or the state of the server shows in what it says."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

from contract_tests.lab.behaviour.catalogue import illegal
from contract_tests.lab.behaviour.exchanging import Answer, Call, World, new_id

TOKEN_SECONDS = 0.01
"""What a target that generates at the pace of a model takes for a token."""


@illegal
async def answers_swapped_under_load(world: World, call: Call) -> Answer:
    """Of two chats that are under way at the same time, each gets the answer of the other.

    Illegal: a caller reads what was said to somebody else. A pool that hands out connections with an unread
    reply does this.
    """
    if not call.is_chat:
        return world.ask(call)
    answer, kind = world.ask(call), f"waiting {call.streams}"
    waiting: asyncio.Future[Answer] | None = world.memory.pop(kind, None)
    if waiting is not None and not waiting.done():
        other = world.memory.pop(f"answer {kind}")
        waiting.set_result(answer)
        return other if isinstance(other, Answer) else answer
    world.memory[kind] = mine = asyncio.get_running_loop().create_future()
    world.memory[f"answer {kind}"] = answer
    try:
        return await asyncio.wait_for(mine, 0.05)
    except TimeoutError:
        if world.memory.get(kind) is mine:
            del world.memory[kind]
        return answer


@illegal
async def cached_by_last_message(world: World, call: Call) -> Answer:
    """A chat whose last message was asked before, with equal parameters, gets the answer of that time.

    Illegal: the system message and the turns before the last one change what is asked. Caches that take the
    last message for the prompt do this.
    """
    if not call.messages:
        return world.ask(call)
    key = json.dumps([call.request.path, call.but(messages=call.messages[-1]).body], sort_keys=True)
    if key not in world.memory:
        world.memory[key] = world.ask(call)
    answer: Answer = copy.deepcopy(world.memory[key])
    fresh = new_id(world, "chatcmpl-")
    for value in answer.objects:
        if "id" in value:
            value["id"] = fresh
    return answer


@illegal
async def parameters_stick(world: World, call: Call) -> Answer:
    """The limits, stop sequences, `n` and response format of a chat also hold for the next chat without them.

    Illegal: parameters belong to one request. A mutable default that every request updates does this.
    """
    if not call.is_chat:
        return world.ask(call)
    names = ("max_tokens", "max_completion_tokens", "stop", "n", "response_format")
    own = {name: call.members[name] for name in names if name in call.members}
    before: dict[str, Any] = world.memory.get("before", {})
    world.memory["before"] = own
    answer = world.ask(call.but(**{**before, **own}))
    return answer if answer.succeeded else world.ask(call)


@illegal
async def usage_adds_up(world: World, call: Call) -> Answer:
    """The `usage` of a reply counts the tokens of all earlier requests too.

    Illegal: callers add up what each reply reports, and would pay many times over.
    """
    answer = world.ask(call)
    for value in answer.objects:
        if isinstance(value.get("usage"), dict):
            for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
                if name in value["usage"]:
                    world.memory[name] = value["usage"][name] = world.memory.get(name, 0) + value["usage"][name]
    return answer


@illegal
async def ids_reused(world: World, call: Call) -> Answer:
    """Every chat and completion has the same id.

    Illegal: `id` is a unique identifier; logs and stores that go by it lose all replies but the last.
    """
    answer = world.ask(call)
    for value in answer.objects:
        if str(value.get("id", "")).startswith(("chatcmpl-", "cmpl-")):
            value["id"] = "chatcmpl-0000000000000000000000000001"
    return answer


@illegal
async def works_on_after_the_caller_left(world: World, call: Call) -> Answer:
    """It answers one request at a time, token by token, and goes on to the end when the caller has left.

    Illegal: whoever gives up and asks again waits for, and pays for, text that nobody reads.
    """
    await world.slot.acquire()
    answer = world.ask(call)
    seconds = _speak_slowly(answer)
    asyncio.get_running_loop().call_later(seconds, world.slot.release)
    return answer


def _speak_slowly(answer: Answer) -> float:
    """Give the answer the pace of a model; returns the seconds that it takes."""
    seconds = TOKEN_SECONDS * answer.tokens
    if answer.events is None:
        answer.wire.first = seconds
    else:
        answer.wire.pace = seconds / len(answer.events)
    return seconds


async def answer_one_at_a_time(world: World, call: Call) -> Answer:
    """Answer at the pace of a model, one request at a time; the next begins when this one ends or its caller leaves."""
    await world.slot.acquire()
    try:
        answer = world.ask(call)
        _speak_slowly(answer)
    except BaseException:
        world.slot.release()
        raise
    answer.finish = world.slot.release
    return answer
