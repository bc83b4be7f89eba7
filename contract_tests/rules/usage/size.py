"""Section usage, counts beside texts: a count far below the words it is to count has missed some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.causes import SAID_AGAIN
from contract_tests.rules.shared.limits import SMALL, token_limit
from contract_tests.rules.usage.counts import completed_text, final_usages, usage
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

FEWEST = 10
"""Words of a text that is worth weighing. Every recorded text has at least as many tokens as words."""

MANY = 100
"""Words of a prompt that no tokenizer has a quarter as many tokens for."""
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


LONG = 100
"""Words of a prompt in which one message that is lost makes a difference."""


def _counts_with_words(view: View, name: str, text: str) -> Iterable[tuple[Node, int]]:
    words = len(text.split())
    if words >= FEWEST:
        yield from ((node[name], words) for node in final_usages(view) if node[name].kind == "integer")


@usage.rule(
    "completion-size",
    over=lambda view: _counts_with_words(view, "completion_tokens", completed_text(view)),
    level=SHOULD,
    yields_to=("usage.completion-counted", *SAID_AGAIN),
    harm="answers are billed far below what they cost",
)
def completion_size(count: Node, words: int) -> Iterable[Complaint]:
    """`completion_tokens` is in proportion to the text: a word is at least one token."""
    if count.value < words // 2:
        yield count, f"{count} for {words} words", f"at least {words}"


def _counts_of_several(view: View) -> Iterable[tuple[Node, list[Answer], int]]:
    """The count of a reply, its choices with text, and how many tokens one of them may have (0: any number)."""
    texts = [answer for answer in answers(view) if answer.text.strip()]
    if len(texts) > 1 and view.request["echo"].value is not True:  # an echoed prompt costs nothing
        limit = token_limit(view) // max(view.wanted_choices, 1)
        counts = (node["completion_tokens"] for node in final_usages(view))
        yield from ((count, texts, limit) for count in counts if count.kind == "integer" and count.value > 0)


@usage.rule("every-choice", over=_counts_of_several, level=SHOULD, harm="only one of several choices is billed")
def every_choice(count: Node, answers: list[Answer], limit: int) -> Iterable[Complaint]:
    """`completion_tokens` counts every choice: a word is at least one token; a cut choice used its limit."""
    words = sum(len(answer.text.split()) for answer in answers)
    cut = [answer for answer in answers if answer.finish == "length"]
    if 4 * count.value < 3 * words:
        yield count, f"{count} for {format_count(words, 'word')} in {len(answers)} choices", f"at least {words}"
    elif len(cut) > 1 and count.value <= limit <= SMALL:
        yield count, f"{count} for {len(cut)} choices cut at {limit}", f"at least {len(cut) * limit}"


def _prompt_counts(view: View) -> Iterable[tuple[Node, int]]:
    parts = [view.request["prompt"].text]
    for message in view.request["messages"]:
        content = message["content"]
        texts = [content.text, *(part["text"].text for part in content)]
        # The templates of reasoning models leave out what was thought in earlier turns.
        parts += [_THOUGHT.sub("", text) for text in texts] if message["role"].value == "assistant" else texts
    if view.endpoint in ("chat", "completions"):
        yield from _counts_with_words(view, "prompt_tokens", " ".join(parts))


@usage.rule(
    "prompt-size",
    over=_prompt_counts,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_OBJECT,
    yields_to=("usage.prompt-counted", "usage.prompt-read"),
    harm="part of the conversation (a system message, a turn, a result) may never have reached the model",
)
def prompt_size(count: Node, words: int) -> Iterable[Complaint]:
    """`prompt_tokens` is in proportion to the messages: a word is at least one token."""
    if count.value < (3 * words // 4 if words >= LONG else words // 2):
        yield count, f"{count} for {words} words", f"at least {words}"


@usage.rule(
    "prompt-read",
    over=lambda view: ((count, words) for count, words in _prompt_counts(view) if words >= MANY),
    needs=[Aspect.REQUEST],
    see=see.CHAT_OBJECT,
    basis="the API reference: the number of tokens in the prompt",
    yields_to=("usage.prompt-counted",),
    harm="messages never reach the model, which answers all the same; or callers cannot tell what they pay",
)
def prompt_read(count: Node, words: int) -> Iterable[Complaint]:
    """`prompt_tokens` of a long prompt is at least a quarter of the number of its words."""
    if 4 * count.value < words:
        yield count, f"{count} for {words} words", f"at least {words}"
