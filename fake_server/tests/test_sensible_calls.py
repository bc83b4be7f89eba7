"""Tool calls: obeying tool_choice, deciding under auto, arguments, and agreement with genuine traffic."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fake_server.api import chat_request
from fake_server.api.reply import Choice, ToolCall
from fake_server.api.sensible import calls
from fake_server.api.sensible.choices import make_choices

SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = SHARED / "recordings" / "openai.jsonl"

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def tool(name: str, description: str = "", parameters: Any = CITY) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


WEATHER, TIME = tool("get_weather", "Current weather of a city"), tool("get_time", "The time in a city")


def request(text: str, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "tools": list(tools), **more}


def called(text: str, *tools: dict[str, Any], **more: Any) -> list[tuple[str, Any]]:
    tool_calls = calls.choose_calls(request(text, *tools, **more), 0)
    return [(call.name, json.loads(call.arguments)) for call in tool_calls]


OSLO, PARIS = {"city": "Oslo"}, {"city": "Paris"}
NAMED = {"type": "function", "function": {"name": "get_time"}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


@pytest.mark.parametrize(
    ("text", "choice", "expected"),
    [
        ("What is the weather in Oslo?", None, [("get_weather", OSLO)]),
        ("What is the weather in Oslo?", "auto", [("get_weather", OSLO)]),
        ("What is the weather in Oslo?", "none", []),
        ("What is the weather in Oslo?", "required", [("get_weather", OSLO)]),
        ("What is the weather in Oslo?", NAMED, [("get_time", OSLO)]),
        ("weather in Oslo and Paris", NAMED, [("get_time", OSLO)]),
        ("What is the weather in Oslo and Paris?", "auto", [("get_weather", OSLO), ("get_weather", PARIS)]),
        ("Call get_time for Paris", "auto", [("get_time", PARIS)]),
        ("Use the get time tool for Paris", "auto", [("get_time", PARIS)]),
        ("Tell me about trees", "auto", []),
        ("Tell me about trees in Oslo", "required", [("get_weather", OSLO)]),
        ("What is the weather in Oslo? Answer without calling a tool", "auto", []),
        ("Do not use get_weather", "auto", []),
        ("Reply with exactly: weather", "auto", []),
        ("What is the weather in Oslo?", allowed("auto", "get_time"), []),
        ("What is the weather in Oslo?", allowed("required", "get_time"), [("get_time", OSLO)]),
    ],
)
def test_what_is_called(text: str, choice: Any, expected: list[Any]) -> None:
    more = {} if choice is None else {"tool_choice": choice}
    assert called(text, WEATHER, TIME, **more) == expected


@pytest.mark.parametrize(
    ("text", "description", "code"),
    [
        ("Open the door.", "Opens a door. The code is k123.", "k123"),
        ("Open the door. The code is k7.", "Opens a door. The code is k123.", "k7"),
        ("Open the door.", "Opens a door. The code is secret to all but a few.", "secret"),
        ("Open the door.", "The room is 12.", None),
    ],
)
def test_a_description_that_states_a_value_is_obeyed(text: str, description: str, code: str | None) -> None:
    parameters = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
    door = tool("open_door", description, parameters)
    ((_, arguments),) = called(text, door, tool_choice="required")
    assert arguments["code"] == code or (code is None and "k123" not in arguments["code"])


def test_one_call_when_parallel_calls_are_off() -> None:
    asked_for = "weather in Oslo and Paris, and the time in Lima"
    assert len(called(asked_for, WEATHER, TIME)) > 1
    assert len(called(asked_for, WEATHER, TIME, parallel_tool_calls=False)) == 1


def test_results_are_answered_in_words() -> None:
    conversation = request("weather in Oslo?", WEATHER)
    conversation["messages"] += [
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "12 degrees"},
    ]
    (choice,) = make_choices(conversation, 0)
    assert "12 degrees" in (choice.content or "")
    assert choice.finish_reason == "stop"
    (again,) = make_choices({**conversation, "tool_choice": "required"}, 0)
    assert again.tool_calls


def test_custom_tools_get_text() -> None:
    custom = {"type": "custom", "custom": {"name": "math_exp", "description": "runs an expression"}}
    (call,) = calls.choose_calls(request('Use math_exp on "4 + 4"', custom), 0)
    assert call == ToolCall("math_exp", "4 + 4", kind="custom")


@pytest.mark.parametrize(
    ("model", "choice", "reason"),
    [
        ("gpt-4o", "auto", "tool_calls"),
        ("gpt-4o", "required", "tool_calls"),
        ("gpt-4o", NAMED, "stop"),
        ("gpt-5-mini", NAMED, "tool_calls"),
    ],
)
def test_finish_reasons_are_openais(model: str, choice: Any, reason: str) -> None:
    (choice_made,) = make_choices({**request("time in Oslo?", TIME, tool_choice=choice), "model": model}, 0)
    assert (choice_made.finish_reason, bool(choice_made.tool_calls), choice_made.content) == (
        reason,
        True,
        None,
    )


@pytest.mark.parametrize(("choice", "reason"), [("auto", "function_call"), ({"name": "get_time"}, "stop")])
def test_legacy_functions(choice: Any, reason: str) -> None:
    legacy = {
        "messages": [{"role": "user", "content": "time in Oslo and Paris?"}],
        "functions": [TIME["function"]],
        "function_call": choice,
    }
    (choice,) = make_choices(legacy, 0)
    assert choice == Choice(function_call=ToolCall("get_time", '{"city":"Oslo"}'), finish_reason=reason)


def genuine() -> list[tuple[dict[str, Any], list[str]]]:
    """(request, names of the tools really called) of every recorded chat with tools, equal ones once."""
    if not RECORDINGS.is_file():
        pytest.skip(f"no recordings at {RECORDINGS}; set OPENAI_CONTRACT_SHARED")
    chats = {}
    with RECORDINGS.open(encoding="utf-8") as lines:
        for line in lines:
            recording = json.loads(line)
            asked_for, response = recording["request"]["body"], recording["response"]
            if recording["endpoint"] != "chat/completions" or response["body_kind"] != "json":
                continue
            if response["status"] == 200 and isinstance(asked_for, dict) and asked_for.get("tools"):
                real_calls = response["body"]["choices"][0]["message"].get("tool_calls") or []
                names = [(call.get("function") or call.get("custom"))["name"] for call in real_calls]
                chats[json.dumps([asked_for["messages"], asked_for["tools"]])] = (asked_for, names)
    return list(chats.values())


def test_decisions_agree_with_genuine_traffic() -> None:
    agreed, same_tool, decided, both = 0, 0, 0, 0
    for asked_for, real in genuine():
        tool_calls = calls.choose_calls(asked_for, 0)
        tools = {tool.name: tool for tool in chat_request.tools(asked_for)}
        for call in tool_calls:
            if call.kind == "function":
                Draft202012Validator(tools[call.name].parameters).validate(json.loads(call.arguments))
        decided += 1
        agreed += bool(real) == bool(tool_calls)
        if real and tool_calls:
            both += 1
            same_tool += real[0] == tool_calls[0].name
    assert decided > 200
    assert agreed / decided > 0.85
    assert same_tool / both > 0.9
