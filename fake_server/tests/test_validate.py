"""Validation: genuine requests pass, and each refusal has OpenAI's wording, param and code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.api.validate.chat import MEMBERS, validate_chat

USER = {"role": "user", "content": "hi"}
ASK = {"model": "gpt-4o-mini", "messages": [USER]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
PARTS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "1"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
RECORDINGS = Path(os.environ.get("OPENAI_CONTRACT_SHARED", "../shared")) / "recordings" / "openai.jsonl"


def recorded(statuses: set[int]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    if not RECORDINGS.exists():
        pytest.skip(f"the shared recordings are not at {RECORDINGS}: set OPENAI_CONTRACT_SHARED")
    with RECORDINGS.open(encoding="utf-8") as lines:
        for line in lines:
            recording = json.loads(line)
            if recording["endpoint"] == "chat/completions" and recording["response"]["status"] in statuses:
                yield recording["id"], recording["request"]["body"], recording["response"]["body"]


def test_every_genuine_request_that_succeeded_is_accepted() -> None:
    refused, count = {}, 0
    for name, request, _ in recorded({200}):
        count += 1
        if (reply := validate_chat(request)) is not None:
            refused[name] = reply.message
    assert not refused
    assert count > 1000


def test_genuine_refusals_are_repeated_to_the_letter() -> None:
    seen = 0
    for _, request, body in recorded({400}):
        if body["error"]["code"] != "invalid_image_url":  # OpenAI did not find the image it was to load
            reply = validate_chat(request)
            assert reply is not None
            assert reply.body() == body
            seen += 1
    assert seen >= 7


GOOD: list[dict[str, Any]] = [
    {"messages": [USER, CALLING, RESULT]},
    {"messages": [USER, {**CALLING, "content": "so"}, RESULT, USER]},
    {"messages": [{"role": "assistant", "refusal": "no", "content": None}, USER]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
    {"messages": [{"role": "system", "content": PARTS}, {"role": "assistant", "content": PARTS}, USER]},
    {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}, {**RESULT, "content": PARTS}]},
    {"tools": [{"type": "function", "function": {"name": "f"}}]},
    dict.fromkeys(("stream", "n", "temperature", "top_p", "stop", "seed")),
    {"temperature": 2, "top_p": 0.0, "n": 128, "seed": -(2**63), "stop": ["a", "b", "c", "d"]},
    {"temperature": None, "stop": None, "response_format": None, "stream": None, "stream_options": None},
    {"stream": True, "stream_options": {"include_usage": True}},
    {"logprobs": True, "top_logprobs": 20},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
    {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
    {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
    {"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}]},
    {"metadata": {"k" * 64: "v" * 512}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
    {"max_tokens": 1, "logit_bias": {"50256": -100}},
]


@pytest.mark.parametrize("members", GOOD)
def test_good(members: dict[str, Any]) -> None:
    assert validate_chat({**ASK, **members}) is None


MISSING, TYPE, VALUE = "missing_required_parameter", "invalid_type", "invalid_value"
BAD: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": "hi"}, "messages", TYPE),
    ({"messages": ["hi"]}, "messages[0]", TYPE),
    ({"messages": [{}]}, "messages[0].role", MISSING),
    ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role", VALUE),
    ({"messages": [{"role": 1, "content": "x"}]}, "messages[0].role", TYPE),
    ({"messages": [{"role": "user"}]}, "messages[0].content", MISSING),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", TYPE),
    ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", TYPE),
    ({"messages": [USER, {"role": "user", "content": [{}]}]}, "messages[1].content[0].type", MISSING),
    ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages[0].content[0].type", VALUE),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages[0].content[0].text",
        MISSING,
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
        "messages[0].content[0].image_url",
        TYPE,
    ),
    (
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": ""}}]}]},
        "messages[0].content[0].type",
        VALUE,
    ),
    ({"messages": [{"role": "assistant"}]}, "messages[0].content", MISSING),
    ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content", TYPE),
    ({"messages": [{**CALLING, "tool_calls": []}]}, "messages[0].tool_calls", "empty_array"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", MISSING),
    ({"messages": [USER, RESULT]}, "messages.[1].role", None),
    ({"messages": [CALLING, {**RESULT, "tool_call_id": "other"}]}, "messages.[1].tool_call_id", None),
    ({"messages": [CALLING, USER]}, "messages.[1].role", None),
    ({"messages": [CALLING]}, "messages.[1].role", None),
    ({"messages": [CALLING, RESULT, USER, RESULT]}, "messages.[3].role", None),
    ({"model": None}, "model", TYPE),
    ({"model": ""}, "model", "empty_string"),
    ({"model": ["gpt"]}, "model", TYPE),
    ({"model": "m" * 2049}, "model", "string_above_max_length"),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -1}, "temperature", "decimal_below_min_value"),
    ({"temperature": "0"}, "temperature", TYPE),
    ({"temperature": True}, "temperature", TYPE),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"n": 1.5}, "n", TYPE),
    ({"n": 1.0}, "n", TYPE),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"max_completion_tokens": -5}, "max_completion_tokens", "integer_below_min_value"),
    ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_parameter_combination"),
    ({"seed": 2**63}, "seed", "integer_above_max_value"),
    ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
    ({"stop": [1]}, "stop[0]", TYPE),
    ({"stream": "yes"}, "stream", TYPE),
    ({"stream_options": {"include_usage": True}}, "stream_options", None),
    ({"stream": True, "stream_options": {"usage": True}}, "stream_options.usage", "unknown_parameter"),
    ({"top_logprobs": 2}, "top_logprobs", None),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"tools": []}, "tools", "empty_array"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", MISSING),
    ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type", MISSING),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", VALUE),
    (
        {"tools": [{"type": "function", "function": {"name": "f\n"}}]},
        "tools[0].function.name",
        VALUE,
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f" * 65}}]},
        "tools[0].function.name",
        "string_above_max_length",
    ),
    ({"tool_choice": "auto"}, "tool_choice", None),
    ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice", VALUE),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice", None),
    ({"parallel_tool_calls": True}, "parallel_tool_calls", None),
    ({"function_call": "auto"}, "function_call", None),
    ({"response_format": {}}, "response_format.type", MISSING),
    ({"response_format": {"type": "xml"}}, "response_format.type", VALUE),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", MISSING),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
        MISSING,
    ),
    ({"metadata": {"modified": True}}, "metadata.modified", TYPE),
    ({"metadata": {"k" * 65: "v"}}, "metadata", "property_name_above_max_length"),
    ({"metadata": {str(i): "" for i in range(17)}}, "metadata", "object_above_max_properties"),
    ({"reasoning_effort": "huge"}, "reasoning_effort", VALUE),
    ({"logit_bias": {"1": 101}}, "logit_bias.1", "decimal_above_max_value"),
    ({"foo": 1}, None, None),
]


@pytest.mark.parametrize(("members", "param", "code"), BAD)
def test_bad(members: dict[str, Any], param: str | None, code: str | None) -> None:
    reply = validate_chat({**ASK, **members})
    assert reply is not None
    assert (reply.status, reply.type) == (400, "invalid_request_error")
    assert (reply.param, reply.code) == (param, code)
    assert reply.message


@pytest.mark.parametrize("name", ["model", "messages"])
def test_required(name: str) -> None:
    reply = validate_chat({key: value for key, value in ASK.items() if key != name})
    assert reply is not None
    assert reply.message == f"Missing required parameter: '{name}'."
    assert (reply.param, reply.code) == (name, MISSING)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"foo": 1}, "Unrecognized request argument supplied: foo"),
        ({"model": "o4-mini", "reasoning": {"summary": "auto"}}, "Unknown parameter: 'reasoning'."),
        (
            {"metadata": {"modified": True}},
            "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        ),
        (
            {"n": 0},
            "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        ),
        ({"tools": [TOOL], "tool_choice": "x"}, "Supported values are: 'none', 'auto', and 'required'."),
    ],
)
def test_wording(members: dict[str, Any], message: str) -> None:
    reply = validate_chat({**ASK, **members})
    assert reply is not None
    assert reply.message.endswith(message)


def test_what_is_repeated_is_bounded() -> None:
    for members in ({"x" * 10_000: 1}, {"reasoning_effort": "x" * 10_000}, {"n": 10**4000}):
        reply = validate_chat({**ASK, **members})
        assert reply is not None
        assert len(reply.message) < 500


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(MEMBERS)), ANYTHING)
def test_no_value_of_a_member_crashes(name: str, value: Any) -> None:
    reply = validate_chat({**ASK, name: value})
    assert reply is None or reply.status == 400


@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool", "system", "function"])},
            optional={
                "content": ANYTHING,
                "tool_calls": st.lists(st.just(CALL) | ANYTHING, max_size=2),
                "tool_call_id": st.just("call_1") | ANYTHING,
            },
        ),
        max_size=4,
    )
)
def test_no_conversation_crashes(messages: list[Any]) -> None:
    reply = validate_chat({**ASK, "messages": messages})
    assert reply is None or reply.status == 400


def test_the_types_of_a_format_are_listed_as_by_api_openai_com() -> None:
    # https://github.com/epuerta9/deep-research-py/issues/19
    reply = validate_chat({**ASK, "response_format": {"type": "object"}})
    assert reply is not None
    assert reply.message == "Invalid value: 'object'. Supported values are: 'json_object', 'json_schema', and 'text'."
    assert (reply.status, reply.param, reply.code) == (400, "response_format.type", VALUE)
