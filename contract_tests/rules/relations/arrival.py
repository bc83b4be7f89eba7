"""Section relations, whether what is sent arrives: names, earlier turns, results, tools; a model by its id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import answers, says, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.relations.said import said_in, text_of_reply
from fake_server.relay.redact import excerpt

TRIES = 4
"""Claims that must all fail while each control between them holds. A model that does either half of the time would
do so once in 256 runs."""


BACK, ALONE = "asked back: ", "asked alone: "
"""What the roles begin with in which a word is asked for: hidden in what the role says, and in plain sight."""


def calls(view: View) -> bool:
    """Whether a reply calls a tool."""
    return any(answer.calls for answer in answers(view))


def _counts_with_name(trace: Trace) -> Iterator[tuple[Node, Node]]:
    for views in trace.together("with name", "without name"):
        named, unnamed = (view.root["usage"]["prompt_tokens"] for view in views)
        if named.number and unnamed.number:
            yield named, unnamed


@relations.rule(
    "name-counted",
    over=_counts_with_name,
    level=SHOULD,
    harm="the model may never see which of several people speaks",
)
def name_counted(named: Node, unnamed: Node) -> Iterable[Complaint]:
    """A message with a name has more prompt tokens than the message alone."""
    if (named.number or 0) <= (unnamed.number or 0):
        yield named, f"{named} with the name, {unnamed} without", "more with the name"


def _witnessed(trace: Trace, claim: str, control: str, holds: Callable[[View], object]) -> Iterator[list[View]]:
    """The replies to `claim`, if one of them holds or the control holds every time."""
    views, controls = trace.samples(claim), trace.samples(control)
    if any(map(holds, views)) or (len(views) == len(controls) == TRIES and all(map(holds, controls))):
        yield views


def finds(view: View, word: str) -> bool:
    """Whether a reply repeats a word, or calls a tool with it."""
    if said := said_in(view):
        return word.casefold() in said.text.casefold() or any(word in arguments for _, arguments in said.calls)
    return says(view, word) or any(word in arguments for answer in answers(view) for _, arguments in answer.calls)


def _asked_back(trace: Trace) -> Iterator[tuple[list[View], str, str]]:
    """For each thing that a word was hidden in: the replies, the word, and what it was hidden in."""
    hidden_in = dict.fromkeys(role.removeprefix(BACK) for role in trace.expected if re.match(rf"{BACK}.*\D$", role))
    for what in hidden_in:
        word = trace.expected[BACK + what]
        for views in _witnessed(trace, BACK + what, ALONE + what, partial(finds, word=word)):
            yield views, word, what


@relations.rule(
    "asked-back",
    over=_asked_back,
    level=SHOULD,
    harm="the model may never have seen what was said there: it answers without it",
)
def asked_back(views: list[View], word: str, what: str) -> Iterable[Complaint]:
    """A word that a model finds in plain sight is found in an earlier message, in any part of one and in a tool."""
    if not any(finds(view, word) for view in views):
        answered = text_of_reply(views[0]) or " ".join(text for answer in answers(views[0]) for text in answer.calls[0])
        yield views[0], f"{excerpt(answered, 80)!r}, {TRIES} times", f"{word}, which stands in {what}"


@relations.rule(
    "offered-by-default",
    over=lambda trace: _witnessed(trace, "default", "auto", calls),
    level=SHOULD,
    harm="agents that send tools alone, as most do, never get a call",
)
def offered_by_default(views: list[View]) -> Iterable[Complaint]:
    """Tools without `tool_choice` are called where they are called with `tool_choice: auto`."""
    if not any(map(calls, views)):
        yield (
            views[0],
            f"no call, {TRIES} times: {excerpt(whole_text(views[0]), 80)!r}",
            "a call, as with tool_choice auto",
        )


@relations.rule(
    "model-by-slash",
    over=lambda trace: trace.together("by slash", "model"),
    level=SHOULD,
    see=see.MODELS,
    harm="a model that is listed cannot be looked up: some clients send the slash of its id as it is, others as %2F",
)
def model_by_slash(by_slash: View, model: View) -> Iterable[Complaint]:
    """A model whose id has a slash is found by a slash and by %2F."""
    if by_slash.ok != model.ok:
        bad, name = (model, "%2F") if by_slash.ok else (by_slash, "a slash")
        yield bad, f"status {bad.status} by {name}", "the model"
