"""From a validated chat request to a logical reply: a script's, else a sensible one.

The order: an unknown model, then the scripts, then (unless `strict`) a sensible answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from fake_server.api import chat_request, limits, tokens
from fake_server.api.limits import CountedChoice
from fake_server.api.reply import (
    Choice,
    ErrorReply,
    NumbersReply,
    RawReply,
    Reply,
    Timing,
    TokenLogprob,
    ToolCall,
    Usage,
)
from fake_server.api.request import ApiRequest
from fake_server.api.sensible.choices import choice_of_calls, make_choices
from fake_server.scripts import match
from fake_server.scripts.book import ScriptBook, ScriptState
from fake_server.scripts.model import Answer, Failure, Pace, Raw, Response, UsageNumbers, compact
from fake_server.scripts.reply_parts import FOLDER

_DEFAULT_ERRORS: Mapping[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    429: ("requests", "rate_limit_exceeded"),
}


def answer(
    asking: ApiRequest,
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
    found = match.find(asking, book, state, seed=seed)
    if found is None and strict:
        return _no_script(asking, book, state)
    try:
        reply = None if found is None else _reply(found, asking)
    except ScriptFailed as error:
        return error.reply
    name = found.script.name if found else None
    if reply is not None and not reply.only_breaks:
        return _scripted(name, reply, request, seed, prompt_tokens)
    measured = [limits.apply_limits(choice, request, seed) for choice in make_choices(request, seed)]
    faults = reply.faults if reply else ()
    usage = _usage(measured, request, prompt_tokens)
    return Reply(_choices(measured), usage, model=model, script=name, faults=faults)


class ScriptFailed(Exception):
    """A script that matched and could give no reply; the text says which and why."""

    def __init__(self, found: match.Found, why: str) -> None:
        super().__init__(f"the script {found.script.name!r} ({found.script.place}){why}")
        self.name = found.script.name

    @property
    def reply(self) -> ErrorReply:
        headers = {"x-should-retry": "false"}
        return ErrorReply(500, str(self), "server_error", headers=headers, script=self.name)


def wordless(
    asking: ApiRequest, book: ScriptBook, state: ScriptState, *, strict: bool = False, seed: int = 0
) -> ErrorReply | RawReply | NumbersReply | None:
    """What a script says to a request that no words answer; None without a script, or with `strict` a 404.

    Scripts that hold an answer in words are passed over, and none of their uses is counted.
    """
    found = match.find(asking, book, state, seed=seed)
    if found is None:
        return _no_script(asking, book, state) if strict else None
    try:
        reply = _reply(found, asking)
    except ScriptFailed as error:
        return error.reply
    numbers = NumbersReply(reply.embedding, reply.flagged, found.script.name, reply.faults)
    return _untold(found.script.name, reply, asking.body) or numbers


def _reply(found: match.Found, asking: ApiRequest) -> Response:
    """The reply of a script, made by its callable or filled in where it is a template."""
    try:
        reply = _made(found, asking)
    except ScriptFailed:
        raise
    except ValidationError as error:
        from fake_server.scripts.error_text import of_reply  # no script that works needs it

        raise ScriptFailed(found, f" gave no reply: {of_reply(error)}") from error
    except Exception as error:
        raise ScriptFailed(found, f" gave no reply: {type(error).__name__}: {error}") from error
    if asking.endpoint not in reply.endpoints:
        raise ScriptFailed(found, f" gave a reply that {asking.endpoint} cannot answer with")
    return reply


def _made(found: match.Found, asking: ApiRequest) -> Response:
    if found.script.called is not None:
        said = found.script.called(asking)
        return Response.model_validate({"text": said} if isinstance(said, str) else said)
    assert found.reply is not None
    if not found.reply.template:
        return found.reply
    from fake_server.scripts import templates

    try:
        written = {**templates.filled(found.reply.written, asking), "template": False}
    except templates.TemplateFailed as error:
        raise ScriptFailed(found, f": {error}") from error
    return Response.model_validate(written, context={FOLDER: found.script.folder})


def _untold(name: str | None, reply: Response, request: Mapping[str, Any]) -> ErrorReply | RawReply | None:
    if reply.error is not None:
        return replace(_failure(reply.error), script=name, faults=reply.faults)
    if reply.raw is not None:
        raw = _raw(reply.raw, reply.timing, bool(request.get("stream")))
        return replace(raw, script=name, faults=reply.faults)
    return None


def _scripted(
    name: str | None, reply: Response, request: Mapping[str, Any], seed: int, prompt_tokens: int | None
) -> Reply | ErrorReply | RawReply:
    untold = _untold(name, reply, request)
    if untold is not None:
        return untold
    answers = reply.answers * (1 if reply.choices else chat_request.choice_count(request))
    measured = [
        limits.apply_limits(_spoken(one, request, seed, index), request, seed, cut=one.finish_reason is None)
        for index, one in enumerate(answers)
    ]
    return Reply(
        choices=_choices(measured),
        usage=_usage(measured, request, prompt_tokens, reply.usage),
        model=reply.model or str(request.get("model", "")),
        id=reply.id,
        created=reply.created,
        system_fingerprint=reply.system_fingerprint,
        timing=_timing(reply.timing),
        script=name,
        faults=reply.faults,
    )


def _spoken(one: Answer, request: Mapping[str, Any], seed: int, index: int) -> Choice:
    """A script's answer as a choice; calls take the form the request speaks."""
    told: dict[str, Any] = {
        "content": _content(one, request, seed, index),
        "refusal": one.refusal,
        "reasoning": one.reasoning,
        "annotations": one.annotations,
    }
    if one.logprobs is not None:
        told["logprobs"] = tuple(
            TokenLogprob(token.token, token.logprob, tuple(token.top.items())) for token in one.logprobs
        )
    made = tuple(ToolCall(call.name, call.arguments_text, call.id) for call in one.tool_calls)
    choice = choice_of_calls(request, made, **told) if made else Choice(**told)
    return choice if one.finish_reason is None else replace(choice, finish_reason=one.finish_reason)


def _content(one: Answer, request: Mapping[str, Any], seed: int, index: int) -> str | None:
    """The text, or the JSON that stands for it."""
    if one.json_ is not None:
        return compact(one.json_)
    if one.schema_ is not None:
        from fake_server.api.sensible import filler  # many patterns, and few scripts with schemas

        schema = chat_request.response_schema(request) if one.schema_ == "request" else one.schema_
        made = filler.fill(schema, chat_request.last_user_text(request), seed, index)
        return compact(_with(made, one.with_))
    return one.text


def _with(value: Any, members: Mapping[str, Any]) -> Any:
    """The value with these members, those inside of members too."""
    if not isinstance(value, Mapping) or not members:
        return value
    changed = {
        name: _with(value[name], new)
        if isinstance(new, Mapping) and isinstance(value.get(name), Mapping)
        else new
        for name, new in members.items()
    }
    return {**value, **changed}


def _raw(raw: Raw, pace: Pace | None, streams: bool) -> RawReply:
    timing = _timing(pace)
    if raw.stream is not None and (streams or raw.sent is None):
        events = tuple(_text(one) for one in raw.stream)
        return RawReply(raw.status, raw.headers, events=events, timing=timing)
    return RawReply(raw.status, raw.headers, body=raw.sent, timing=timing)


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


def _no_script(asking: ApiRequest, book: ScriptBook, state: ScriptState) -> ErrorReply:
    lines = [f"No script matches this request ({match.describe(asking.body)})."]
    misses = match.explain(asking, book, state)
    if misses:
        lines.append("The nearest:")
        lines += [f"  {miss.script.name!r} ({miss.script.place}): {miss.reason}" for miss in misses]
    else:
        lines.append("There are no scripts.")
    lines.append("Add a script that matches, or leave out strict for an answer without one.")
    return ErrorReply(404, "\n".join(lines), code="no_fixture_match", headers={"x-should-retry": "false"})


_AT_ONCE = Timing()


def _timing(pace: Pace | None) -> Timing:
    return _AT_ONCE if pace is None else Timing(pace.first, pace.rate, pace.jitter, pace.waits)


def _choices(measured: Sequence[CountedChoice]) -> tuple[Choice, ...]:
    return tuple(one.choice for one in measured)


def _usage(
    measured: Sequence[CountedChoice],
    request: Mapping[str, Any],
    prompt_tokens: int | None,
    told: UsageNumbers | None = None,
) -> Usage:
    counted = Usage(
        prompt_tokens=tokens.count_messages(request) if prompt_tokens is None else prompt_tokens,
        completion_tokens=sum([one.completion for one in measured]),
        reasoning_tokens=sum([one.reasoning for one in measured]),
    )
    return counted if told is None else replace(counted, **told.model_dump(exclude_none=True))
