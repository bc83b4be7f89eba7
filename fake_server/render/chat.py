"""A reply as a chat completion and as chat completion chunks, with the members that OpenAI sends."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from fake_server.reply import Choice, Reply, TokenLogprob, ToolCall, Usage
from fake_server.style import Style, new_id

FINGERPRINT = "fp_44709d6fcb"
_COMMENT_EVERY = 7


def render_dict(reply: Reply, request: Mapping[str, Any], style: Style) -> bytes:
    """The body of the unstreamed answer."""
    del request  # a dict does not depend on how it was asked for
    return style.json(
        {
            **_head(reply, "chat.completion"),
            "choices": [_choice(choice, index) for index, choice in enumerate(reply.choices)],
            "usage": _usage(reply.usage),
            **_tail(reply),
        }
    )


def render_stream(reply: Reply, request: Mapping[str, Any], style: Style) -> list[bytes]:
    """The events of the streamed answer, `[DONE]` included; comments are entries of their own."""
    options = request.get("stream_options") or {}
    usage_asked = options.get("include_usage") is True
    chance = random.Random(style.seed)
    padded = style.obfuscation and options.get("include_obfuscation") is not False
    head = {**_head(reply, "chat.completion.chunk"), **_tail(reply)}
    extra: dict[str, Any] = {"usage": None} if usage_asked else {}
    events = []
    for position, entry in enumerate(_interleaved(_entries(reply.choices, style))):
        chunk = {**head, "choices": [entry], **extra}
        if padded:
            chunk["obfuscation"] = new_id("", chance.randint(1, 16))
        if style.comments and position % _COMMENT_EVERY == 0:
            events.append(style.comment())
        events.append(style.event(style.json(chunk)))
    if usage_asked:
        events.append(style.event(style.json({**head, "choices": [], "usage": _usage(reply.usage)})))
    return [*events, style.event(b"[DONE]")]


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": reply.id if reply.id is not None else new_id("chatcmpl-"),
        "object": kind,
        "created": reply.created if reply.created is not None else int(time.time()),
        "model": reply.model,
    }


def _tail(reply: Reply) -> dict[str, Any]:
    fingerprint = reply.system_fingerprint
    return {
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT if fingerprint is None else fingerprint,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# -- one dict


def _choice(choice: Choice, index: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.content}
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in choice.tool_calls]
    if choice.function_call:
        called = choice.function_call
        message["function_call"] = {"name": called.name, "arguments": called.arguments}
    message["refusal"] = choice.refusal
    message["annotations"] = [dict(annotation) for annotation in choice.annotations]
    return {
        "index": index,
        "message": message,
        "logprobs": None if choice.logprobs is None else _logprobs(choice.logprobs),
        "finish_reason": choice.finish_reason,
    }


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    head = {"id": call.id if call.id is not None else new_id("call_", 24), "type": call.kind}
    return {**head, **_called(call, {"name": call.name}, arguments)}


def _called(call: ToolCall, named: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    if call.kind == "custom":
        return {"custom": {**named, "input": arguments}}
    return {"function": {**named, "arguments": arguments}}


def _logprobs(tokens: Iterable[TokenLogprob]) -> dict[str, Any]:
    content = [
        {**_scored(one.token, one.logprob), "top_logprobs": [_scored(text, score) for text, score in one.top]}
        for one in tokens
    ]
    return {"content": content, "refusal": None}


def _scored(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}


# -- chunks


def _entries(choices: Iterable[Choice], style: Style) -> list[list[dict[str, Any]]]:
    """For each choice the entries of `choices` that its chunks hold, in order."""
    return [
        [
            {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
            for delta, logprobs in _deltas(choice, style)
        ]
        + [{"index": index, "delta": {}, "logprobs": None, "finish_reason": choice.finish_reason}]
        for index, choice in enumerate(choices)
    ]


def _interleaved(lists: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """One entry of each list in turn, as choices are generated side by side."""
    for row in zip_longest(*lists):
        yield from (entry for entry in row if entry is not None)


def _deltas(choice: Choice, style: Style) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each delta of a choice with its log probabilities."""
    speaks = choice.content is not None or choice.refusal is not None
    opening: dict[str, Any] = {"role": "assistant", "content": "" if speaks else None}
    if choice.function_call:
        opening["function_call"] = {"name": choice.function_call.name, "arguments": ""}
    yield {**opening, "refusal": None}, None
    for piece in style.cut(choice.reasoning or ""):
        yield {"reasoning_content": piece}, None
    if choice.logprobs:
        for token in choice.logprobs:
            yield {"content": token.token}, _logprobs([token])
    else:
        for piece in style.cut(choice.content or ""):
            yield {"content": piece}, None
    for piece in style.cut(choice.refusal or ""):
        yield {"refusal": piece}, None
    if choice.annotations:
        yield {"annotations": [dict(annotation) for annotation in choice.annotations]}, None
    for index, call in enumerate(choice.tool_calls):
        yield {"tool_calls": [{"index": index, **_call(call, "")}]}, None
        for piece in style.cut(call.arguments):
            yield {"tool_calls": [{"index": index, **_called(call, {}, piece)}]}, None
    if choice.function_call:
        for piece in style.cut(choice.function_call.arguments):
            yield {"function_call": {"arguments": piece}}, None
