"""The members of a chat request as a table, and what must hold between them.

Source: the API reference of chat completions; null stands where the reference or genuine traffic has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.api.validate import messages, models, schemas, tools
from fake_server.api.validate.checks import (
    Check,
    Invalid,
    anything,
    array,
    boolean,
    by_kind,
    checked_members,
    integer,
    mapping,
    members,
    nullable,
    number,
    string,
    tagged,
    word,
)

_JSON_SCHEMA = members(
    {"name": string(least=1, most=64, pattern="[a-zA-Z0-9_-]+")},
    {
        "description": nullable(string()),
        "schema": nullable(mapping(anything)),
        "strict": nullable(boolean),
    },
)
_RESPONSE_FORMAT = tagged(
    "type",
    {"text": anything, "json_object": anything, "json_schema": members({"json_schema": _JSON_SCHEMA})},
)
_INT64 = 2**63
LONGEST_MODEL = 2048
"""Characters; every chunk of a stream repeats the name, so a longer one would make replies huge."""

REQUIRED: Mapping[str, Check] = {"model": string(least=1, most=LONGEST_MODEL), "messages": messages.MESSAGES}
MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "audio": nullable(
        members(
            {
                "voice": by_kind("a string or an object", string=anything, object=anything),
                "format": word("wav", "aac", "mp3", "flac", "opus", "pcm16"),
            }
        )
    ),
    "frequency_penalty": nullable(number(-2, 2)),
    "function_call": nullable(tools.FUNCTION_CALL),
    "functions": tools.FUNCTIONS,
    "logit_bias": nullable(mapping(number(-100, 100))),
    "logprobs": nullable(boolean),
    "max_completion_tokens": nullable(integer(1)),
    "max_tokens": nullable(integer(1)),
    "metadata": nullable(mapping(string(most=512), most=16, longest_key=64)),
    "modalities": nullable(array(word("text", "audio"), least=1)),
    "moderation": nullable(members()),
    "n": nullable(integer(1, 128)),
    "parallel_tool_calls": boolean,
    "prediction": nullable(
        members(
            {
                "type": word("content"),
                "content": by_kind("one of a string or array of objects", string=anything, array=anything),
            }
        )
    ),
    "presence_penalty": nullable(number(-2, 2)),
    "prompt_cache_key": nullable(string()),
    "prompt_cache_options": nullable(members()),
    "prompt_cache_retention": nullable(word("in_memory", "in-memory", "24h")),
    "reasoning_effort": nullable(word("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    "response_format": nullable(_RESPONSE_FORMAT),
    "safety_identifier": nullable(string(most=64)),
    "seed": nullable(integer(-_INT64, _INT64 - 1)),
    "service_tier": nullable(word("auto", "default", "flex", "scale", "priority", "fast")),
    "stop": nullable(by_kind("one of a string or an array", string=anything, array=array(string(), most=4))),
    "store": nullable(boolean),
    "stream": nullable(boolean),
    "stream_options": nullable(
        members(optional={"include_usage": boolean, "include_obfuscation": boolean}, closed=True)
    ),
    "temperature": nullable(number(0, 2)),
    "tool_choice": nullable(tools.TOOL_CHOICE),
    "tools": tools.TOOLS,
    "top_logprobs": nullable(integer(0, 20)),
    "top_p": nullable(number(0, 1)),
    "user": string(),
    "verbosity": nullable(word("low", "medium", "high")),
    "web_search_options": nullable(members()),
}


def chat(request: Mapping[str, Any]) -> ErrorReply | None:
    """The 400 of a chat request that OpenAI refuses, None for a good one.

    The first complaint counts: required members, then each member as sent, then unknown ones, then
    what must hold between members, of schemas, and for the model.
    """
    try:
        checked_members(request, REQUIRED, MEMBERS)
        _together(dict(request))
        schemas.functions(request)
        schemas.response_format(request)
        models.agree(request)
    except Invalid as invalid:
        return invalid.reply
    return None


def _together(request: dict[str, Any]) -> None:
    messages.answered(request["messages"])
    tools.agree(request)
    streams(request)
    if request.get("top_logprobs") is not None and not request.get("logprobs"):
        message = "Invalid value for 'top_logprobs': it is only allowed when 'logprobs' is enabled."
        raise Invalid(message, "top_logprobs", None)
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_object" and "json" not in json.dumps(request["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
            "'json_object'."
        )
        raise Invalid(message, "messages", None)
    if request.get("max_tokens") is not None and request.get("max_completion_tokens") is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise Invalid(message, "max_tokens", "invalid_parameter_combination")


def streams(request: Mapping[str, Any]) -> None:
    """Raises Invalid for options of a stream without a stream."""
    if request.get("stream_options") is not None and not request.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Invalid(message, "stream_options", None)
