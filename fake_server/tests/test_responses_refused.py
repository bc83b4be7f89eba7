"""POST /responses refuses what the API refuses, in its words."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.api.validate.responses import validate_response

TIME: Any = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
REFUSED: list[tuple[dict[str, Any], str | None, str | None, str]] = [
    ({"model": "no-such-model"}, "model", "model_not_found", "The requested model 'no-such-model' does not exist."),
    ({"input": None}, "input", "invalid_type", "expected one of an array of objects or string, but got null"),
    ({"input": 1}, "input", "invalid_type", "got an integer"),
    ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value", "Expected a value >= 16, but got 15"),
    ({"messages": []}, "messages", "unsupported_parameter", "has moved to 'input'"),
    ({"max_tokens": 5}, "max_tokens", "unsupported_parameter", "has moved to 'max_output_tokens'"),
    ({"nothing": 1}, "nothing", "unknown_parameter", "Unknown parameter: 'nothing'."),
    ({"input": [{}]}, "input[0]", "invalid_value", "Invalid value: ''. Supported values are: 'assistant', 'system'"),
    ({"input": [{"role": "user"}]}, "input[0].content", "missing_required_parameter", "'input[0].content'"),
    ({"include": ["x"]}, "include[0]", "invalid_value", "Invalid value: 'x'. Supported values are: 'file_search_call"),
    ({"max_tool_calls": 0}, "max_tool_calls", "integer_below_min_value", "Expected a value >= 1"),
    (
        {"text": {"format": {"type": "x"}}},
        "text.format.type", "invalid_value", "Supported values are: 'json_object', 'text', and 'json_schema'.",
    ),
    ({"input": [{"role": "king", "content": "x"}]}, "input[0].role", "invalid_value", "Invalid value: 'king'"),
    (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "input[0].content[0]", "invalid_value", "Supported values are: 'input_text', 'input_image'",
    ),
    (
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "input[0].content[0]", "invalid_value", "Supported values are: 'output_text' and 'refusal'.",
    ),
    ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_required_parameter", "'tools[0].name'"),
    ({"tool_choice": "required"}, "tool_choice", None, "must be specified with 'tools'"),
    (
        {"tools": [TIME], "tool_choice": {"type": "function", "name": "g"}},
        "tool_choice", None, "Tool choice 'function' not found in 'tools' parameter.",
    ),
    (
        {"conversation": "conv_1", "previous_response_id": "resp_1"},
        None, "mutually_exclusive_parameters", "Mutually exclusive",
    ),
    ({"stream_options": {"include_obfuscation": True}}, "stream_options", None, "only allowed when 'stream'"),
    ({"text": {"format": {"type": "json_object"}}}, "input", None, "the word 'json'"),
    (
        {"text": {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": {"type": "array"}}}},
        "text.format.schema", "invalid_json_schema", "Invalid schema for response_format 'x'",
    ),
    (
        {"tools": [{**TIME, "strict": True}]},
        "tools[0].parameters", "invalid_function_parameters", "'additionalProperties' is required",
    ),
    (
        {"input": [{"type": "function_call_output", "call_id": "call_9", "output": "1"}]},
        "input", None, "No tool call found for function call output with call_id call_9.",
    ),
    (
        {"input": [{"type": "function_call", "call_id": "call_9", "name": "f", "arguments": "{}"}]},
        "input", None, "No tool output found for function call call_9.",
    ),
    (
        {"input": [{"role": "user", "content": "x"}, {"type": "reasoning", "id": "rs_1", "summary": []}]},
        "input", None, "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
    ),
    ({"model": "o3", "temperature": 0.5}, "temperature", "unsupported_parameter", "'temperature' is not supported"),
    (
        {"reasoning": {"effort": "low"}},
        "reasoning.effort", "unsupported_parameter", "'reasoning.effort' is not supported with this model.",
    ),
    ({"model": "gpt-4", "input": "a b " * 9000}, "input", "context_length_exceeded", "exceeds the context window"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param", "code", "words"), REFUSED)
def test_what_is_refused(body: dict[str, Any], param: str | None, code: str | None, words: str) -> None:
    fake = FakeServer([], plain=True)
    with httpx2.Client(transport=fake.transport()) as client:
        whole = {"model": "gpt-4o-mini", "input": "Hi", **body}
        answer = client.post("http://fake/v1/responses", json=whole)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert words in error["message"]


def test_something_has_to_be_asked() -> None:
    error = validate_response({"model": "gpt-4o"})
    assert error is not None
    assert error.message.startswith('One of "input" or "previous_response_id"')
    assert validate_response({"prompt": {"id": "pmpt_1"}}) is None
    missing = validate_response({"input": "Hi"})
    assert missing is not None
    assert missing.message == "Missing required parameter: 'model'."
