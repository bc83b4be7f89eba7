"""What a sensible server answers when no script does: from the request and a seed alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api import chat_request
from fake_server.api.reply import Choice, ToolCall


def make_choices(request: Mapping[str, Any], seed: int) -> tuple[Choice, ...]:
    """The `n` choices before stop sequences, token limits and log probabilities are applied."""
    # Their many patterns take a while to compile, and a server with scripts may never need them.
    from fake_server.api.sensible import calls, objects, words

    made = calls.choose_calls(request, seed)
    if made:
        return (choice_of_calls(request, made),) * chat_request.choice_count(request)
    wants_json = chat_request.response_format(request) in ("json_object", "json_schema")
    speak = objects.write_json if wants_json else words.write_text
    return tuple(
        Choice(content=speak(request, seed, index)) for index in range(chat_request.choice_count(request))
    )


def choice_of_calls(request: Mapping[str, Any], made: tuple[ToolCall, ...], **more: Any) -> Choice:
    """A choice that calls, in the form the request speaks, with the finish reason OpenAI gives it.

    A call that the request names ends with `stop`, save on reasoning models; every other with
    `tool_calls` or, in the legacy form, `function_call` (genuine recordings of all of them).
    """
    mode, _ = chat_request.tool_choice(request)
    forced = mode == "named" and not chat_request.is_reasoning_model(request)
    if chat_request.is_legacy(request):
        reason = "stop" if forced else "function_call"
        return Choice(function_call=made[0], finish_reason=reason, **more)
    return Choice(tool_calls=made, finish_reason="stop" if forced else "tool_calls", **more)
