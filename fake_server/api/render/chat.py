"""Render a reply as a chat completion or as chat completion chunks, with OpenAI's members."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from fake_server.api.render.chunks import AT_ONCE, Padding, interleave
from fake_server.api.render.style import Style
from fake_server.api.render.templates import PLACEHOLDERS, BodyTemplate, EventTemplate, place
from fake_server.api.reply import Choice, Reply, TokenLogprob, ToolCall, Usage, count_scores
from fake_server.wire.budget import hold, spend

FINGERPRINT = "fp_44709d6fcb"
_TEXTS = 4
"""Texts that are split once for all choices that have them: choices of a script have the same."""
_SCORE = 450
"""Bytes that a log probability takes as a dict and as JSON."""


def render_dict(reply: Reply, request: Mapping[str, Any], style: Style) -> bytes:
    """Render the body of the unstreamed response."""
    del request  # stream options do not matter here
    hold_dict(reply)
    if len(reply.choices) == 1 and _is_text(reply.choices[0]):
        try:
            return _text_template(style.order, style.spaced, style.escaped).fill(_varying(reply, style))
        except UnicodeEncodeError:  # all of it is escaped then
            pass
    return style.serialize(_completion(reply, style))


def _is_text(choice: Choice) -> bool:
    """Whether it is a text and nothing else."""
    others = choice.tool_calls or choice.function_call or choice.reasoning is not None or choice.annotations
    return not others and choice.content is not None and choice.refusal is None and choice.logprobs is None


def _completion(reply: Reply, style: Style) -> dict[str, Any]:
    return {
        **reply_head(reply, "chat.completion", style),
        "model": reply.model,
        "choices": [_choice(choice, index, style) for index, choice in enumerate(reply.choices)],
        "usage": _usage(reply.usage),
        **_tail(reply),
    }


@cache
def _text_template(order: str, spaced: bool, escaped: bool) -> BodyTemplate:
    """The body of a reply whose one choice is a text."""
    style = Style(order=order, spaced=spaced, escaped=escaped)
    names = _varying(Reply((Choice(""),), Usage(0, 0), ""), style)
    places: Any = {name: place(name) for name in names}
    choice = Choice(places["content"], finish_reason=places["finish_reason"])
    value = _completion(Reply((choice,), Usage(0, 0), ""), style)
    usage = value["usage"]
    for part in (value, usage, usage["prompt_tokens_details"], usage["completion_tokens_details"]):
        part.update((name, places[name]) for name in part if name in places)
    return BodyTemplate(style, value, names)


def _varying(reply: Reply, style: Style) -> dict[str, str | int]:
    """The texts and numbers of a reply whose one choice is a text, each under its member's name."""
    choice = reply.choices[0]
    return {
        **reply_head(reply, "chat.completion", style),
        "model": reply.model,
        "content": choice.content or "",
        "finish_reason": choice.finish_reason,
        **token_counts(reply.usage),
        "cached_tokens": reply.usage.cached_tokens,
        "reasoning_tokens": reply.usage.reasoning_tokens,
        **_tail(reply),
    }


def hold_dict(reply: Reply) -> None:
    """Note what the body of a reply takes: its texts as JSON, and each log probability as a dict."""
    scores = sum(map(count_scores, filter(attrgetter("logprobs"), reply.choices)))
    if scores:
        spend(scores * 4, f"the JSON of {scores:,} log probabilities")
        hold(scores * _SCORE, f"the JSON of {scores:,} log probabilities")


def render_stream(reply: Reply, request: Mapping[str, Any], style: Style) -> Iterator[bytes]:
    """Render the events of the streamed response, including `[DONE]`; comments are separate items.

    Lazily, so that a long stream of many choices is never in memory as a whole.
    """
    options = request.get("stream_options") or {}
    padded = style.obfuscation and options.get("include_obfuscation") is not False
    return style.format_stream(_chunks(reply, style, options.get("include_usage") is True, padded))


def _chunks(reply: Reply, style: Style, usage_asked: bool, padded: bool) -> Iterator[dict[str, Any] | list[bytes]]:
    """The chunks; those of content, which are many, come as finished events from a template per choice."""
    head = {**reply_head(reply, "chat.completion.chunk", style), "model": reply.model, **_tail(reply)}
    extra: dict[str, Any] = {"usage": None} if usage_asked else {}
    padding = Padding(style) if padded else None
    templates: dict[int, EventTemplate] = {}

    def chunk(entries: list[dict[str, Any]], pad: str | None = None, **more: Any) -> dict[str, Any]:
        whole = {**head, "choices": entries, **more}
        return whole if padding is None else {**whole, "obfuscation": pad or padding.take(1)[0]}

    alone = len(reply.choices) == 1
    split = lru_cache(_TEXTS)(style.split)
    entries = [_entries(choice, index, style, split, alone) for index, choice in enumerate(reply.choices)]
    for entry in entries[0] if alone else interleave(entries):
        if isinstance(entry, dict):
            yield chunk([entry], **extra)
            continue
        index, pieces = entry
        if index not in templates:
            content_entry = _entry(index, {"content": PLACEHOLDERS[0]})
            templates[index] = EventTemplate(style, chunk([content_entry], PLACEHOLDERS[1], **extra))
        for start in range(0, len(pieces), AT_ONCE):
            batch = pieces[start : start + AT_ONCE]
            yield templates[index].events(batch, () if padding is None else padding.take(len(batch)))
    if usage_asked:
        yield chunk([], usage=_usage(reply.usage))


def reply_head(reply: Reply, kind: str, style: Style, prefix: str = "chatcmpl-") -> dict[str, Any]:
    """The members `id`, `object` and `created`; a reply without an id gets a new one with this prefix."""
    return {
        "id": reply.id if reply.id is not None else style.new_reply_id(prefix),
        "object": kind,
        "created": reply.created if reply.created is not None else int(time.time()),
    }


def _tail(reply: Reply) -> dict[str, Any]:
    fingerprint = FINGERPRINT if reply.system_fingerprint is None else reply.system_fingerprint
    return {"service_tier": "default", "system_fingerprint": fingerprint}


def token_counts(usage: Usage) -> dict[str, Any]:
    """The members of `usage` that all completions have."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        **token_counts(usage),
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# -- chat completion


def _choice(choice: Choice, index: int, style: Style) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.content}
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [_call(call, call.arguments, style) for call in choice.tool_calls]
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


def _call(call: ToolCall, arguments: str, style: Style) -> dict[str, Any]:
    head = {"id": call.id if call.id is not None else style.new_call_id(), "type": call.kind}
    return {**head, **_call_body(call, {"name": call.name}, arguments)}


def _call_body(call: ToolCall, named: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    if call.kind == "custom":
        return {"custom": {**named, "input": arguments}}
    return {"function": {**named, "arguments": arguments}}


def _logprobs(tokens: Iterable[TokenLogprob]) -> dict[str, Any]:
    content = [
        {
            **_token_score(logprob.token, logprob.logprob),
            "top_logprobs": [_token_score(text, score) for text, score in logprob.top],
        }
        for logprob in tokens
    ]
    return {"content": content, "refusal": None}


def _token_score(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}


# -- chunks


_ContentPieces = tuple[int, Sequence[str]]
"""The index of a choice and pieces of its content."""


def _entries(
    choice: Choice, index: int, style: Style, split: Callable[[str], Sequence[str]], alone: bool
) -> Iterator[dict[str, Any] | _ContentPieces]:
    """The entries of a choice in order, one per chunk; if the choice is `alone`, its content as one item."""
    yield _entry(index, _opening_delta(choice, style), None if choice.logprobs is None else _logprobs([]))
    for piece in style.split(choice.reasoning or ""):
        yield _entry(index, {"reasoning_content": piece})
    if choice.logprobs:
        for group in style.group(choice.logprobs):
            yield _entry(index, {"content": "".join(logprob.token for logprob in group)}, _logprobs(group))
    else:
        pieces = split(choice.content or "")
        yield from [(index, pieces)] if alone else ((index, (piece,)) for piece in pieces)
    for piece in style.split(choice.refusal or ""):
        yield _entry(index, {"refusal": piece})
    if choice.annotations:
        yield _entry(index, {"annotations": [dict(annotation) for annotation in choice.annotations]})
    for delta in _call_deltas(choice, style):
        yield _entry(index, delta)
    yield _entry(index, {}, finish=choice.finish_reason)


def _entry(
    index: int, delta: dict[str, Any], logprobs: dict[str, Any] | None = None, finish: str | None = None
) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _opening_delta(choice: Choice, style: Style) -> dict[str, Any]:
    """The delta with the role; as at OpenAI, a single call starts in it, while several start after it."""
    if style.bare_opening:
        return {"role": "assistant"}
    speaks = choice.content is not None or choice.refusal is not None
    opening: dict[str, Any] = {"role": "assistant", "content": "" if speaks else None}
    if _begins_with_call(choice, style):
        return {**opening, **next(_call_openings(choice, style)), "refusal": None}
    return opening if choice.tool_calls and not speaks else {**opening, "refusal": None}


def _begins_with_call(choice: Choice, style: Style) -> bool:
    silent = not (choice.content or choice.refusal or choice.reasoning or choice.annotations)
    single = len(choice.tool_calls) + (choice.function_call is not None) == 1
    return silent and single and not style.bare_opening


def _call_deltas(choice: Choice, style: Style) -> Iterator[dict[str, Any]]:
    opened = _begins_with_call(choice, style)
    beginnings = _call_openings(choice, style)
    for index, call in enumerate(choice.tool_calls):
        if not opened:
            yield next(beginnings)
        for piece in style.split(call.arguments):
            yield {"tool_calls": [{"index": index, **_call_body(call, {}, piece)}]}
    if choice.function_call:
        if not opened:
            yield next(beginnings)
        for piece in style.split(choice.function_call.arguments):
            yield {"function_call": {"arguments": piece}}


def _call_openings(choice: Choice, style: Style) -> Iterator[dict[str, Any]]:
    """For each call the members of the delta that opens it with its name."""
    for index, call in enumerate(choice.tool_calls):
        yield {"tool_calls": [{"index": index, **_call(call, "", style)}]}
    if choice.function_call:
        yield {"function_call": {"name": choice.function_call.name, "arguments": ""}}
