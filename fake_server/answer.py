"""From a validated chat request to a logical reply: a script's, else a sensible one.

The order: an unknown model, then the scripts, then (unless `strict`) a sensible answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fake_server import asked, limits, match, sensible, tokens
from fake_server.asking import Asking
from fake_server.limits import Measured
from fake_server.reply import Choice, ErrorReply, RawReply, Reply, Timing, TokenLogprob, ToolCall, Usage
from fake_server.script_model import Answer, Failure, Pace, Raw, Script, UsageNumbers, compact
from fake_server.scripts import ScriptBook, ScriptState

_DEFAULT_ERRORS: Mapping[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    429: ("requests", "rate_limit_exceeded"),
}


def answer(
    asking: Asking,
    book: ScriptBook,
    state: ScriptState,
    *,
    strict: bool = False,
    seed: int = 0,
    models: Sequence[str] | None = None,
    prompt_tokens: int | None = None,
) -> Reply | ErrorReply | RawReply:
    """Answer one chat request whose body is validated.

    Equal requests and seeds get equal answers, except that
    a script with `times` is used up in `state`. With `models`, any other model is a 404; with `strict`,
    so is a request that no script matches. `prompt_tokens` None counts those of the messages.
    """
    request, model = asking.body, asking.model
    if models is not None and model not in models:
        return ErrorReply(
            404,
            f"The model `{model}` does not exist or you do not have access to it.",
            code="model_not_found",
        )
    script = match.find(request, book, state)
    if script is not None and not script.reply.only_breaks:
        return _scripted(script, request, seed, prompt_tokens)
    if strict and script is None:
        return _no_script(request, book, state)
    measured = [limits.apply(choice, request, seed) for choice in sensible.choices(request, seed)]
    reply = Reply(_choices(measured), _usage(measured, request, prompt_tokens), model=model)
    return reply if script is None else replace(reply, script=script.name, faults=script.reply.faults)


def wordless(asking: Asking, book: ScriptBook, state: ScriptState) -> ErrorReply | RawReply | None:
    """What a script says to a request that no words answer: its error or its raw bytes.

    Scripts that hold an answer in words are passed over, and none of their uses is counted.
    """
    script = match.find(asking.body, book, state, wordless=True)
    return None if script is None else _untold(script, asking.body)


def _untold(script: Script, request: Mapping[str, Any]) -> ErrorReply | RawReply | None:
    reply = script.reply
    if reply.error is None and reply.raw is None:
        return None
    if reply.error is not None:
        untold: ErrorReply | RawReply = _failure(reply.error)
    else:
        assert reply.raw is not None
        untold = _raw(reply.raw, reply.timing, bool(request.get("stream")))
    return replace(untold, script=script.name, faults=reply.faults)


def _scripted(
    script: Script, request: Mapping[str, Any], seed: int, prompt_tokens: int | None
) -> Reply | ErrorReply | RawReply:
    reply = script.reply
    untold = _untold(script, request)
    if untold is not None:
        return untold
    answers = reply.answers * (1 if reply.choices else asked.how_many(request))
    measured = [
        limits.apply(_spoken(one, request), request, seed, cut=one.finish_reason is None) for one in answers
    ]
    return Reply(
        choices=_choices(measured),
        usage=_usage(measured, request, prompt_tokens, reply.usage),
        model=reply.model or str(request.get("model", "")),
        id=reply.id,
        created=reply.created,
        system_fingerprint=reply.system_fingerprint,
        timing=_timing(reply.timing),
        script=script.name,
        faults=reply.faults,
    )


def _spoken(one: Answer, request: Mapping[str, Any]) -> Choice:
    """A script's answer as a choice; calls take the form the request speaks."""
    told: dict[str, Any] = {"content": one.text, "refusal": one.refusal, "reasoning": one.reasoning}
    if one.logprobs is not None:
        told["logprobs"] = tuple(
            TokenLogprob(token.token, token.logprob, tuple(token.top.items())) for token in one.logprobs
        )
    made = tuple(ToolCall(call.name, call.arguments_text, call.id) for call in one.tool_calls)
    choice = sensible.choice_of_calls(request, made, **told) if made else Choice(**told)
    if one.finish_reason is None:
        return choice
    return Choice(**{**vars(choice), "finish_reason": one.finish_reason})


def _raw(raw: Raw, pace: Pace | None, streams: bool) -> RawReply:
    timing = _timing(pace)
    if raw.stream is not None and (streams or raw.body is None):
        events = tuple(_text(one) for one in raw.stream)
        return RawReply(raw.status, raw.headers, events=events, timing=timing)
    return RawReply(raw.status, raw.headers, body=_text(raw.body), timing=timing)


def _text(payload: Any) -> str:
    return payload if isinstance(payload, str) else compact(payload)


def _failure(error: Failure) -> ErrorReply:
    kind, code = _DEFAULT_ERRORS.get(
        error.status, ("server_error" if error.status >= 500 else "invalid_request_error", None)
    )
    return ErrorReply(
        status=error.status,
        message=error.message,
        type=error.type or kind,
        param=error.param,
        code=error.code if error.type or error.code else code,
        headers=error.headers,
    )


def _no_script(request: Mapping[str, Any], book: ScriptBook, state: ScriptState) -> ErrorReply:
    lines = [f"No script matches this request ({match.describe(request)})."]
    misses = match.explain(request, book, state)
    if misses:
        lines.append("The nearest:")
        lines += [f"  {miss.script.name!r} ({miss.script.place}): {miss.reason}" for miss in misses]
    else:
        lines.append("There are no scripts.")
    lines.append("Add a script that matches, or leave out strict for an answer without one.")
    return ErrorReply(404, "\n".join(lines), code="no_fixture_match", headers={"x-should-retry": "false"})


def _timing(pace: Pace | None) -> Timing:
    return Timing() if pace is None else Timing(pace.first, pace.rate, pace.jitter)


def _choices(measured: Sequence[Measured]) -> tuple[Choice, ...]:
    return tuple(one.choice for one in measured)


def _usage(
    measured: Sequence[Measured],
    request: Mapping[str, Any],
    prompt_tokens: int | None,
    told: UsageNumbers | None = None,
) -> Usage:
    counted = Usage(
        prompt_tokens=tokens.count_messages(request) if prompt_tokens is None else prompt_tokens,
        completion_tokens=sum(one.completion for one in measured),
        reasoning_tokens=sum(one.reasoning for one in measured),
    )
    given = {} if told is None else told.model_dump(exclude_none=True)
    return Usage(**{**vars(counted), **given})
