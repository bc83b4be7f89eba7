"""Section usage, counts beside texts: a count far below the words it is to count has missed some of them."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules import references as see
from contract_tests.rules.engine import SHOULD, Fault
from contract_tests.rules.node import Node
from contract_tests.rules.usage import completed_text, usage, usages
from contract_tests.rules.view import View
from fake_server.wire.exchange import Aspect

FEWEST = 10
"""Words of a text that is worth weighing. Every recorded text has at least as many tokens as words."""

Counted = tuple[Node, int]


def _weighed(view: View, name: str, text: str) -> Iterable[Counted]:
    words = len(text.split())
    if words >= FEWEST:
        yield from ((node[name], words) for node in usages(view) if node[name].kind == "integer")


def _too_few(count: Node, words: int) -> Iterable[Fault]:
    if count.value < words // 2:
        yield count, f"{count} for {words} words", f"at least {words}"


def _answered(view: View) -> Iterable[Counted]:
    yield from _weighed(view, "completion_tokens", completed_text(view))


@usage.rule(
    "completion-size",
    over=_answered,
    level=SHOULD,
    yields_to=("usage.completion-counted",),
    harm="answers are billed far below what they cost",
)
def completion_size(subject: Counted) -> Iterable[Fault]:
    """`completion_tokens` is in proportion to the text: a word is a token at least."""
    return _too_few(*subject)


def _asked(view: View) -> Iterable[Counted]:
    parts = [view.asked["prompt"].text]
    for message in view.asked["messages"]:
        content = message["content"]
        parts += [content.text, *(part["text"].text for part in content)]
    if view.endpoint in ("chat", "completions"):
        yield from _weighed(view, "prompt_tokens", " ".join(parts))


@usage.rule(
    "prompt-size",
    over=_asked,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_OBJECT,
    yields_to=("usage.prompt-counted",),
    harm="part of the conversation (its system message, its earlier turns) may never have reached the model",
)
def prompt_size(subject: Counted) -> Iterable[Fault]:
    """`prompt_tokens` is in proportion to the messages: a word is a token at least."""
    return _too_few(*subject)
