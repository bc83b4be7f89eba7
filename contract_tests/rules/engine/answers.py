"""What a reply says, whichever form it came in: each choice with its text, its calls and how it ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.stream import StreamedChoice
from contract_tests.rules.engine.subjects import FORMS, computed_once
from contract_tests.rules.engine.view import View


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice. `where` is the node (of a stream: the last one) that a finding points at."""

    where: Node
    index: int
    text: str
    refusal: str
    finish: str
    calls: tuple[tuple[str, str], ...]
    logprobs: tuple[Node, ...]
    """Every `logprobs` member of the choice, null ones left out."""


@computed_once
def answers(view: View) -> Iterator[Answer]:
    """The choices of a dict, or of a stream that came to its own end, by index."""
    for form in FORMS:
        for place, choice in enumerate(form.choices(view)):
            yield answer_of_dict(choice, place)
        streamed = form.whole_streamed_choices(view)
        yield from (_answer_of_stream(choice) for choice in sorted(streamed, key=lambda choice: choice.index))


def answer_of_dict(choice: Node, place: int) -> Answer:
    """A choice of a reply that is no stream."""
    message = choice["message"]
    functions = (call["function"] for call in message["tool_calls"])
    return Answer(
        message["content"] if message["content"].there else choice["text"],
        place,
        message["content"].text or choice["text"].text,
        message["refusal"].text,
        choice["finish_reason"].text,
        tuple((function["name"].text, normalize_arguments(function["arguments"].text)) for function in functions),
        (choice["logprobs"],) if choice["logprobs"] else (),
    )


def _answer_of_stream(choice: StreamedChoice) -> Answer:
    return Answer(
        choice.entries[-1],
        choice.index,
        choice.text,
        choice.refusal,
        choice.finish_reason,
        tuple((call.name, normalize_arguments(call.arguments)) for call in choice.calls),
        tuple(entry["logprobs"] for entry in choice.entries if entry.says("logprobs")),
    )


def first_object(view: View) -> Node:
    """The dict of an answer, or its first chunk."""
    return view.root if view.is_dict else next(iter(view.chunks), view.root)


def normalize_arguments(text: str) -> str:
    """Arguments with their spacing and order taken out, so that only what they say counts."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def answer_texts(view: View) -> list[tuple[Any, ...]]:
    """What the choices say, in a form that two replies can be compared by; empty where there is no answer."""
    return [(answer.index, answer.text, answer.calls, answer.finish) for answer in answers(view)]


def whole_text(view: View) -> str:
    """All a reply says in text, choice after choice."""
    return "\n".join(answer.text for answer in answers(view))


def is_wordless(view: View) -> bool:
    """Whether every choice came to its limit before its first word, as it does where a model thinks too long."""
    said = list(answers(view))
    return bool(said) and all(answer.finish == "length" and not _has_words(answer) for answer in said)


def is_silent(view: View) -> bool:
    """Whether no choice says, refuses or calls anything."""
    said = list(answers(view))
    return bool(said) and not any(map(_has_words, said))


def _has_words(answer: Answer) -> bool:
    thinks = answer.text.lstrip().startswith("<think>") and "</think>" not in answer.text
    return bool(answer.refusal or answer.calls or (answer.text.strip() and not thinks))


_NONCE = re.compile(rb"\bk[0-9a-f]{8}\b")


def is_new(view: View) -> bool:
    """Whether a request holds a word that nobody has sent before (`Ask.nonce`): no cache has an answer to it."""
    return bool(_NONCE.search(view.exchange.request.body))


def says(view: View, wanted: str) -> bool:
    """Whether a reply has this text, in whatever letters: a capital one is the model's choice, not a loss."""
    return wanted.casefold() in whole_text(view).casefold()
