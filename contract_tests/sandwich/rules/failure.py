"""Failures: what goes wrong behind a proxy is seen in front of it, as what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Place, show
from contract_tests.rules.engine.view import View
from contract_tests.sandwich.pair import Pair, error_of, succeeded
from contract_tests.sandwich.rules.reply import lost_fields
from fake_server.wire.exchange import Ending

failure = Section(
    "sandwich.failure",
    "Through a proxy: failures",
    see.ERRORS,
    relation=True,
    basis="the SDKs choose the exception, and whether to ask again, by the status and the error object they get",
)
FINAL_EVENTS = ("response.completed", "response.incomplete")
"""What ends the stream of a Response, which has no [DONE]."""
OWN_FAULT = (401, 403)
"""Statuses that are about the proxy's key, not the caller's: a gateway may answer 5xx instead."""


def failed(pair: Pair) -> Iterator[Pair]:
    """The pair, if the upstream's last reply is no whole success."""
    if pair.answer is not None and not succeeded(pair.answer):
        yield pair


def refused(pair: Pair) -> Iterator[Pair]:
    """The pair, if the upstream refused with a status, and the caller has one too."""
    if pair.answer is not None and pair.answer.is_refusal and pair.caller.is_refusal:
        yield pair


def explained(pair: Pair) -> Iterator[tuple[Pair, Mapping[str, Any], Mapping[str, Any]]]:
    """The pair with the error objects of both sides, if both refuse and the upstream gave one."""
    for _ in refused(pair):
        assert pair.answer is not None
        given = error_of(pair.answer)
        got = error_of(pair.caller)
        if given is not None and got is not None:
            yield pair, given, got


def broken_off(pair: Pair) -> Iterator[Pair]:
    """The pair, if the upstream began a stream and broke it off before its end, or with an error."""
    answer = pair.answer
    if answer is not None and is_stream(answer) and not succeeded(answer) and not is_ended(answer) and pair.caller.ok:
        yield pair


def is_stream(view: View) -> bool:
    """Whether a reply is a stream, be it without any event."""
    kind = view.exchange.header("content-type") or ""
    return view.ok and kind.lower().startswith("text/event-stream")


def is_ended(view: View) -> bool:
    """Whether a stream came to the event that ends it, whatever became of the connection afterwards."""
    return any(payload.done for payload in view.payloads) or any(
        node.text_of("type") in FINAL_EVENTS for node in view.messages
    )


@failure.rule("no-false-success", over=failed, harm="an outage passes for an answer, and is stored as one")
def no_false_success(pair: Pair) -> Iterable[Complaint]:
    """A failure of the upstream does not become a success."""
    assert pair.answer is not None
    began = is_stream(pair.answer) and not pair.answer.is_failed_success
    if not began and succeeded(pair.caller):
        yield Place(), f"status {pair.caller.status}", f"an error: the upstream {describe(pair.answer)}"


def describe(view: View) -> str:
    """What became of a reply, in words."""
    if view.exchange.status is None:
        return f"gave no reply ({view.exchange.ending})"
    if view.exchange.ending is not Ending.CLEAN:
        return f"answered {view.status} and broke off ({view.exchange.ending})"
    return f"answered {view.status}"


@failure.rule("made-up-end", over=broken_off, harm="half an answer passes for a whole one")
def made_up_end(pair: Pair) -> Iterable[Complaint]:
    """A stream that the upstream broke off gets no `finish_reason` that the upstream did not send."""
    assert pair.answer is not None
    given = {reason for _, reason in ends_of(pair.answer)}
    for place, reason in ends_of(pair.caller):
        if reason not in given:
            yield place, show(reason), f"an error: the upstream {describe(pair.answer)}"


def ends_of(view: View) -> Iterator[tuple[Place, str]]:
    """Each reason to end that a stream gives, with its place."""
    for node in view.chunks:
        if node.text_of("type") == "response.completed":
            yield node.place, "response.completed"
        for entry in node["choices"]:
            if entry["finish_reason"].text:
                yield entry["finish_reason"].place, entry["finish_reason"].text


@failure.rule(
    "clean-end", over=broken_off, yields_to=[".made-up-end"], harm="the caller is not told that words are missing"
)
def clean_end(pair: Pair) -> Iterable[Complaint]:
    """A stream that the upstream broke off does not end as if it were whole."""
    assert pair.answer is not None
    if succeeded(pair.caller):
        yield pair.caller.end, "an end without an error", f"an error: the upstream {describe(pair.answer)}"


@failure.rule("status", over=refused, harm="the caller asks again in vain, or gives up where waiting would have helped")
def status(pair: Pair) -> Iterable[Complaint]:
    """The status of a refusal is of the same class, and 429 stays 429."""
    assert pair.answer is not None
    given, got = pair.answer.status, pair.caller.status
    hidden = given in OWN_FAULT and got >= 500
    kept = got == given if given == 429 or got == 429 else got // 100 == given // 100
    if not kept and not hidden:
        yield Place(), f"status {got}", f"status {given}"


@failure.rule(
    "exact-status", over=refused, level=SHOULD, yields_to=[".status"], harm="the SDK raises another exception"
)
def exact_status(pair: Pair) -> Iterable[Complaint]:
    """The status of a refusal is the same."""
    assert pair.answer is not None
    given, got = pair.answer.status, pair.caller.status
    if got != given and not (given in OWN_FAULT and got >= 500):
        yield Place(), f"status {got}", f"status {given}"


@failure.rule("error-object", over=refused, harm="the SDK raises an error without code, param and message")
def error_object(pair: Pair) -> Iterable[Complaint]:
    """An error object of the upstream comes back as an error object."""
    assert pair.answer is not None
    if error_of(pair.answer) is not None and error_of(pair.caller) is None:
        yield Place(), f"a body of {pair.caller.form}", '{"error": {…}}'


def _member(name: str, harm: str) -> None:
    def check(pair: Pair, given: Mapping[str, Any], got: Mapping[str, Any]) -> Iterable[Complaint]:
        if given.get(name) is not None and got.get(name) != given[name]:
            yield Place(path=("error", name)), show(got.get(name)), show(given[name])

    clause = f"`{name}` of an error comes back as the upstream gave it."
    failure.rule(f"error-{name}", over=explained, clause=clause, harm=harm)(check)


_member("code", "callers that branch on the code take the wrong branch")
_member("param", "nobody knows which parameter was wrong")
_member("type", "a used-up quota cannot be told from a limit that passes")


@failure.rule(
    "error-message", over=explained, level=SHOULD, harm="what the upstream says is wrong is not read by anyone"
)
def error_message(pair: Pair, given: Mapping[str, Any], got: Mapping[str, Any]) -> Iterable[Complaint]:
    """The message of an error holds what the upstream said."""
    text = given.get("message")
    if isinstance(text, str) and text and text not in str(got.get("message")):
        yield Place(path=("error", "message")), show(got.get("message")), show(text)


RETRY_FIELDS = ("retry-after", "retry-after-ms", "x-should-retry")
"""Header fields by which the official SDKs decide when, and whether, to ask again."""


@failure.rule(
    "retry-after", over=refused, harm="callers ask again at once, and the outage lasts longer", see=see.RETRY_AFTER
)
def retry_after(pair: Pair) -> Iterable[Complaint]:
    """The header fields that say when to ask again come back."""
    yield from lost_fields(pair, lambda name: name in RETRY_FIELDS)


@failure.rule(
    "request-id", over=refused, level=SHOULD, harm="nobody finds the failed request in the logs", see=see.DEBUGGING
)
def request_id(pair: Pair) -> Iterable[Complaint]:
    """`x-request-id` of a refusal comes back as the upstream gave it."""
    yield from lost_fields(pair, lambda name: name == "x-request-id")
