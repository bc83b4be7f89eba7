"""Section tools: functions that are offered, called, and answered."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.cases.prompts import CLOCK, NOTES, SHORT, WEATHER, user
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.errors import NotReached, SetupFailed

FEATURES = ("tools", "tool_choice")
NAMED = {"type": "function", "function": {"name": "get_weather"}}
QUESTION = "What is the weather in Oslo? Use the tool."
TWO = "What time is it in Oslo and in Rome? Call get_time once for each city, both at once."


def _body(ask: Ask, choice: Any, *, question: str = QUESTION, stream: bool = False, **more: Any) -> dict[str, Any]:
    return ask.body(question, 200, tools=[WEATHER, CLOCK], tool_choice=choice, stream=stream, **more)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _two(calls: int) -> None:
    """Several calls cannot be judged where the model makes one."""
    if calls < 2:
        raise NotReached(f"two calls were asked for and {calls} came")


@case("tools.auto", title="tools, auto", tokens=200, features=FEATURES)
async def auto(ask: Ask) -> None:
    await ask(_body(ask, "auto"))


@case("tools.required", title="tools, required", tokens=200, features=(*FEATURES, "required"))
async def required(ask: Ask) -> None:
    await ask(_body(ask, "required"))


@case("tools.named", title="tools, one named", tokens=200, features=FEATURES)
async def named(ask: Ask) -> None:
    await ask(_body(ask, NAMED))


@case("tools.none", title="tools, none to be called", tokens=200, features=FEATURES)
async def none(ask: Ask) -> None:
    await ask(_body(ask, "none"))


@case("tools.parallel", title="two calls at once", tokens=200, features=(*FEATURES, "parallel_tool_calls"))
async def parallel(ask: Ask) -> None:
    view = await ask(_body(ask, "required", question=TWO, parallel_tool_calls=True))
    _two(sum(len(list(choice["message"]["tool_calls"])) for choice in view.root["choices"]))


@case("tools.serial", title="one call at a time", tokens=200, features=(*FEATURES, "parallel_tool_calls"))
async def serial(ask: Ask) -> None:
    await ask(_body(ask, "required", question=TWO, parallel_tool_calls=False))


@case("tools.stream-auto", title="tools, auto, streamed", tokens=200, features=FEATURES)
async def stream_auto(ask: Ask) -> None:
    await ask(_body(ask, "auto", stream=True), role="stream")


@case("tools.stream-required", title="tools, required, streamed", tokens=200, features=(*FEATURES, "required"))
async def stream_required(ask: Ask) -> None:
    await ask(_body(ask, "required", stream=True), role="stream")


@case("tools.stream-named", title="tools, one named, streamed", tokens=200, features=FEATURES)
async def stream_named(ask: Ask) -> None:
    await ask(_body(ask, NAMED, stream=True), role="stream")


@case("tools.stream-none", title="tools, none to be called, streamed", tokens=200, features=FEATURES)
async def stream_none(ask: Ask) -> None:
    await ask(_body(ask, "none", stream=True), role="stream")


@case(
    "tools.stream-parallel",
    title="two calls at once, streamed",
    tokens=200,
    features=(*FEATURES, "parallel_tool_calls"),
)
async def stream_parallel(ask: Ask) -> None:
    view = await ask(_body(ask, "required", question=TWO, stream=True, parallel_tool_calls=True), role="stream")
    _two(sum(len(choice.calls) for choice in view.streamed))


@case("tools.result", title="a tool's result sent back", requests=2, tokens=400, features=(*FEATURES, "tool"))
async def result(ask: Ask) -> None:
    first = await ask(_body(ask, "required"), role="call")
    message = next(iter(first.root["choices"]), first.root)["message"]
    ids = [call["id"].text for call in message["tool_calls"]]
    whole = all(_is_json(call["function"]["arguments"].text) for call in message["tool_calls"])
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
    call = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    turns = [
        user(QUESTION),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": f"7 degrees, clear sky. {NOTES}"},
        user(SHORT),
    ]
    await ask(ask.body(turns, 64, tools=[WEATHER], tool_choice="none"))


@case("tools.two-results", title="two calls and their results", tokens=64, features=(*FEATURES, "tool"))
async def two_results(ask: Ask) -> None:
    cities = {"call_1": "Oslo", "call_2": "Rome"}
    made = [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": "get_time", "arguments": json.dumps({"city": city})},
        }
        for call_id, city in cities.items()
    ]
    results = [{"role": "tool", "tool_call_id": call_id, "content": "12:00"} for call_id in cities]
    turns = [user(TWO), {"role": "assistant", "content": "", "tool_calls": made}, *results]
    await ask(ask.body(turns, 64, tools=[CLOCK], tool_choice="none"))


@case("tools.strict", title="a tool with a strict schema", tokens=200, features=(*FEATURES, "strict"))
async def strict(ask: Ask) -> None:
    parameters = {**CLOCK["function"]["parameters"], "additionalProperties": False}
    tool = {"type": "function", "function": {**CLOCK["function"], "parameters": parameters, "strict": True}}
    await ask(ask.body("What time is it in Oslo? Use the tool.", 200, tools=[tool], tool_choice="required"))
