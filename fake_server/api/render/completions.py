"""Render a reply as a text completion or as the chunks of a streamed one, with OpenAI's members.

Source: genuine responses of api.openai.com; a chunk has `choices` before `model`, a dict after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fake_server.api.render.chat import hold_dict, reply_head, token_counts
from fake_server.api.render.chunks import interleave
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob

OBJECT = "text_completion"


def render_dict(reply: Reply, request: Mapping[str, Any], style: Style) -> bytes:
    """Render the body of the unstreamed response."""
    hold_dict(reply)
    choices = [
        _entry(_text(choice), index, _logprobs(choice.logprobs, choice.start, request), _finish_reason(choice))
        for index, choice in enumerate(reply.choices)
    ]
    tail = {"usage": token_counts(reply.usage), **_fingerprint(reply)}
    return style.serialize(
        {**reply_head(reply, OBJECT, style, "cmpl-"), "model": reply.model, "choices": choices, **tail}
    )


def render_stream(reply: Reply, request: Mapping[str, Any], style: Style) -> Iterator[bytes]:
    """Render the events of the streamed response, including `[DONE]`; comments are separate items."""
    return style.format_stream(_chunks(reply, request, style))


def _chunks(reply: Reply, request: Mapping[str, Any], style: Style) -> Iterator[dict[str, Any]]:
    head = reply_head(reply, OBJECT, style, "cmpl-")
    usage_asked = (request.get("stream_options") or {}).get("include_usage") is True
    tail = {"model": reply.model, **_fingerprint(reply), **({"usage": None} if usage_asked else {})}
    texts = [_text_entries(choice, index, request, style) for index, choice in enumerate(reply.choices)]
    for entry in interleave(texts):
        yield {**head, "choices": [entry], **tail}
    ends = [
        _entry("", index, None if choice.logprobs is None else _logprobs((), 0, request), _finish_reason(choice))
        for index, choice in enumerate(reply.choices)
        if not _ends_with_text(choice)
    ]
    for end in [ends] if ends and style.end_together else [[entry] for entry in ends]:
        yield {**head, "choices": end, **tail}
    if usage_asked:
        yield {**head, **tail, "usage": token_counts(reply.usage), "choices": []}


def _fingerprint(reply: Reply) -> dict[str, Any]:
    """The fingerprint if a script sets it; OpenAI sends none with text completions."""
    return {} if reply.system_fingerprint is None else {"system_fingerprint": reply.system_fingerprint}


def _text(choice: Choice) -> str:
    return choice.content or choice.refusal or ""


def _finish_reason(choice: Choice) -> str:
    return choice.finish_reason if choice.finish_reason in ("length", "content_filter") else "stop"


def _ends_with_text(choice: Choice) -> bool:
    """Whether the finish reason comes with the last text, as at a token limit, not in an empty entry."""
    return _finish_reason(choice) == "length" and _text(choice) != ""


def _entry(text: str, index: int, logprobs: dict[str, Any] | None, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


def _text_entries(choice: Choice, index: int, request: Mapping[str, Any], style: Style) -> Iterator[dict[str, Any]]:
    """The entries of a choice that contain its text."""
    last: dict[str, Any] | None = None
    for text, logprobs in _text_pieces(choice, request, style):
        if last is not None:
            yield last
        last = _entry(text, index, logprobs, None)
    if last is not None:
        yield {**last, "finish_reason": _finish_reason(choice)} if _ends_with_text(choice) else last


def _text_pieces(
    choice: Choice, request: Mapping[str, Any], style: Style
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    if choice.logprobs is None:
        for piece in style.split(_text(choice)):
            yield piece, None
        return
    start = choice.start
    for group in style.group(choice.logprobs):
        text = "".join(logprob.token for logprob in group)
        yield text, _logprobs(group, start, request)
        start += len(text)


def _logprobs(logprobs: Sequence[TokenLogprob] | None, start: int, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Log probabilities in the older form: parallel lists, with token offsets in characters from `start`.

    Without alternatives `top_logprobs` is null. Both probabilities of the first token of an echoed prompt are
    null, because nothing precedes it.
    """
    if logprobs is None:
        return None
    offsets: list[int] = []
    scores: list[float | None] = []
    tops: list[dict[str, float] | None] = []
    for logprob in logprobs:
        begins = bool(request.get("echo")) and start == 0
        offsets.append(start)
        scores.append(None if begins else logprob.logprob)
        tops.append(None if begins else dict(logprob.top))
        start += len(logprob.token)
    return {
        "tokens": [logprob.token for logprob in logprobs],
        "token_logprobs": scores,
        "top_logprobs": None if request.get("logprobs") == 0 else tops,
        "text_offset": offsets,
    }
