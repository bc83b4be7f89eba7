"""Section tools: functions that are offered, called, and answered."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.cases.compare import ask_back, ask_with_control
from contract_tests.cases.prompts import (
    BOOKING,
    CLOCK,
    NOTES,
    REPEAT_LAST,
    REPEAT_RESULT,
    SHORT,
    STORY,
    WEATHER,
    in_parts,
    joined,
    user,
)
from contract_tests.rules.relations.arrival import TRIES, calls
from contract_tests.target.ask import Ask, Body
from contract_tests.target.case import case, chat_case
from contract_tests.target.errors import NotReached, SetupFailed
from fake_server.wire.jsontext import is_json

FEATURES = ("tools", "tool_choice")
NAMED = {"type": "function", "function": {"name": "get_time"}}
"""Neither the first of the tools nor the one that the question is about: who ignores it calls another."""
QUESTION = "What is the weather in Oslo? Use the tool."
TABLE = "Ada, who is 36, books a table for 4 in Oslo, outside, with fish and rice, for 99.50. Use the tool."
TWO = "What time is it in Oslo and in Rome? Call get_time once for each city, both at once."


def _tools(choice: Any, stream: bool = False, **more: Any) -> dict[str, Any]:
    return {"tools": [WEATHER, CLOCK], "tool_choice": choice, "stream": stream, **more}


def tools_case(case_id: str, title: str, choice: Any, question: str = QUESTION, **more: Any) -> None:
    """Register a case of one question that offers both tools."""
    chat_case(case_id, title, question, 200, **_tools(choice, **more))


def _call(call_id: str, name: str, city: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps({"city": city})}}


def _two(calls: int) -> None:
    """Several calls cannot be judged where the model makes one."""
    if calls < 2:
        raise NotReached(f"two calls were asked for and {calls} came")


tools_case("tools.auto", "tools, auto", "auto")
tools_case("tools.required", "tools, required", "required", also=["required"])
tools_case("tools.named", "tools, one named", NAMED)
tools_case("tools.none", "tools, none to be called", "none")


@case("tools.parallel", title="two calls at once", tokens=200, features=(*FEATURES, "parallel_tool_calls"))
async def parallel(ask: Ask) -> None:
    view = await ask(ask.body(TWO, 200, **_tools("required", parallel_tool_calls=True)))
    _two(sum(len(list(choice["message"]["tool_calls"])) for choice in view.root["choices"]))


tools_case("tools.serial", "one call at a time", "required", TWO, parallel_tool_calls=False)
tools_case("tools.stream-auto", "tools, auto, streamed", "auto", stream=True)
tools_case("tools.stream-required", "tools, required, streamed", "required", stream=True, also=["required"])
tools_case("tools.stream-named", "tools, one named, streamed", NAMED, stream=True)
tools_case("tools.stream-none", "tools, none to be called, streamed", "none", stream=True)


@case(
    "tools.stream-parallel",
    title="two calls at once, streamed",
    tokens=200,
    features=(*FEATURES, "parallel_tool_calls"),
)
async def stream_parallel(ask: Ask) -> None:
    body = ask.body(TWO, 200, **_tools("required", stream=True, parallel_tool_calls=True))
    view = await ask(body, role="stream")
    _two(sum(len(choice.calls) for choice in view.streamed))


@case("tools.result", title="a tool's result sent back", requests=2, tokens=400, features=(*FEATURES, "tool"))
async def result(ask: Ask) -> None:
    first = await ask(ask.body(QUESTION, 200, **_tools("required")), role="call")
    message = next(iter(first.root["choices"]), first.root)["message"]
    ids = [call["id"].text for call in message["tool_calls"]]
    whole = all(is_json(call["function"]["arguments"].text) for call in message["tool_calls"])
    if not ids or not all(ids) or not whole:
        raise SetupFailed("the first turn has no whole tool call with an id to answer")
    results = [
        {"role": "tool", "tool_call_id": call_id, "content": '{"sky": "clear", "degrees": 7}'} for call_id in ids
    ]
    turns = [user(QUESTION), message.value, *results]
    await ask(ask.body(turns, 200, tools=[WEATHER, CLOCK]), role="answer")


@case(
    "tools.history",
    title="a call and a long result from elsewhere",
    tokens=64,
    features=(*FEATURES, "tool"),
)
async def history(ask: Ask) -> None:
    turns = [
        user(QUESTION),
        {"role": "assistant", "content": None, "tool_calls": [_call("call_1", "get_weather", "Oslo")]},
        {"role": "tool", "tool_call_id": "call_1", "content": f"7 degrees, clear sky. {NOTES}"},
        user(SHORT),
    ]
    await ask(ask.body(turns, 64, tools=[WEATHER], tool_choice="none"))


@case(
    "tools.parts",
    title="a result in parts, asked back",
    requests=2 * TRIES,
    tokens=64 * TRIES,
    features=(*FEATURES, "tool"),
)
async def parts(ask: Ask) -> None:
    word = ask.nonce()
    called = {"role": "assistant", "tool_calls": [_call("call_1", "get_weather", "Oslo")]}  # without content
    result = {**in_parts("tool", "7 degrees. ", f"The code is {word}."), "tool_call_id": "call_1"}
    body = ask.body([user(QUESTION), called, result, user(REPEAT_RESULT)], tools=[WEATHER])
    control = ask.body(f"The tool's result is: 7 degrees. The code is {word}. {REPEAT_RESULT}")
    await ask_back(ask, word, "part 2 of a tool's result", body, control)


@case(
    "tools.call-in-parts",
    title="a call beside text in parts, which is asked back",
    requests=2 * TRIES,
    tokens=2 * TRIES * 64,
    features=(*FEATURES, "tool"),
)
async def call_in_parts(ask: Ask) -> None:
    word = ask.nonce()
    texts = in_parts("assistant", "I look it up.", f"My word is {word}.")
    called = {"tool_calls": [_call("call_1", "get_weather", "Oslo")]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "7 degrees."}

    def ask_for(message: dict[str, Any]) -> Body:
        return ask.body([user(QUESTION), {**message, **called}, result, user(REPEAT_LAST)], 64, tools=[WEATHER])

    await ask_back(ask, word, "part 2 of an assistant message with a call", ask_for(texts), ask_for(joined(texts)))


@case(
    "tools.described",
    title="what only a tool's description and an enum say",
    requests=4 * TRIES,
    tokens=4 * TRIES * 64,
    features=FEATURES,
)
async def described(ask: Ask) -> None:
    word = ask.nonce()

    def ask_for(question: str, name: str, about: str = "", **schema: Any) -> Body:
        properties = {name: {"type": "string", **schema}}
        parameters = {"type": "object", "properties": properties, "required": [name], "additionalProperties": False}
        function = {"name": "open_door", "description": f"Opens a door.{about}", "parameters": parameters}
        tools = [{"type": "function", "function": function}]
        return ask.body(f"Open the door.{question} Use the tool.", 64, tools=tools, tool_choice="required")

    told = f" The code is {word}."
    await ask_back(ask, word, "a tool's description", ask_for("", "code", told), ask_for(told, "code"))
    named = f" The door is {word}."
    await ask_back(ask, word, "a parameter's enum", ask_for("", "door", enum=[word]), ask_for(named, "door"))


@case(
    "tools.bare",
    title="a tool that has only a name, without tool_choice",
    requests=2 * TRIES,
    tokens=400 * TRIES,
    features=["tools"],
)
async def bare(ask: Ask) -> None:
    tool = {"type": "function", "function": {"name": "get_time"}}
    body = ask.body("What time is it? Use the tool.", 200, tools=[tool])
    await ask_with_control(
        ("default", lambda role: ask(body, role=role)),
        ("auto", lambda role: ask({**body, "tool_choice": "auto"}, role=role)),
        calls,
    )


@case("tools.two-results", title="two calls and their long results", tokens=64, features=(*FEATURES, "tool"))
async def two_results(ask: Ask) -> None:
    cities = {"call_1": "Oslo", "call_2": "Rome"}
    made = [_call(call_id, "get_time", city) for call_id, city in cities.items()]
    results = [{"role": "tool", "tool_call_id": call_id, "content": f"12:00, {STORY}"} for call_id in cities]
    turns = [user(TWO), {"role": "assistant", "content": "", "tool_calls": made}, *results]
    await ask(ask.body(turns, 64, tools=[CLOCK], tool_choice="none"))


@case("tools.strict", title="a strict tool, parameters of every type", tokens=200, features=(*FEATURES, "strict"))
async def strict(ask: Ask) -> None:
    await ask(ask.body(TABLE, 200, tools=[BOOKING], tool_choice="required"))


@case(
    "tools.stream-strict",
    title="a strict tool, parameters of every type, streamed",
    tokens=200,
    features=(*FEATURES, "strict"),
)
async def stream_strict(ask: Ask) -> None:
    await ask(ask.body(TABLE, 200, tools=[BOOKING], tool_choice="required", stream=True), role="stream")
