"""What clients are asked to do while their requests are recorded: a text, a stream, a tool call, what follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MODEL = "gpt-4o-mini"
HELLO, WEATHER = "Say hello.", "What is the weather in Oslo? Use the tool."
_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_STRICT = {**_CITY, "additionalProperties": False}
_FUNCTION = {"name": "get_weather", "description": "The weather in a city.", "parameters": _STRICT, "strict": True}
_CHAT_TOOL = {"type": "function", "function": _FUNCTION}
_TOOL = {"type": "function", **_FUNCTION}
_ARGUMENTS, _RESULT = '{"city": "Oslo"}', "12 degrees, light rain"
_CHAT_CALL = {"id": "call_oslo1", "type": "function", "function": {"name": "get_weather", "arguments": _ARGUMENTS}}
_CHAT_TURN: Sequence[Mapping[str, Any]] = (
    {"role": "user", "content": WEATHER},
    {"role": "assistant", "content": "", "tool_calls": [_CHAT_CALL]},
    {"role": "tool", "tool_call_id": "call_oslo1", "content": _RESULT},
)
_TURN: Sequence[Mapping[str, Any]] = (
    {"role": "user", "content": WEATHER},
    {"type": "function_call", "call_id": "call_oslo1", "name": "get_weather", "arguments": _ARGUMENTS},
    {"type": "function_call_output", "call_id": "call_oslo1", "output": _RESULT},
)
CITY, _NAME = "Name a city.", "a_city"
PREVIOUS = "after-call-previous"
PROMPTS = {"call": WEATHER, "call-stream": WEATHER, "after-call": WEATHER, PREVIOUS: WEATHER, "object": CITY}
"""What is said for a task in place of HELLO by clients whose driver says that to everything."""
TURNS = {"after-call": "history", PREVIOUS: "previous"}
"""How frameworks that run tools go on after a call: with all that was said, or with the id of the last response."""
FIRST = "call"
"""What comes before those."""
TWO_STEPS = [{"tool_calls": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]}, {"text": "It rains."}]
"""The replies to a call and to its result."""
BRIEF = "You answer in one short sentence."
Tasks = Mapping[str, Mapping[str, Any]]
"""The body of what a client is asked, by the name of the task."""


def _user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


CHAT: Tasks = {
    "text": {"messages": _user(HELLO)},
    "instructed": {"messages": [{"role": "system", "content": BRIEF}, *_user(HELLO)]},
    "stream": {"messages": _user(HELLO), "stream": True},
    "call": {"messages": _user(WEATHER), "tools": [_CHAT_TOOL]},
    "call-stream": {"messages": _user(WEATHER), "tools": [_CHAT_TOOL], "stream": True},
    "after-call": {"messages": list(_CHAT_TURN), "tools": [_CHAT_TOOL], "stream": True},
    "object": {
        "messages": _user(CITY),
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": _NAME, "schema": _STRICT, "strict": True},
        },
    },
}
_OBJECT = {"text": {"format": {"type": "json_schema", "name": _NAME, "schema": _STRICT, "strict": True}}}


def _responses(turn: Sequence[Mapping[str, Any]], instructed: Mapping[str, Any]) -> Tasks:
    return {
        "text": {"input": HELLO},
        "instructed": instructed,
        "stream": {"input": HELLO, "stream": True},
        "call": {"input": WEATHER, "tools": [_TOOL]},
        "call-stream": {"input": WEATHER, "tools": [_TOOL], "stream": True},
        "after-call": {"input": list(turn), "tools": [_TOOL], "stream": True},
        "object": {"input": CITY, **_OBJECT},
    }


RESPONSES = _responses(_TURN, {"input": HELLO, "instructions": BRIEF})
RESPONSES_OF_MESSAGES = _responses(_CHAT_TURN, {"input": CHAT["instructed"]["messages"]})
"""For frameworks that make items of Responses out of messages of their own."""
RESPONSES_IN_TURNS: Tasks = {**RESPONSES, PREVIOUS: RESPONSES[FIRST]}
"""For frameworks that run tools and go on by themselves."""
