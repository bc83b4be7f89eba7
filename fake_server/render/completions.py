"""A reply as a text completion and as the chunks of a streamed one, with the members that OpenAI sends.

Source: genuine answers of api.openai.com; a chunk has its `choices` before its `model`, a dict after it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fake_server.render.chat import interleaved
from fake_server.reply import Choice, Reply, TokenLogprob, Usage
from fake_server.style import Style

OBJECT = "text_completion"
_COMMENT_EVERY = 7


def render_dict(reply: Reply, request: Mapping[str, Any], style: Style) -> bytes:
    """The body of the unstreamed answer."""
    del request  # a dict does not depend on how it was asked for
    choices = [
        _entry(_text(choice), index, _logprobs(choice.logprobs, 0), _finish(choice))
        for index, choice in enumerate(reply.choices)
    ]
    body = {**_head(reply, style), "model": reply.model, "choices": choices, "usage": _usage(reply.usage)}
    return style.json(body)


def render_stream(reply: Reply, request: Mapping[str, Any], style: Style) -> Iterator[bytes]:
    """The events of the streamed answer, `[DONE]` included; comments are entries of their own."""
    usage_asked = (request.get("stream_options") or {}).get("include_usage") is True
    for position, chunk in enumerate(_chunks(reply, style, usage_asked)):
        if style.comments and position % _COMMENT_EVERY == 0:
            yield style.comment()
        yield style.event(style.json(chunk))
    yield style.event(b"[DONE]")


def _chunks(reply: Reply, style: Style, usage_asked: bool) -> Iterator[dict[str, Any]]:
    head = _head(reply, style)
    extra: dict[str, Any] = {"usage": None} if usage_asked else {}
    told = [_entries(choice, index, style) for index, choice in enumerate(reply.choices)]
    for entry in interleaved(told):
        yield {**head, "choices": [entry], "model": reply.model, **extra}
    if usage_asked:
        yield {**head, "choices": [], "model": reply.model, "usage": _usage(reply.usage)}


def _head(reply: Reply, style: Style) -> dict[str, Any]:
    return {
        "id": reply.id if reply.id is not None else style.reply_id("cmpl-"),
        "object": OBJECT,
        "created": reply.created if reply.created is not None else int(time.time()),
    }


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def _text(choice: Choice) -> str:
    return choice.content or choice.refusal or ""


def _finish(choice: Choice) -> str:
    return choice.finish_reason if choice.finish_reason in ("length", "content_filter") else "stop"


def _entry(text: str, index: int, logprobs: dict[str, Any] | None, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


def _entries(choice: Choice, index: int, style: Style) -> Iterator[dict[str, Any]]:
    """The entries of one choice: its text in pieces, then an empty one that says why it ended."""
    if choice.logprobs:
        offset = 0
        for group in style.grouped(choice.logprobs):
            text = "".join(one.token for one in group)
            yield _entry(text, index, _logprobs(group, offset), None)
            offset += len(text)
    else:
        for piece in style.cut(_text(choice)):
            yield _entry(piece, index, None, None)
    yield _entry("", index, None, _finish(choice))


def _logprobs(given: Sequence[TokenLogprob] | None, offset: int) -> dict[str, Any] | None:
    """The older form: parallel lists, the texts' places counted in characters."""
    if given is None:
        return None
    offsets = []
    for one in given:
        offsets.append(offset)
        offset += len(one.token)
    return {
        "tokens": [one.token for one in given],
        "token_logprobs": [one.logprob for one in given],
        "top_logprobs": [dict(one.top) for one in given] if any(one.top for one in given) else None,
        "text_offset": offsets,
    }
