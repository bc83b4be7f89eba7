"""Section relations: what holds between the exchanges of one case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from contract_tests.rules.chat.origin import created_and_sent, is_apart
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import is_new, says, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.refused import added_parameters, describe_refusal
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import ANOTHER_TIME
from contract_tests.rules.relations.said import text_of_reply
from contract_tests.rules.shared.causes import MESSAGE_SPOILED, TEXT_SPOILED
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Ending
from fake_server.wire.text import shorten_words

relations = Section(
    "relations",
    "What holds between exchanges",
    see.CHAT_CREATE,
    relation=True,
    basis="it follows from the replies; clients were measured on single ones, and each of these looks right by itself",
)


# -- a valid request is answered


def _spoiled(trace: Trace, role: str) -> bool:
    """Whether a request sends back a message of the target's own that is spoiled, and is refused for that."""
    view = trace.roles[role]
    if not any(rule.startswith(MESSAGE_SPOILED) for rule in trace.broken) or not 400 <= view.status < 500:
        return False
    own = [choice["message"].value for other in trace.roles.values() for choice in other.root["choices"]]
    return any(message.value in own for message in view.request["messages"])


@relations.rule(
    "accepted",
    over=lambda trace: ((role, trace.roles[role]) for role in sorted(trace.valid) if not _spoiled(trace, role)),
    expected="status 200",
    harm="a request that works against api.openai.com fails here",
    basis="the API reference documents every member of the request",
)
def accepted(role: str, view: View) -> Iterable[Complaint]:
    """A valid request is answered with a success."""
    if view.exchange.ending is Ending.UNREACHABLE:
        yield view, f"{role}: {view.exchange.problem}", "status 200", "a valid request has no answer"
    elif view.status and not view.ok and not added_parameters(view):
        harm = "a valid request fails, and nothing in it can be mended" if view.status >= 500 else ""
        yield view, f"{role}: status {view.status}: {shorten_words(describe_refusal(view), 120)}", "status 200", harm
    elif view.error_events:
        error = view.error_events[0]
        said = error["error"]["message"].text or error["message"].text or str(error)
        seen = f"{role}: an error in the stream: {shorten_words(' '.join(excerpt(said, 1000).split()), 120)}"
        yield error, seen, "an answer", "a valid request fails, though its status is a success"


# -- texts that are to be repeated

Echo = tuple[str, View, str, str]


def _echoes(trace: Trace) -> Iterator[Echo]:
    """Answers that begin and end like the text they were to repeat: (role, view, expected, answer)."""
    for role, text in trace.expected.items():
        words, view = text.split(), trace.roles.get(role)
        answer = text_of_reply(view) if view else ""
        if view and len(words) > 2 and words[0] in answer and words[-1] in answer:
            yield role, view, text, answer


def _first_echoes(trace: Trace) -> Iterator[tuple[Trace, Echo]]:
    """The first echo of each role, where equal requests have equal answers."""
    for echo in _echoes(trace) if trace.deterministic else ():
        if not re.search(r" \d+$", echo[0]):
            yield trace, echo


@relations.rule(
    "echo-whole", over=_first_echoes, yields_to=TEXT_SPOILED, harm="users read something the model did not say"
)
def echo_whole(trace: Trace, echo: Echo) -> Iterable[Complaint]:
    """If equal requests get equal answers, a text that is repeated arrives with every character."""
    role, _, text, _ = echo
    if not any(text in text_of_reply(view) for view in trace.samples(role)):
        yield _change(*echo)


@relations.rule(
    "echo-kept",
    # A target that may say something else each time: the change may be the model's own, and a capital letter is.
    over=lambda trace: () if trace.deterministic else _echoes(trace),
    level=SHOULD,
    yields_to=TEXT_SPOILED,
    harm="users read something that the model may not have said",
)
def echo_kept(role: str, view: View, text: str, answer: str) -> Iterable[Complaint]:
    """A text that is repeated from its first word to its last arrives with every character in between."""
    if text.casefold() not in answer.casefold():
        yield _change(role, view, text, answer)


def _change(role: str, view: View, text: str, answer: str) -> Complaint:
    repeated = answer[answer.index(text.split()[0]) :]
    at = first_difference(text, repeated)
    start = max(0, at - 20)
    return view, f"{role}, from character {at}: {repeated[start : at + 40]!r}", repr(text[start : at + 40])


def first_difference(left: str, right: str) -> int:
    """The position at which two texts begin to differ, the end of the shorter one if they do not before."""
    differences = (at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    return next(differences, min(len(left), len(right)))


def _callers(trace: Trace) -> Iterator[tuple[Trace, str]]:
    for role in trace.expected:
        if role.startswith("caller") and role in trace.roles:
            yield trace, role


@relations.rule("own-answer", over=_callers, harm="one user reads the answer of another")
def own_answer(trace: Trace, role: str) -> Iterable[Complaint]:
    """A caller does not receive what only another caller asked for."""
    text = whole_text(trace.roles[role])
    for other, word in trace.expected.items():
        if other != role and says(trace.roles[role], word):
            yield trace.roles[role], f"{role} got {excerpt(text, 80)!r}, asked for by {other}", trace.expected[role]


def _callers_of_a_repeater(trace: Trace) -> Iterator[tuple[Trace, str]]:
    """Callers of a target that repeated its word whenever only one asked."""
    alone = trace.roles.get("alone")
    if alone and trace.deterministic is not False and says(alone, trace.expected["alone"]):
        yield from (part for part in _callers(trace) if trace.roles[part[1]].ok)


@relations.rule(
    "answer-under-load",
    over=_callers_of_a_repeater,
    yields_to=("relations.own-answer", *TEXT_SPOILED),
    harm="an application that works for one user fails for several",
)
def answer_under_load(trace: Trace, role: str) -> Iterable[Complaint]:
    """Each of several simultaneous callers gets what a single caller gets: the word it asked for."""
    if trace.deterministic and not says(trace.roles[role], trace.expected[role]):  # else nobody asked again
        yield trace.roles[role], f"{role} got {excerpt(whole_text(trace.roles[role]), 80)!r}", trace.expected[role]


@relations.rule(
    "as-alone",
    over=lambda trace: () if trace.only_beside is None else [trace.only_beside],
    expected="what the same requests get when no others are open",
    harm="an application that works in a test fails when it has users: a request disturbs another one",
)
def as_alone(only_beside: Mapping[str, str]) -> Iterable[Complaint]:
    """Requests that are answered rightly when sent alone are answered rightly beside others."""
    for rule, seen in only_beside.items():
        yield None, f"beside other requests, not alone: {rule}: {seen}"


_SOON = timedelta(minutes=10)


def _answers_to_what_is_new(trace: Trace) -> Iterator[tuple[Node, datetime, timedelta]]:
    """When an answer was created and sent, and how far apart the two may be; the Date field may come at its end."""
    for view in trace.roles.values():
        for times in created_and_sent(view, [view.root] if view.is_dict else view.chunks[:1]) if is_new(view) else ():
            yield *times, _SOON + timedelta(seconds=view.exchange.head_pause)


@relations.rule(
    "created-now",
    over=_answers_to_what_is_new,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="histories sorted by time are out of order, and what is kept for an hour expires at once, or late",
)
def created_now(node: Node, sent: datetime, limit: timedelta) -> Iterable[Complaint]:
    """`created` of an answer to what nobody has asked before is within minutes of the Date field."""
    if is_apart(node, sent, limit):
        hours = (node.value - sent.timestamp()) / 3600
        yield node, f"{node}, {hours:+.1f} hours from the Date field", f"about {sent.timestamp():.0f}"


# -- a bad request beside good ones


def _refusals_between_answers(trace: Trace) -> Iterator[tuple[str, View]]:
    """Requests that are to be refused, each sent between two valid ones that are answered."""
    for role in trace.roles:
        for beside, refused, after in trace.together(f"beside {role}", role, f"beside {role} 2"):
            if beside.ok and after.ok:
                yield role, refused


@relations.rule(
    "refused-for-good",
    over=_refusals_between_answers,
    see=see.ERRORS,
    expected="status 400, or another 4xx that says not to try again",
    harm="clients that wait and try again, as the official SDKs do twice, repeat what can never succeed",
)
def refused_for_good(role: str, view: View) -> Iterable[Complaint]:
    """A bad request is not put off with status 429 or 503 where good ones beside it are answered."""
    if view.status in ANOTHER_TIME:
        yield view, f"{role}: status {view.status}, twice, and 200 for valid requests before and after it"


# -- a key that is missing or wrong


def _without_the_key(trace: Trace) -> Iterator[tuple[str, View]]:
    """Requests without the right key, where the same one with it is answered.

    None where all are answered, for then the target wants no key.
    """
    replies = [(role, trace.roles[role]) for role in ("no key", "wrong key") if role in trace.roles]
    if any(view.status >= 400 for _, view in replies) and all(view.ok for (view,) in trace.together("right key")):
        yield from replies


@relations.rule(
    "key-refused",
    over=_without_the_key,
    level=SHOULD,
    see=see.ERRORS,
    expected="status 401",
    harm="strangers are served at the owner's expense",
)
def key_refused(role: str, view: View) -> Iterable[Complaint]:
    """If a key is needed, a request without one, or with a wrong one, is refused with status 401."""
    if view.status and view.status not in (401, 403):
        harm = "users are not told that their key is wrong" if view.status >= 400 else ""
        yield view, f"{role}: status {view.status}", "status 401", harm


# -- pages in browsers


def _preflights(trace: Trace) -> Iterator[View]:
    """The preflight of a target that lets pages read its replies."""
    for page, preflight in trace.together("page", "preflight"):
        if preflight.status and page.exchange.header("access-control-allow-origin"):
            yield preflight


@relations.rule(
    "preflight-answered",
    over=_preflights,
    level=SHOULD,
    see=see.PREFLIGHT,
    expected="a 2xx status with Access-Control-Allow-Origin",
    harm="browsers send the preflight first and then never the request, though pages may read its reply",
)
def preflight_answered(preflight: View) -> Iterable[Complaint]:
    """If replies let web pages read them, the browser's preflight request is answered without a key."""
    allowed = preflight.exchange.header("access-control-allow-origin")
    if not preflight.ok or not allowed:
        yield preflight, f"status {preflight.status}, Access-Control-Allow-Origin: {allowed or 'missing'}"


# -- HEAD


@relations.rule(
    "head-answered",
    over=lambda trace: (head for (head,) in trace.together("head") if head.status),
    level=SHOULD,
    see=f"{see.HTTP}#section-9.3.2",
    expected="the status that GET has, or 405",
    harm="health checks and link checkers, which ask with HEAD, report that the server is down",
)
def head_answered(head: View) -> Iterable[Complaint]:
    """HEAD is answered like GET or refused as an unknown method, and causes no failure of the server."""
    if head.status >= 500 and head.status != 501:
        yield head, f"status {head.status} for HEAD"
