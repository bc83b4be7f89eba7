"""The members of a chat request as a table, and the checks across members.

Source: the API reference of chat completions; members are nullable if it or genuine traffic has null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.api.validate import messages, models, schemas, tools
from fake_server.api.validate.checks import Check, Invalid, anything, boolean, integer, number, one_of, string
from fake_server.api.validate.containers import (
    array,
    by_type,
    find_refusal,
    mapping,
    members,
    nullable,
    tagged_union,
)

_JSON_SCHEMA = members(
    {"name": tools.NAME},
    {
        "description": nullable(string()),
        "schema": nullable(mapping(anything)),
        "strict": nullable(boolean),
    },
).named("JsonSchema")
_RESPONSE_FORMAT = tagged_union(
    "type",
    json_object=members().named("ResponseFormatJsonObject", "A JSON object."),
    json_schema=members({"json_schema": _JSON_SCHEMA}).named(
        "ResponseFormatJsonSchema", "JSON that is valid for a schema."
    ),
    text=members().named("ResponseFormatText", "Any text."),
)
_AUDIO = members(
    {
        "voice": by_type("a string or an object", string=anything, object=anything),
        "format": one_of("wav", "aac", "mp3", "flac", "opus", "pcm16"),
    }
).named("AudioWanted")
_TEXT_PARTS = anything.documented(type="array", items=tagged_union("type", text=messages.TEXT_PART), minItems=1)
_PREDICTION = members(
    {
        "type": one_of("content"),
        "content": by_type("one of a string or array of objects", string=anything, array=_TEXT_PARTS),
    }
).named("PredictionContent", "Text that most of the answer is expected to equal.")
_STREAM_OPTIONS = members(
    optional={
        "include_usage": boolean.documented("Send the token usage in a last chunk."),
        "include_obfuscation": boolean.documented("Pad the chunks to hide the lengths of their texts."),
    },
    closed=True,
).named("ChatCompletionStreamOptions", "Options of a stream.")
METADATA = mapping(string(most=512), most=16, longest_key=64).documented(
    "Up to 16 key-value pairs to store with the completion."
)
_INT64 = 2**63
_ABOUT_TOOLS = frozenset(("tool_choice", "parallel_tool_calls", "function_call"))
LONGEST_MODEL = 2048
"""In characters; every chunk of a stream repeats the name, so a longer one would make streams huge."""
_IGNORED = "Validated, but has no effect."
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

REQUIRED: Mapping[str, Check] = {
    "model": string(least=1, most=LONGEST_MODEL).documented(
        "The model to use; any name is accepted unless the server was started with a list."
    ),
    "messages": messages.MESSAGES.documented("The conversation so far, oldest first."),
}
MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "stream": nullable(boolean).documented("Answer with server-sent events."),
    "stream_options": nullable(_STREAM_OPTIONS),
    "n": nullable(integer(1, 128)).documented("How many choices to return."),
    "stop": nullable(by_type("one of a string or an array", string=anything, array=array(string(), most=4))).documented(
        "Texts before which the answer ends."
    ),
    "temperature": nullable(number(0, 2)).documented("Sampling temperature; validated, but has no effect."),
    "top_p": nullable(number(0, 1)).documented("Nucleus sampling; validated, but has no effect."),
    "frequency_penalty": nullable(number(-2, 2)).documented(_IGNORED),
    "presence_penalty": nullable(number(-2, 2)).documented(_IGNORED),
    "logit_bias": nullable(mapping(number(-100, 100))).documented("Biases of tokens; validated, but have no effect."),
    "seed": nullable(integer(-_INT64, _INT64 - 1)).documented("Equal requests with equal seeds get equal answers."),
    "user": string().documented("The end user of the application."),
    "max_completion_tokens": nullable(integer(1)).documented("The maximum tokens of a choice, including reasoning."),
    "max_tokens": nullable(integer(1)).documented(deprecated=True),
    "tools": tools.TOOLS.documented("The tools that the model may call."),
    "tool_choice": nullable(tools.TOOL_CHOICE).documented("Whether to call a tool, and which."),
    "parallel_tool_calls": boolean.documented("Whether one answer may make several calls."),
    "response_format": nullable(_RESPONSE_FORMAT).documented("The format of the answer's text."),
    "logprobs": nullable(boolean).documented("Return the log probability of each token."),
    "top_logprobs": nullable(integer(0, 20)).documented(
        "How many alternatives to return for each token; requires `logprobs`."
    ),
    "reasoning_effort": nullable(one_of(*_EFFORTS)).documented("How many reasoning tokens a reasoning model uses."),
    "verbosity": nullable(one_of("low", "medium", "high")),
    "modalities": nullable(array(one_of("text", "audio"), least=1)),
    "audio": nullable(_AUDIO),
    "prediction": nullable(_PREDICTION),
    "web_search_options": nullable(members()),
    "moderation": nullable(members()),
    "store": nullable(boolean).documented("Store the completion, so that it can be listed and retrieved."),
    "metadata": nullable(METADATA),
    "service_tier": nullable(one_of(*_TIERS)),
    "prompt_cache_key": nullable(string()),
    "prompt_cache_options": nullable(members()),
    "prompt_cache_retention": nullable(one_of("in_memory", "in-memory", "24h")),
    "safety_identifier": nullable(string(most=64)),
    "functions": tools.FUNCTIONS.documented(deprecated=True),
    "function_call": nullable(tools.FUNCTION_CALL).documented(deprecated=True),
}
UPDATE = {"metadata": MEMBERS["metadata"]}
"""The members of a request that updates a stored completion."""


def validate_chat(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a chat request that OpenAI would refuse, None for a valid one."""
    return find_refusal(request, REQUIRED, MEMBERS, _check_combinations, models.check_model)


def _check_combinations(request: Mapping[str, Any]) -> None:
    messages.check_tool_answers(request["messages"])
    if not _ABOUT_TOOLS.isdisjoint(request):
        tools.check_tools(request)
    check_stream_options(request)
    if request.get("top_logprobs") is not None and not request.get("logprobs"):
        message = "Invalid value for 'top_logprobs': it is only allowed when 'logprobs' is enabled."
        raise Invalid(message, "top_logprobs")
    form = request.get("response_format") or {}
    if form.get("type") == "json_object" and "json" not in json.dumps(request["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        raise Invalid(message, "messages")
    if request.get("max_tokens") is not None and request.get("max_completion_tokens") is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise Invalid(message, "max_tokens", "invalid_parameter_combination")
    if request.get("tools") or form:
        schemas.check_schemas(request)


def check_stream_options(request: Mapping[str, Any]) -> None:
    """Raise Invalid for `stream_options` without `stream`."""
    if request.get("stream_options") is not None and not request.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Invalid(message, "stream_options")
