"""The limits that a request sets: stop sequences and token counts, in a dict and in a stream."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.shared_rules import SEE_CREATE, SharedRules
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.causes import SAID_AGAIN
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

_WITHIN = (",", ";", ":", "-", "–", "—")
"""How no sentence ends."""
FEW_WORDS = 3
"""Shorter answers (a name, a number) often end without a full stop, and with the last token allowed."""
SMALL = 1000
"""Tokens that fit into any model's context: below, an answer is not cut for want of room."""


def stop_sequences(view: View) -> list[str]:
    """The stop sequences asked for."""
    stop = view.request["stop"]
    values = [stop.value] if stop.text else [node.value for node in stop]
    return [value for value in values if isinstance(value, str) and value]


def token_limit(view: View) -> int:
    """The most completion tokens the request allows all its choices together, 0 where it sets no limit."""
    limit = _whole(view.request["max_completion_tokens"]) or _whole(view.request["max_tokens"])
    tried = _whole(view.request["best_of"])  # choices that are thrown away are counted too
    return max(limit, 0) * max(view.wanted_choices, tried, 1)


def _whole(node: Node) -> int:
    """The number, 0 where there is none, or one without end: JSON can say 1e999."""
    number = node.number
    endless = isinstance(number, float) and not math.isfinite(number)
    return 0 if number is None or endless else int(number)


@dataclass(frozen=True)
class LimitedReplies:
    """The dicts of an endpoint, or its streams, beside the limits of their requests."""

    endpoint: Endpoint
    streamed: bool

    def _answers(self, view: View) -> Iterable[Answer]:
        """The answers of these replies; none where they repeat the prompt, which no limit is about."""
        if view.endpoint != self.endpoint.endpoint or view.is_stream is not self.streamed:
            return ()
        return () if view.request["echo"].value is True else answers(view)

    def _usages(self, view: View) -> Iterable[Node]:
        """The members `usage` of these replies."""
        roots = self.endpoint.chunks(view) if self.streamed else self.endpoint.dicts(view)
        return (root["usage"] for root in roots)

    def stops(self, view: View) -> Iterable[tuple[Answer, str]]:
        """Each answer with each stop sequence that was asked for."""
        sequences = stop_sequences(view)
        for answer in self._answers(view) if sequences else ():
            yield from ((answer, stop) for stop in sequences)

    def counts(self, view: View) -> Iterable[tuple[Node, int, int]]:
        """What was used of the limit: (where to point, tokens or words, limit)."""
        limit = token_limit(view)
        for usage in self._usages(view) if limit else ():
            count = usage["completion_tokens"]
            if count.kind == "integer":
                yield count, count.value, limit
        # A word is a token at least: so much shows where nothing is counted, or wrongly.
        for answer in self._answers(view) if limit else ():
            yield answer.where, len(answer.text.split()), limit

    def measured(self, view: View) -> Iterable[tuple[Answer, float, int, float]]:
        """The only answer with the tokens used and allowed, and those of the prompt."""
        limit = token_limit(view)
        if not limit or view.wanted_choices > 1 or (view.request["best_of"].number or 1) > 1:
            return
        counted = [usage for usage in self._usages(view) if usage["completion_tokens"].number is not None]
        for usage in counted[-1:]:  # a stream that counts as it goes says last what it used
            used, prompt = usage["completion_tokens"].number or 0, usage["prompt_tokens"].number or 0
            yield from ((answer, used, limit, prompt) for answer in answers(view))


def stops_within_a_sentence(text: str) -> bool:
    """Whether a text was cut: one that came to its own end with the last token it is allowed ends as sentences do."""
    last = text.rstrip()[-1:]
    return bool(last) and (last in _WITHIN or (last.isalnum() and len(text.split()) >= FEW_WORDS))


limits = SharedRules()


@limits.rule(
    "stop-kept",
    over=LimitedReplies.stops,
    see=SEE_CREATE,
    harm="clients act on text that comes after the stop sequence",
)
def stop_kept(answer: Answer, stop: str) -> Iterable[Complaint]:
    """The text does not contain a stop sequence that was asked for."""
    if stop in answer.text:
        yield answer.where, f"the text of choice {answer.index} contains {stop!r}"


@limits.rule(
    "limit-kept",
    over=LimitedReplies.counts,
    yields_to=SAID_AGAIN,
    see=SEE_CREATE,
    needs=[Aspect.REQUEST],
    basis="the API reference: max_completion_tokens (max_tokens) is an upper bound for the tokens that are generated",
    harm="answers cost more than the caller allowed",
)
def limit_kept(where: Node, used: int, limit: int) -> Iterable[Complaint]:
    """No more tokens are counted, or words written, than max_completion_tokens (max_tokens) allows."""
    if used > limit:
        counted = where.path[-1:] == ("completion_tokens",)
        what, harm = ("", "") if counted else (" words", "the answer is longer than the caller allowed")
        yield where, f"{used}{what}", f"at most {limit}", harm


@limits.rule(
    "length-said",
    over=LimitedReplies.measured,
    level=SHOULD,
    see=SEE_CREATE,
    needs=[Aspect.REQUEST],
    expected="length",
    harm="a text that was cut off is taken for a whole one",
)
def length_said(answer: Answer, used: float, limit: int, _: float) -> Iterable[Complaint]:
    """An answer that used all its tokens and stops in mid-sentence does not claim to have ended by itself."""
    if used == limit and answer.finish == "stop" and stops_within_a_sentence(answer.text):
        yield answer.where, f"finish_reason stop after {limit} of {format_count(limit, 'token')}"


@limits.rule(
    "length-true",
    over=LimitedReplies.measured,
    level=SHOULD,
    yields_to=("usage.completion-counted", "usage.completion-size"),
    see=SEE_CREATE,
    needs=[Aspect.REQUEST],
    expected="stop",
    harm="a whole text is taken for a cut one: callers ask again for more, and pay twice",
)
def length_true(answer: Answer, used: float, limit: int, prompt: float) -> Iterable[Complaint]:
    """An answer that claims to be cut has used the tokens it was allowed."""
    if answer.finish == "length" and used < limit / 2 and prompt + used < SMALL:
        yield answer.where, f"finish_reason length after {used} of {format_count(limit, 'token')}"
