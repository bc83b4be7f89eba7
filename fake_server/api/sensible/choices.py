"""Answer a chat request when no script does, from the request and a seed alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api import chat_request
from fake_server.api.reply import Choice, ToolCall


def make_choices(request: Mapping[str, Any], seed: int) -> tuple[Choice, ...]:
    """Make the `n` choices, before stop sequences, token limits and log probabilities are applied."""
    # Imported late: their many patterns take time to compile, and a scripted server may never need them.
    from fake_server.api.sensible import calls, objects, words

    tool_calls = calls.choose_calls(request, seed)
    if tool_calls:
        return (choice_of_calls(request, tool_calls),) * chat_request.choice_count(request)
    wants_json = chat_request.response_format(request) in ("json_object", "json_schema")
    speak = objects.write_json if wants_json else words.write_text
    return tuple(Choice(content=speak(request, seed, index)) for index in range(chat_request.choice_count(request)))


def choice_of_calls(request: Mapping[str, Any], tool_calls: tuple[ToolCall, ...], **more: Any) -> Choice:
    """A choice that calls tools, in the form the request uses, with OpenAI's finish reason.

    A call that the request names ends with `stop`, except on reasoning models; any other ends with
    `tool_calls` or, in the legacy form, `function_call` (according to genuine recordings).
    """
    mode, _ = chat_request.tool_choice(request)
    forced = mode == "named" and not chat_request.is_reasoning_model(request)
    if chat_request.is_legacy(request):
        reason = "stop" if forced else "function_call"
        return Choice(function_call=tool_calls[0], finish_reason=reason, **more)
    return Choice(tool_calls=tool_calls, finish_reason="stop" if forced else "tool_calls", **more)
