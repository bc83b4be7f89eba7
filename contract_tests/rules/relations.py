"""Sections relations and client: what holds between the exchanges of one case, and for main()."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema

from contract_tests.rules import references as see
from contract_tests.rules.engine import Fault, Section
from contract_tests.rules.trace import Trace
from contract_tests.rules.view import View
from fake_server.wire.exchange import Ending

relations = Section("relations", "What holds between exchanges", see.CHAT_CREATE)
client = Section("client", "What main() makes of the target", see.CHAT_CREATE)

Part = tuple[str, View]


@dataclass(frozen=True)
class Said:
    """What one choice of an answer says, whichever form it came in."""

    index: int
    text: str
    calls: tuple[tuple[str, str], ...]
    finish: str


def said(view: View) -> list[Said]:
    """What the choices of an answer say, by index; empty where there is no answer."""
    if view.is_dict:
        return [_said_at_once(choice, place) for place, choice in enumerate(view.root["choices"])]
    return [
        Said(
            one.index,
            one.text,
            tuple((call.name, _arguments(call.arguments)) for call in one.calls),
            one.finish_reason,
        )
        for one in sorted(view.streamed if view.ok else [], key=lambda one: one.index)
    ]


def _said_at_once(choice: Any, place: int) -> Said:
    message = choice["message"]
    calls = (call["function"] for call in message["tool_calls"])
    made = tuple((call["name"].text, _arguments(call["arguments"].text)) for call in calls)
    return Said(place, message["content"].text, made, choice["finish_reason"].text)


def _arguments(text: str) -> str:
    """Arguments with their spacing and order taken out, so that only what they say counts."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def whole_text(view: View) -> str:
    """All an answer says in text, choice after choice."""
    return "\n".join(one.text for one in said(view))


# -- a valid request is answered


def _valid(trace: Trace) -> Iterator[Part]:
    for role in sorted(trace.valid):
        yield role, trace.roles[role]


@relations.rule("accepted", over=_valid, relation=True, expected="status 200")
def accepted(part: Part) -> Iterable[Fault]:
    """A valid request is answered with a success."""
    role, view = part
    if view.exchange.ending is Ending.UNREACHABLE:
        yield view, f"{role}: {view.exchange.problem}"
    elif view.status and not view.ok:
        shown = view.root["error"]["message"].text or view.body[:100].decode("utf-8", "replace")
        yield view, f"{role}: status {view.status}: {' '.join(shown.split())[:120]}"


def _asked_logprobs(trace: Trace) -> Iterator[Part]:
    for role, view in _valid(trace):
        if view.asked["logprobs"].value is True and (view.is_dict or view.is_stream):
            yield role, view


@relations.rule(
    "logprobs-given", over=_asked_logprobs, relation=True, harm="`choice.logprobs.content` raises"
)
def logprobs_given(part: Part) -> Iterable[Fault]:
    """An answer in text that is asked for with `logprobs: true` has them, or the request is refused."""
    role, view = part
    roots = [view.root] if view.is_dict else view.chunks
    given = any(list(choice["logprobs"]["content"]) for root in roots for choice in root["choices"])
    if whole_text(view).strip() and not given:
        yield view, f"{role}: text without log probabilities", "choices[].logprobs.content"


def _schema_asked(trace: Trace) -> Iterator[tuple[str, View, Said]]:
    for role, view in _valid(trace):
        schema = view.asked["response_format"]["json_schema"]
        if schema["schema"].kind == "object" and schema["strict"].value is True:
            yield from ((role, view, one) for one in said(view) if one.finish == "stop" and one.text)


@relations.rule(
    "schema-kept", over=_schema_asked, relation=True, harm="typed clients fail to read the answer"
)
def schema_kept(part: tuple[str, View, Said]) -> Iterable[Fault]:
    """With a strict json_schema the text is valid for the schema that was sent."""
    role, view, one = part
    try:
        value = json.loads(one.text)
        jsonschema.validate(value, view.asked["response_format"]["json_schema"]["schema"].value)
    except (ValueError, RecursionError):
        yield view, f"{role}: {one.text[:60]!r} is not JSON", "JSON that fits the schema"
    except jsonschema.ValidationError as error:
        yield view, f"{role}: {error.message[:120]}", "JSON that fits the schema"


# -- the same answer in both forms

Pair = tuple[Said, Said, View]


def _pairs(trace: Trace) -> Iterator[Pair]:
    """Each choice as the dict and as the stream says it, where equal requests have equal answers."""
    if trace.deterministic and "dict" in trace.roles and "stream" in trace.roles:
        stream = trace.roles["stream"]
        if stream.is_stream:
            for one, other in zip(said(trace.roles["dict"]), said(stream), strict=False):
                yield one, other, stream


@relations.rule("same-text", over=_pairs, relation=True, harm="what users read depends on how it is sent")
def same_text(pair: Pair) -> Iterable[Fault]:
    """A stream says the same text as the dict, where equal requests have equal answers."""
    one, other, stream = pair
    if one.text != other.text:
        at = next((i for i, (a, b) in enumerate(zip(one.text, other.text, strict=False)) if a != b), None)
        at = min(len(one.text), len(other.text)) if at is None else at
        start = max(0, at - 10)
        yield (
            stream,
            f"from character {at}: {other.text[start : at + 30]!r}",
            f"{one.text[start : at + 30]!r} ({len(one.text)} characters, not {len(other.text)})",
        )


@relations.rule("same-calls", over=_pairs, relation=True, harm="agents act differently when they stream")
def same_calls(pair: Pair) -> Iterable[Fault]:
    """A stream makes the same tool calls as the dict, where equal requests have equal answers."""
    one, other, stream = pair
    if one.calls != other.calls:
        yield stream, f"calls {list(other.calls)}"[:160], f"{list(one.calls)}"[:160]


@relations.rule("same-finish", over=_pairs, relation=True)
def same_finish(pair: Pair) -> Iterable[Fault]:
    """A stream ends with the same finish_reason as the dict, where equal requests have equal answers."""
    one, other, stream = pair
    if one.finish != other.finish and other.finish:
        yield stream, f"finish_reason {other.finish!r}", repr(one.finish)


# -- texts that are to be repeated


def _echoes(trace: Trace) -> Iterator[tuple[str, View, str, str]]:
    """Answers that begin and end like the text they were to repeat: (role, view, expected, answer)."""
    for role, text in trace.expected.items():
        words, view = text.split(), trace.roles.get(role)
        answer = whole_text(view) if view else ""
        if view and len(words) > 2 and words[0] in answer and words[-1] in answer:
            yield role, view, text, answer


@relations.rule("echo-whole", over=_echoes, relation=True, harm="users read something the model did not say")
def echo_whole(part: tuple[str, View, str, str]) -> Iterable[Fault]:
    """A text that is repeated from its first word to its last arrives with every character in between."""
    role, view, text, answer = part
    if text not in answer:
        yield view, f"{role}: {answer[:100]!r}", repr(text)


def _callers(trace: Trace) -> Iterator[tuple[Trace, str]]:
    for role in trace.expected:
        if role.startswith("caller") and role in trace.roles:
            yield trace, role


@relations.rule("own-answer", over=_callers, relation=True, harm="one user reads the answer of another")
def own_answer(part: tuple[Trace, str]) -> Iterable[Fault]:
    """A caller does not get what only another caller asked for."""
    trace, role = part
    text = whole_text(trace.roles[role])
    for other, word in trace.expected.items():
        if other != role and word in text:
            yield trace.roles[role], f"{role} got {text[:80]!r}, asked for by {other}", trace.expected[role]


def _callers_of_a_repeater(trace: Trace) -> Iterator[tuple[Trace, str]]:
    """Callers of a target that repeated its word when only one asked."""
    alone = trace.roles.get("alone")
    if alone and trace.expected["alone"] in whole_text(alone):
        yield from (part for part in _callers(trace) if trace.roles[part[1]].ok)


@relations.rule(
    "answer-under-load", over=_callers_of_a_repeater, relation=True, yields_to=("relations.own-answer",)
)
def answer_under_load(part: tuple[Trace, str]) -> Iterable[Fault]:
    """Each of several callers at once gets what one caller alone gets: the word it asked for."""
    trace, role = part
    text = whole_text(trace.roles[role])
    if trace.expected[role] not in text:
        yield trace.roles[role], f"{role} got {text[:80]!r}", trace.expected[role]


# -- the seed program


def _main(role: str) -> Any:
    def over(trace: Trace) -> Iterator[tuple[str, View | None]]:
        if role in trace.troubles:
            yield trace.troubles[role], trace.roles.get(role)

    return over


@client.rule("main-dict", over=_main("main dict"), relation=True, expected="the answer, and exit code 0")
def main_dict(part: tuple[str, View | None]) -> Iterable[Fault]:
    """The official SDK gets an answer from the target in one dict, and main() prints it."""
    if part[0]:
        yield part[1], part[0]


@client.rule("main-stream", over=_main("main stream"), relation=True, expected="the answer, and exit code 0")
def main_stream(part: tuple[str, View | None]) -> Iterable[Fault]:
    """The official SDK gets an answer from the target token by token, and main() prints it."""
    if part[0]:
        yield part[1], part[0]
