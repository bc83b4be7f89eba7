"""From a validated chat request to a logical reply: a script's, or (unless `strict`) a sensible one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from fake_server.api import chat_request, errors, limits, tokens
from fake_server.api.limits import CountedChoice
from fake_server.api.reply import (
    AT_ONCE,
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
from fake_server.scripts.book import ScriptBook
from fake_server.scripts.match import ScriptState
from fake_server.scripts.model import Answer, Failure, Pace, Raw, Response, UsageNumbers, compact
from fake_server.scripts.reply_parts import FOLDER
from fake_server.wire.budget import CURRENT, Heavy, TooMuch, once

_DEFAULT_ERRORS: Mapping[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    429: ("requests", "rate_limit_exceeded"),
}


def answer(
    request: ApiRequest,
    book: ScriptBook,
    state: ScriptState,
    *,
    strict: bool = False,
    seed: int = 0,
    prompt_tokens: int | None = None,
) -> Reply | ErrorReply | RawReply:
    """Answer one chat request whose body is validated.

    Equal requests and seeds get equal answers, except that a script with `times` is used up in `state`. With
    `strict` a request that no script matches is a 404. `prompt_tokens` None counts those of the messages.
    """
    body = request.body
    found = _find(request, book, state, seed)
    if found is None and strict:
        return _no_script(request, book, state)
    reply = None if found is None else _reply(found, request)
    if isinstance(reply, ErrorReply):
        return reply
    name = found.script.name if found else None
    if reply is not None and not reply.only_breaks:
        return _scripted(name, reply, body, seed, prompt_tokens)
    measured = [limits.apply_limits(choice, body, seed) for choice in make_choices(body, seed)]
    faults = reply.faults if reply else ()
    usage = _usage(measured, body, prompt_tokens)
    choices = tuple(counted.choice for counted in measured)
    return Reply(choices, usage, model=request.model, script=name, faults=faults)


def answer_numbers(
    request: ApiRequest, book: ScriptBook, state: ScriptState, *, strict: bool = False, seed: int = 0
) -> ErrorReply | RawReply | NumbersReply:
    """What a script answers to embeddings or moderations; without a script nothing, or with `strict` a 404.

    Scripts that answer in words are passed over, and none of their uses is counted.
    """
    found = _find(request, book, state, seed)
    if found is None:
        return _no_script(request, book, state) if strict else NumbersReply()
    reply = _reply(found, request)
    if isinstance(reply, ErrorReply):
        return reply
    name = found.script.name
    numbers = NumbersReply(reply.embedding, reply.flagged, script=name, faults=reply.faults)
    return _error_or_raw(name, reply, request.body) or numbers


def _find(request: ApiRequest, book: ScriptBook, state: ScriptState, seed: int) -> match.Found | None:
    """The script that answers, whose use is counted once, however often the work for the request is begun."""
    budget = CURRENT.get()
    if budget is None:
        return match.find(request, book, state, seed=seed)
    if budget.reused == len(budget.results):
        if book.counts_calls and not budget.heavy:
            raise Heavy  # its conditions must not be begun again, as some count before others are tried
        budget.results = (*budget.results, match.find(request, book, state, seed=seed))
    budget.reused += 1
    found: match.Found | None = budget.results[budget.reused - 1]
    return found


def _reply(found: match.Found, request: ApiRequest) -> Response | ErrorReply:
    """The reply of a script: as written, made by its callable, or a filled template; a 500 if it gives none."""
    reply = found.reply
    if reply is None or reply.template:
        try:
            reply = _make(found, request)
        except TooMuch as error:
            refusal = errors.too_much(f"the script {found.script.name!r} ({found.script.place}): {error}")
            return replace(refusal, script=found.script.name)
        except Exception as error:
            return _failed(found, _describe_failure(error))
    if request.endpoint not in reply.endpoints:
        return _failed(found, f" gave a reply that {request.endpoint} cannot answer with")
    return reply


def _make(found: match.Found, request: ApiRequest) -> Response:
    if (called := found.script.called) is not None:
        value = once(lambda: called(request))
        return Response.model_validate({"text": value} if isinstance(value, str) else value)
    assert found.reply is not None
    from fake_server.scripts import templates

    written = {**templates.fill_in(found.reply.written, request), "template": False}
    return Response.model_validate(written, context={FOLDER: found.script.folder})


def _describe_failure(error: Exception) -> str:
    from fake_server.scripts import error_text, templates  # no script that works needs both

    if isinstance(error, templates.TemplateFailed):
        return f": {error}"
    if isinstance(error, ValidationError):
        return f" gave no reply: {error_text.describe_reply_errors(error)}"
    return f" gave no reply: {type(error).__name__}: {error}"


def _failed(found: match.Found, why: str) -> ErrorReply:
    """The error of a script that matched and gave no reply; its message says which and why."""
    message = f"the script {found.script.name!r} ({found.script.place}){why}"
    headers = {"x-should-retry": "false"}
    return ErrorReply(500, message, "server_error", headers=headers, script=found.script.name)


def _error_or_raw(name: str | None, reply: Response, request: Mapping[str, Any]) -> ErrorReply | RawReply | None:
    if reply.error is not None:
        return replace(_failure(reply.error), script=name, faults=reply.faults)
    if reply.raw is not None:
        raw = _raw(reply.raw, reply.timing, bool(request.get("stream")))
        return replace(raw, script=name, faults=reply.faults)
    return None


def _scripted(
    name: str | None, reply: Response, request: Mapping[str, Any], seed: int, prompt_tokens: int | None
) -> Reply | ErrorReply | RawReply:
    if (other := _error_or_raw(name, reply, request)) is not None:
        return other
    limited = not limits.LIMITS.isdisjoint(request) or chat_request.is_reasoning_model(request)
    measured = [_measure_output(reply)] if reply.output else []
    choices = [counted.choice for counted in measured] if measured else []
    for index, answer in enumerate(() if measured else reply.choices or (reply,) * chat_request.choice_count(request)):
        if limited or (counted := answer.counted) is None:
            choice = _choice(answer, request, seed, index)
            counted = limits.apply_limits(choice, request, seed, cut=answer.finish_reason is None)
        measured.append(counted)
        choices.append(counted.choice)
    return Reply(
        choices=tuple(choices),
        usage=_usage(measured, request, prompt_tokens, reply.usage),
        model=reply.model or str(request.get("model", "")),
        id=reply.id,
        created=reply.created,
        system_fingerprint=reply.system_fingerprint,
        timing=AT_ONCE if reply.timing is None else _timing(reply.timing),
        output=reply.output,
        script=name,
        faults=reply.faults,
    )


def _measure_output(reply: Response) -> CountedChoice:
    """What the items cost that a script gives as they are; no limit cuts them."""
    from fake_server.api import items  # few scripts have any

    return CountedChoice(Choice(finish_reason=reply.finish_reason or "stop"), *items.count_tokens(reply.output))


def _choice(answer: Answer, request: Mapping[str, Any], seed: int, index: int) -> Choice:
    """A script's answer as a choice; calls take the form that the request speaks."""
    members: dict[str, Any] = {
        "content": answer.text if answer.text is not None else _content(answer, request, seed, index),
        "refusal": answer.refusal,
        "reasoning": answer.reasoning,
        "annotations": answer.annotations,
    }
    if answer.logprobs is not None:
        members["logprobs"] = tuple(
            TokenLogprob(token.token, token.logprob, tuple(token.top.items())) for token in answer.logprobs
        )
    if answer.tool_calls:
        calls = tuple(ToolCall(call.name, call.arguments_text, call.id) for call in answer.tool_calls)
        choice = choice_of_calls(request, calls, **members)
    else:
        choice = Choice(**members)
    return choice if answer.finish_reason is None else replace(choice, finish_reason=answer.finish_reason)


def _content(answer: Answer, request: Mapping[str, Any], seed: int, index: int) -> str | None:
    """The JSON that stands for the text, None without any."""
    if answer.json_ is not None:
        return compact(answer.json_)
    if answer.schema_ is not None:
        from fake_server.api.sensible import filler  # many patterns, and few scripts with schemas

        schema = chat_request.response_schema(request) if answer.schema_ == "request" else answer.schema_
        made = filler.fill(schema, chat_request.last_user_text(request), seed, index)
        return compact(_with(made, answer.with_))
    return None


def _with(value: Any, members: Mapping[str, Any]) -> Any:
    """The value with these members, those inside of members too."""
    if not isinstance(value, Mapping) or not members:
        return value
    changed = {
        name: _with(value[name], new) if isinstance(new, Mapping) and isinstance(value.get(name), Mapping) else new
        for name, new in members.items()
    }
    return {**value, **changed}


def _raw(raw: Raw, pace: Pace | None, streams: bool) -> RawReply:
    timing = AT_ONCE if pace is None else _timing(pace)
    if raw.stream is not None and (streams or raw.sent is None):
        events = tuple(payload if isinstance(payload, str) else compact(payload) for payload in raw.stream)
        return RawReply(raw.status, raw.headers, events=events, timing=timing)
    return RawReply(raw.status, raw.headers, body=raw.sent, timing=timing)


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


def _no_script(request: ApiRequest, book: ScriptBook, state: ScriptState) -> ErrorReply:
    lines = [f"No script matches this request ({match.describe(request.body)})."]
    misses = match.explain(request, book, state)
    if misses:
        lines.append("The nearest:")
        lines += [f"  {miss.script.name!r} ({miss.script.place}): {miss.reason}" for miss in misses]
    else:
        lines.append("There are no scripts.")
    lines.append("Add a script that matches, or leave out strict for an answer without one.")
    return ErrorReply(404, "\n".join(lines), code="no_fixture_match", headers={"x-should-retry": "false"})


def _timing(pace: Pace) -> Timing:
    return Timing(pace.first, pace.rate, pace.jitter, pace.waits)


def _usage(
    measured: Sequence[CountedChoice],
    request: Mapping[str, Any],
    prompt_tokens: int | None,
    scripted: UsageNumbers | None = None,
) -> Usage:
    completion = reasoning = 0
    for item in measured:
        completion += item.completion
        reasoning += item.reasoning
    usage = Usage(
        prompt_tokens=tokens.count_messages(request) if prompt_tokens is None else prompt_tokens,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
    )
    return usage if scripted is None else replace(usage, **scripted.model_dump(exclude_none=True))
