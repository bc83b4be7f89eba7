"""The members of a text completion request as a table, and what must hold between them.

Source: the API reference of completions; null stands where the reference or genuine traffic has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.reply import ErrorReply
from fake_server.validate.chat import LONGEST_MODEL
from fake_server.validate.checks import (
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
)

REQUIRED: Mapping[str, Check] = {"model": string(least=1, most=LONGEST_MODEL)}
_INT64 = 2**63


def texts_or_tokens(value: Any, path: str) -> None:
    """A string, an array of strings, an array of tokens, or an array of arrays of tokens."""
    if isinstance(value, str):
        return
    by_kind("a string or an array", array=array(anything, least=1))(value, path)
    form = type(value[0])
    item: Check = {str: string(), int: integer(0), list: array(integer(0), least=1)}.get(form, string())
    array(item)(value, path)


MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "best_of": nullable(integer(1, 20)),
    "echo": nullable(boolean),
    "frequency_penalty": nullable(number(-2, 2)),
    "logit_bias": nullable(mapping(number(-100, 100))),
    "logprobs": nullable(integer(0, 5)),
    "max_tokens": nullable(integer(1)),
    "n": nullable(integer(1, 128)),
    "presence_penalty": nullable(number(-2, 2)),
    "prompt": nullable(texts_or_tokens),
    "seed": nullable(integer(-_INT64, _INT64 - 1)),
    "stop": nullable(by_kind("one of a string or an array", string=anything, array=array(string(), most=4))),
    "stream": nullable(boolean),
    "stream_options": nullable(
        members(optional={"include_usage": boolean, "include_obfuscation": boolean}, closed=True)
    ),
    "suffix": nullable(string()),
    "temperature": nullable(number(0, 2)),
    "top_p": nullable(number(0, 1)),
    "user": string(),
}


def completions(request: Mapping[str, Any]) -> ErrorReply | None:
    """The 400 of a text completion request that OpenAI refuses, None for a good one."""
    try:
        checked_members(request, REQUIRED, MEMBERS)
        _together(request)
    except Invalid as invalid:
        return invalid.reply
    return None


def _together(request: Mapping[str, Any]) -> None:
    if request.get("stream_options") is not None and not request.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Invalid(message, "stream_options", None)
    if (request.get("best_of") or 0) and (request.get("n") or 1) > request["best_of"]:
        message = f"'n' ({request['n']}) is larger than 'best_of' ({request['best_of']})."
        raise Invalid(message, "best_of", None)
    if (request.get("best_of") or 1) > 1 and request.get("stream"):
        raise Invalid("'best_of' above 1 cannot be streamed.", "best_of", None)
