"""Illegal: a part of the request is ignored or lost on its way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from contract_tests.lab.behaviour.catalogue import illegal
from contract_tests.lab.behaviour.exchanging import Answer, Call, World

Message = dict[str, Any]


@illegal
async def n_ignored(world: World, call: Call) -> Answer:
    """There is one choice, whatever `n` is. Illegal: `n` is how many choices to generate."""
    return world.ask(call.without("n") if call.is_chat or call.is_completion else call)


@illegal
async def stop_ignored(world: World, call: Call) -> Answer:
    """The text goes on past stop sequences. Illegal: generation ends where a stop sequence would begin."""
    return world.ask(call.without("stop") if call.is_chat or call.is_completion else call)


@illegal
async def stop_left_in_the_text(world: World, call: Call) -> Answer:
    """The text ends with the stop sequence that ended it.

    Illegal: "The returned text will not contain the stop sequence."
    """
    stops = call.members.get("stop")
    words = [stops] if isinstance(stops, str) else stops
    if not (call.is_chat or call.is_completion) or not isinstance(words, list):
        return world.ask(call)
    if call.is_chat and "seed" not in call.members:
        call = call.but(seed=7)
    answer, whole = world.ask_exactly(call), world.ask_exactly(call.without("stop")).texts()

    def lengthen(index: int, text: str) -> str:
        rest = whole.get(index, "")[len(text) :]
        return text + next((word for word in words if isinstance(word, str) and word and rest.startswith(word)), "")

    answer.change_text(lengthen)
    return answer


@illegal
async def token_limit_ignored(world: World, call: Call) -> Answer:
    """`max_tokens` and `max_completion_tokens` have no effect. Illegal: callers bound cost and length by them."""
    is_asked = call.is_chat or call.is_completion
    return world.ask(call.without("max_tokens", "max_completion_tokens") if is_asked else call)


@illegal
async def named_tool_ignored(world: World, call: Call) -> Answer:
    """Where `tool_choice` names a function, the first of the tools is called instead.

    Illegal: "Specifying a particular tool … forces the model to call that tool."
    """
    tools, choice = call.members.get("tools"), call.members.get("tool_choice")
    if isinstance(choice, dict) and choice.get("function") and isinstance(tools, list) and tools:
        call = call.but(tool_choice={**choice, "function": {"name": tools[0]["function"]["name"]}})
    return world.ask(call)


@illegal
async def required_tool_answered_by_text(world: World, call: Call) -> Answer:
    """Where `tool_choice` is `required` or names a function, the answer is a text.

    Illegal: "`required` means the model must call one or more tools."
    """
    if call.members.get("tools") and call.members.get("tool_choice") not in (None, "auto", "none"):
        answer = world.ask(call)
        return world.ask(call.without("tools", "tool_choice", "parallel_tool_calls")) if answer.succeeded else answer
    return world.ask(call)


@illegal
async def tool_results_lost(world: World, call: Call) -> Answer:
    """What a tool answered arrives empty. Illegal: the model is asked about what it cannot see."""
    return world.ask(_with_messages(call, lambda message: _emptied(message, "tool")))


@illegal
async def history_dropped(world: World, call: Call) -> Answer:
    """Of the turns only those from the last user message on are read, and the system message.

    Illegal: `messages` is the conversation so far, and all of it is the prompt.
    """
    messages = call.messages
    last = max((number for number, message in enumerate(messages) if message.get("role") == "user"), default=0)
    head = [message for message in messages[:last] if message.get("role") in ("system", "developer")]
    return world.ask(call.but(messages=head + messages[last:]) if messages else call)


@illegal
async def system_message_dropped(world: World, call: Call) -> Answer:
    """System and developer messages are not read. Illegal: they say how the model should behave."""
    rest = [message for message in call.messages if message.get("role") not in ("system", "developer")]
    return world.ask(call.but(messages=rest) if rest else call)


@illegal
async def later_parts_dropped(world: World, call: Call) -> Answer:
    """Of a content in several parts only the first is read. Illegal: the parts together are the content."""

    def shorten(message: Message) -> Message:
        content = message.get("content")
        return {**message, "content": content[:1]} if isinstance(content, list) else message

    return world.ask(_with_messages(call, shorten))


@illegal
async def accents_lost(world: World, call: Call) -> Answer:
    """Characters outside ASCII arrive as question marks. Illegal: JSON is Unicode, and so are prompts."""
    return world.ask(_with_messages(call, _in_ascii))


@illegal
async def response_format_ignored(world: World, call: Call) -> Answer:
    """`response_format` has no effect. Illegal: a JSON schema that is asked for is guaranteed to be kept."""
    answer = world.ask(call)
    if call.is_chat and call.members.get("response_format") and answer.succeeded:
        return world.ask(call.without("response_format"))
    return answer


@illegal
async def only_the_first_prompt(world: World, call: Call) -> Answer:
    """Of a list of prompts only the first is completed. Illegal: each prompt gets its own choices."""
    prompts = call.members.get("prompt")
    is_list = call.is_completion and isinstance(prompts, list) and all(isinstance(text, str) for text in prompts)
    return world.ask(call.but(prompt=prompts[:1]) if is_list and prompts else call)


@illegal
async def dimensions_ignored(world: World, call: Call) -> Answer:
    """Vectors have their full length whatever `dimensions` is. Illegal: it is the number of dimensions."""
    return world.ask(call.without("dimensions") if call.is_embedding else call)


@illegal
async def unknown_model_answered(world: World, call: Call) -> Answer:
    """A model that it does not have is silently replaced by one that it has, under the name that was asked.

    Illegal: a misspelled name must be refused; the caller believes that the other model answered.
    """
    answer = world.ask(call)
    if answer.status == 404 and "model" in call.members:
        other = world.ask(call.but(model="text-embedding-3-small" if call.is_embedding else "gpt-4o-mini"))
        for value in other.objects:
            if "model" in value:
                value["model"] = call.members["model"]
        return other
    return answer


def _with_messages(call: Call, change: Callable[[Message], Message]) -> Call:
    return call.but(messages=[change(copy.deepcopy(message)) for message in call.messages]) if call.messages else call


def _emptied(message: Message, role: str) -> Message:
    return {**message, "content": ""} if message.get("role") == role else message


def _in_ascii(message: Message) -> Message:
    content = message.get("content")
    if isinstance(content, str):
        message["content"] = content.encode("ascii", "replace").decode()
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            part["text"] = part["text"].encode("ascii", "replace").decode()
    return message
