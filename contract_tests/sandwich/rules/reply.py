"""The reply side: what the upstream answered comes back the same, in whatever pieces a stream is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import MUST, SHOULD, Complaint, Level, Section
from contract_tests.rules.engine.node import Place
from contract_tests.sandwich.changes import Change, changes
from contract_tests.sandwich.pair import Pair, succeeded
from fake_server.wire.exchange import header_values
from fake_server.wire.text import format_count

reply = Section(
    "sandwich.reply",
    "Through a proxy: the reply",
    see.CHAT_OBJECT,
    relation=True,
    basis="the caller reads the proxy's copy alone, and each clause is read from the bytes of both sides",
)
TEXTS = ("content", "refusal", "text", "texts")
REASONING = ("reasoning", "reasoning_content", "summary", "encrypted_content")
CALLS = ("tool_calls", "function_call", "arguments", "call_id", "name")
ENDS = ("finish_reason", "stop_reason", "status", "incomplete_details")
DETAILS = ("logprobs", "annotations", "system_fingerprint", "service_tier", "audio")
"""Members of an answer by what they are for; the innermost name on the path of a change decides."""


def answered(pair: Pair) -> Iterator[Pair]:
    """The pair, if both sides are whole successes."""
    if pair.answer is not None and succeeded(pair.answer) and succeeded(pair.caller):
        yield pair


def compared(pair: Pair) -> Iterator[Pair]:
    """The pair, if both sides are successes in the same form, which can be compared."""
    for _ in answered(pair):
        if (
            pair.is_same_operation
            and pair.given is not None
            and pair.got is not None
            and _form(pair) == ("same", "same")
        ):
            yield pair


def _form(pair: Pair) -> tuple[str, str]:
    assert pair.answer is not None
    return ("same", "same") if pair.answer.form == pair.caller.form else (pair.answer.form, pair.caller.form)


def kind(change: Change) -> str:
    """Which rule a change of the reply is for: the name of the innermost member on its path that says it."""
    if change.path[-1:] == ("choices",) or change.path[-1:] == ("output",) or change.path[-1:] == ("data",):
        return "choices"
    for step in reversed(change.path):
        for name, members in KINDS.items():
            if step in members and (name != "id" or len(change.path) <= _OF_THE_ANSWER):
                return "added" if change.is_added and not _is_invented(change, name) else name
    return "added" if change.is_added else "members"


KINDS = {
    "usage": ("usage",),
    "details": DETAILS,
    "finish-reason": ENDS,
    "tool-calls": CALLS,
    "reasoning": REASONING,
    "text": TEXTS,
    "model": ("model",),
    "id": ("id", "created", "created_at", "completed_at"),
    "vectors": ("embedding",),
}


_MAY_GROW = ("usage", "details", "id", "model")
"""Rules that are about what was there: what is new beside it is for the rule about that."""


def _is_invented(change: Change, name: str) -> bool:
    """Whether a member that is new says something that the upstream did not say, such as a call."""
    return change.after is not None and name not in _MAY_GROW and change.path[-1] in KINDS[name]


_OF_THE_ANSWER = 2
"""Steps of a path to the id of an answer itself, be it in `response`; the ids of calls and items lie deeper."""


def differing(pair: Pair, name: str) -> Iterator[Change]:
    """The changes of the reply that are for the rule of this name; lost nulls and empty lists are for another."""
    for change in changes(pair.given, pair.got):
        if not change.is_nothing_dropped and kind(change) == name and not (name == "usage" and _is_unasked(pair)):
            yield change


def _is_unasked(pair: Pair) -> bool:
    """Whether a stream was asked for without token counts: a proxy may ask for them itself, and keep them."""
    options = pair.sent.get("stream_options")
    wanted = isinstance(options, dict) and options.get("include_usage") is True
    return pair.caller.form == "events" and not pair.caller.is_of_responses and not wanted


def _register(name: str, clause: str, harm: str, level: Level = MUST) -> Callable[[Pair], Iterable[Complaint]]:
    def check(pair: Pair) -> Iterable[Complaint]:
        for change in differing(pair, name):
            yield change.shown

    reply.rule(name, over=compared, level=level, harm=harm, clause=clause)(check)
    return check


@reply.rule("form", over=answered, harm="a stream arrives all at once, or a caller that parses JSON gets events")
def form(pair: Pair) -> Iterable[Complaint]:
    """A stream comes back as a stream, and an object as an object."""
    expected, found = _form(pair)
    if expected != found:
        yield Place(), f"a body of {found}", f"a body of {expected}"


@reply.rule(
    "status", over=answered, level=SHOULD, harm="a caller that looks at the status takes the answer for another"
)
def status(pair: Pair) -> Iterable[Complaint]:
    """The status of a success comes back the same."""
    if pair.answer and pair.caller.status != pair.answer.status:
        yield Place(), str(pair.caller.status), str(pair.answer.status)


_register("text", "The text comes back whole and once.", "words are lost or said twice")
_register(
    "reasoning", "What the model thought comes back the same.", "the next turn lacks the thoughts it goes on from"
)
_register(
    "tool-calls", "Calls of tools come back with their ids, names and arguments.", "the wrong tool is run, or none"
)
_register(
    "finish-reason", "Why an answer ends comes back the same.", "an answer that was cut off passes for a whole one"
)
_register("choices", "As many choices come back as the upstream gave.", "answers that were paid for are lost")
_register("usage", "Token counts come back the same.", "what is billed and what is counted differ")
_register("vectors", "Vectors come back the same, number for number.", "texts are found that are not near")
_register(
    "model",
    "The model that answered is named as the upstream names it.",
    "logs name a model that did not answer",
    SHOULD,
)
_register(
    "id", "The id and time of an answer come back the same.", "the answer is not found in the upstream's logs", SHOULD
)
_register(
    "details", "Log probabilities, annotations and fingerprints come back the same.", "sources and scores are lost"
)
_register("members", "Each other member comes back as it was.", "what is new in the API does not get through", SHOULD)


@reply.rule("empty-kept", over=compared, level=SHOULD, harm="a decoder that requires the member refuses the answer")
def empty_kept(pair: Pair) -> Iterable[Complaint]:
    """A member of the reply that is null or empty comes back as it was."""
    for change in changes(pair.given, pair.got):
        if change.is_nothing_dropped:
            yield change.shown


_register("added", "Nothing is added to an answer.", "a strict reader refuses the answer", SHOULD)


@reply.rule(
    "done", over=answered, harm="clients that wait for [DONE] hang, or stop before the end", see=see.CHAT_STREAMING
)
def done(pair: Pair) -> Iterable[Complaint]:
    """`[DONE]` comes as often as the upstream sent it."""
    assert pair.answer is not None
    given, got = (sum(payload.done for payload in view.payloads) for view in (pair.answer, pair.caller))
    if given != got and pair.answer.form == pair.caller.form == "events":
        yield Place(), format_count(got, "[DONE]", "times [DONE]"), format_count(given, "[DONE]", "times [DONE]")


@reply.rule(
    "request-id",
    over=answered,
    level=SHOULD,
    harm="the upstream's support finds no request by the id",
    see=see.DEBUGGING,
)
def request_id(pair: Pair) -> Iterable[Complaint]:
    """`x-request-id` comes back as the upstream gave it."""
    yield from lost_fields(pair, lambda name: name == "x-request-id")


@reply.rule(
    "rate-limits", over=answered, level=SHOULD, harm="callers that pace themselves do so blindly", see=see.RATE_LIMITS
)
def rate_limits(pair: Pair) -> Iterable[Complaint]:
    """The header fields about rate limits come back as the upstream gave them."""
    yield from lost_fields(pair, lambda name: name.startswith("x-ratelimit-"))


def lost_fields(pair: Pair, wanted: Callable[[str], bool]) -> Iterator[Complaint]:
    """The header fields of the upstream's reply that the caller gets otherwise or not at all."""
    assert pair.answer is not None
    for name in dict.fromkeys(name.lower() for name, _ in pair.answer.exchange.headers):
        given = header_values(pair.answer.exchange.headers, name)
        got = header_values(pair.caller.exchange.headers, name)
        if wanted(name) and given[-1] not in got:
            yield Place(), f"{name}: {', '.join(got) or 'missing'}", f"{name}: {given[-1]}"


def every(pair: Pair) -> Iterator[Pair]:
    """The pair: each has a reply to the caller."""
    yield pair


@reply.rule("upstream-key", over=every, harm="every caller can spend the operator's money", see=see.KEY_SAFETY)
def upstream_key(pair: Pair) -> Iterable[Complaint]:
    """The upstream's key does not reach the caller."""
    key = pair.upstream_key
    if not key or key == pair.caller_key:
        return
    for name, value in pair.front.headers:
        if key in value:
            yield Place(), f"the upstream's key in {name}", "no key"
    if key.encode() in pair.caller.body:
        yield Place(offset=pair.caller.body.index(key.encode())), "the upstream's key in the body", "no key"
