"""The members of a request for a response as a table, and the checks across members.

Source: the API reference of responses and the SDK's types; members are nullable if those or genuine traffic have
null. Wording of what has moved: https://github.com/madox2/vim-ai/issues/162.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.api.validate import models, response_input, response_tools, schemas
from fake_server.api.validate.chat import MEMBERS as CHAT
from fake_server.api.validate.chat import METADATA, check_stream_options
from fake_server.api.validate.checks import Check, Invalid, anything, boolean, echo, integer, one_of, string
from fake_server.api.validate.containers import array, by_type, find_refusal, mapping, members, nullable, tagged_union

REQUIRED: Mapping[str, Check] = {}
LEAST_TOKENS = 16
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SUMMARIES = nullable(one_of("auto", "concise", "detailed"))
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
_FORMAT = tagged_union(
    "type",
    json_object=members(),
    text=members(),
    json_schema=members(
        {"name": string(least=1, most=64, pattern="[a-zA-Z0-9_-]+"), "schema": mapping(anything)},
        {"description": nullable(string()), "strict": nullable(boolean)},
    ),
)
_TEXT = members(optional={"format": _FORMAT, "verbosity": nullable(one_of("low", "medium", "high"))}, closed=True)
_REASONING = members(
    optional={
        "effort": nullable(one_of(*_EFFORTS)),
        "summary": _SUMMARIES,
        "generate_summary": _SUMMARIES,
        "context": nullable(string()),
        "mode": nullable(string()),
    },
    closed=True,
)
_PROMPT = members({"id": string(least=1)}, {"version": nullable(string()), "variables": nullable(mapping(anything))})
_CONVERSATION = by_type("one of a string or an object", string=string(least=1), object=members({"id": string(least=1)}))
_STREAM_OPTIONS = members(optional={"include_obfuscation": boolean}, closed=True)
INCLUDABLE = (
    "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
    "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
    "reasoning.encrypted_content", "message.output_text.logprobs",
)  # fmt: skip
MEMBERS: Mapping[str, Check] = {
    "model": CHAT["model"],
    "input": response_input.INPUT.documented("A text, which is one message of the user, or items."),
    "instructions": nullable(string()).documented("What the model is told before the input; not carried over."),
    "max_output_tokens": nullable(integer(LEAST_TOKENS)).documented(
        "The maximum tokens of the answer, including reasoning."
    ),
    "max_tool_calls": nullable(integer(1)).documented("The maximum calls of built-in tools."),
    "tools": nullable(response_tools.TOOLS).documented("The tools that the model may call."),
    "tool_choice": nullable(response_tools.TOOL_CHOICE).documented("Whether to call a tool, and which."),
    "parallel_tool_calls": nullable(boolean).documented("Whether one answer may make several calls."),
    "text": nullable(_TEXT).documented("The format of the answer's text."),
    "reasoning": nullable(_REASONING).documented("How much a reasoning model thinks, and whether it sums that up."),
    "include": nullable(array(one_of(*INCLUDABLE))).documented("What else to return."),
    "top_logprobs": nullable(integer(0, 20)).documented("How many alternatives to return for each token."),
    "stream": CHAT["stream"],
    "stream_options": nullable(_STREAM_OPTIONS),
    "store": nullable(boolean).documented("Whether the response can be retrieved; it can unless this is false."),
    "previous_response_id": nullable(string()).documented("The response that this one continues."),
    "conversation": nullable(_CONVERSATION).documented("The conversation that this response belongs to."),
    "background": nullable(boolean).documented("Whether to answer at once and work in the background."),
    "background_options": nullable(members()),
    "truncation": nullable(one_of("auto", "disabled")).documented("What becomes of an input that is too long."),
    "temperature": CHAT["temperature"],
    "top_p": CHAT["top_p"],
    "metadata": nullable(METADATA),
    "prompt": nullable(_PROMPT),
    "prompt_cache_key": nullable(string()),
    "prompt_cache_options": nullable(members()),
    "prompt_cache_retention": nullable(one_of("in_memory", "in-memory", "24h")),
    "safety_identifier": nullable(string(most=128)),
    "service_tier": nullable(one_of(*_TIERS)),
    "user": nullable(string()),
    "context_management": nullable(array(members({"type": string()}))),
    "moderation": nullable(members()),
    "access_programs": nullable(members()),
    "image": nullable(members()),
    "client_metadata": nullable(mapping(anything)).documented("Undocumented; sent by Codex."),
}
_MOVED = {
    "messages": "input",
    "response_format": "text.format",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
"""Members of chat requests, and what they are here."""
_SOURCES = ("input", "prompt", "previous_response_id", "conversation")


def validate_response(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that OpenAI would refuse, None for a valid one.

    Whether its items belong together is `response_input.find_item_refusal`, once earlier ones are known.
    """
    return find_refusal(request, _required(request), MEMBERS, _check_combinations, unknown=unknown_member)


def _required(request: Mapping[str, Any]) -> tuple[str, ...]:
    """A prompt of the dashboard has a model."""
    return () if request.get("prompt") is not None else ("model",)


def unknown_member(request: Mapping[str, Any], name: str) -> Invalid:
    """The error for an unknown member, or for one of chat that has another name here."""
    if name in _MOVED:
        reference = "https://platform.openai.com/docs/api-reference/responses/create"
        message = (
            f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{_MOVED[name]}'. "
            f"Try again with the new parameter. See the API documentation for more information: {reference}."
        )
        return Invalid(message, name, "unsupported_parameter")
    return Invalid(f"Unknown parameter: '{echo(name)}'.", echo(name), "unknown_parameter")


def check_sources(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a request that says nothing of what to answer."""
    if all(request.get(name) is None for name in _SOURCES):
        message = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided."
        raise Invalid(message, "input", "missing_required_parameter")


def check_exclusive(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a request that goes on from two things."""
    if request.get("previous_response_id") is not None and request.get("conversation") is not None:
        message = (
            "Mutually exclusive parameters. Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'."
        )
        raise Invalid(message, None, "mutually_exclusive_parameters")


def _check_combinations(request: Mapping[str, Any]) -> None:
    check_sources(request)
    check_exclusive(request)
    if request.get("background") and request.get("store") is False:
        raise Invalid("Background mode requires 'store' to be true.", "background")
    check_stream_options(request)
    response_tools.check_choice(request)
    _check_schemas(request)
    _check_json(request)


def _check_json(request: Mapping[str, Any]) -> None:
    form = (request.get("text") or {}).get("format") or {}
    texts = [request.get("input"), request.get("instructions")]
    if form.get("type") == "json_object" and request.get("input") and "json" not in json.dumps(texts).lower():
        message = (
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'."
        )
        raise Invalid(message, "input")


def _check_schemas(request: Mapping[str, Any]) -> None:
    for index, tool in enumerate(request.get("tools") or ()):
        if tool["type"] == "function" and tool.get("parameters"):
            problem = schemas.find_problem(tool["parameters"], strict=tool.get("strict") is True)
            if problem:
                message = f"Invalid schema for function '{tool['name']}': {problem}"
                raise Invalid(message, f"tools[{index}].parameters", "invalid_function_parameters")
    form = (request.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema" and form.get("strict"):
        problem = schemas.find_problem(form["schema"], strict=True)
        if problem:
            message = f"Invalid schema for response_format '{form['name']}': {problem}"
            raise Invalid(message, "text.format.schema", "invalid_json_schema")


def find_model_refusal(request: Mapping[str, Any], chat: Mapping[str, Any]) -> ErrorReply | None:
    """The 400 for what the model does not support; `chat` is the chat request that stands for this one."""
    try:
        models.check_model_of_response(request, chat)
    except Invalid as invalid:
        return invalid.reply
    return None
