"""Write an answer's text: words to repeat, a small sum or count, or a few sentences about the question.

Equal conversations get equal texts, different ones different texts; sampling parameters, the model's name
and streaming make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import takewhile
from typing import Any

from fake_server.api import chat_request
from fake_server.api.sensible import chance, repeat
from fake_server.api.sensible.vocabulary import ADJECTIVES, NOUNS, OPENINGS, PATTERNS, SENTENCES
from fake_server.wire.budget import spend
from fake_server.wire.text import shorten_middle

MAX_QUESTION = 400
MAX_RESULT = 8_000
MAX_COUNT = 1_000
MAX_REMEMBERED = 100


def conversation_key(request: Mapping[str, Any]) -> list[Any]:
    """What an answer depends on: roles and texts, names of tools, response format, seed."""
    messages = [[message.role, message.text] for message in chat_request.messages(request)]
    names = [tool.name for tool in chat_request.tools(request)]
    return [messages, names, chat_request.response_format(request), request.get("seed")]


def write_text(request: Mapping[str, Any], seed: int, index: int = 0) -> str:
    """Write the text of choice number `index`."""
    messages = chat_request.messages(request)
    if messages and messages[-1].role in chat_request.RESULT_ROLES:
        return _write_about_results(request, messages)
    question = chat_request.last_user_text(request) or (messages[-1].text if messages else "")
    if len(question) > MAX_QUESTION:
        spend(len(question) // 5, "the texts of its choices")
    words = _recall(question, messages[:-1]) or _recall_fact(question, messages[:-1])
    if words is None:
        words = repeat.words_to_repeat(question)
    if words is None:
        words = repeat.words_to_repeat(chat_request.system_text(request), strict=True)
    if words is not None:
        return words
    counted = _count_up(question)
    if counted is not None:
        return counted
    return _write_about(question, request, seed, index)


def _recall(question: str, earlier: tuple[chat_request.Message, ...]) -> str | None:
    """What earlier messages say, for a question that wants its first, the last answer or tool results; else itself."""
    match = PATTERNS["recall"].search(question[:MAX_QUESTION])
    if not match:
        return None
    roles = ("user",) if match["first"] else ("assistant",) if match["last"] else chat_request.RESULT_ROLES
    texts = [message.text[:MAX_RESULT] for message in earlier if message.role in roles]
    wanted = texts[:1] if match["first"] else texts[-1:] if match["last"] else texts
    return "; ".join(wanted) or question[:MAX_RESULT]


def _recall_fact(question: str, earlier: tuple[chat_request.Message, ...]) -> str | None:
    """The sentence in which the user said what a thing is, or just what it is; None if nothing was said.

    `My name is Ada.` for `What is my name?`, and `Ada` where just the name is wanted.
    """
    match = PATTERNS["fact"].search(question[:MAX_QUESTION])
    if not match:
        return None
    thing = r"\s{1,3}".join(re.escape(word) for word in (match["fact"] or match["told"]).split())
    fact = rf"\b{thing}\s{{0,3}}(?:\b(?:is|was)\b|[:=])\s{{0,3}}(?P<value>[^.,;!?\n]{{1,80}})[.!?]?"
    said = re.compile(fact, re.IGNORECASE)
    for message in earlier[: -MAX_REMEMBERED - 1 : -1]:
        text = message.text[:MAX_RESULT] if message.role == "user" else ""
        if found := said.search(text):
            just = PATTERNS["exactly"].search(question[match.end() :][:MAX_QUESTION])
            begin = max(text.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1
            return (found["value"] if just else text[begin : found.end()]).strip(" \"'“”") or None
    return None


def _shorten_words(words: str, limit: int = MAX_QUESTION) -> str:
    """Put a text on one line, without its middle if it is long."""
    return shorten_middle(" ".join(words.split()), limit)


def _write_about(question: str, request: Mapping[str, Any], seed: int, index: int) -> str:
    key = [chance.shorten_key(conversation_key(request)), seed, index]
    parts = []
    result = _solve_sum(question)
    if result is not None:
        parts.append(f"{result}.")
    elif PATTERNS["greeting"].match(question):
        parts.append("Hello! How can I help you today?")
    if question.strip():
        opening = chance.pick(OPENINGS, "opening", key)
        parts.append(opening.format(_shorten_words(question).replace("{", "{{")))
    earlier = [message.text for message in chat_request.messages(request) if message.role == "user"][:-1]
    parts += [
        f"Before that you said “{_shorten_words(earlier_question, 200)}”."
        for earlier_question in earlier[-3:]
        if earlier_question.strip()
    ]
    for number in range(12 if PATTERNS["long"].search(question) else 2):
        key_of_sentence = [*key, number]
        lists = enumerate((ADJECTIVES, NOUNS, ADJECTIVES, NOUNS))
        chosen = [chance.pick(options, place, key_of_sentence) for place, options in lists]
        parts.append(chance.pick(SENTENCES, "sentence", key_of_sentence).format(*chosen))
    return " ".join(parts)


def _count_up(question: str) -> str | None:
    match = PATTERNS["count"].search(question)
    if not match:
        return None
    first, last = int(match.group(1) or 1), int(match.group(2))
    if not first <= last < first + MAX_COUNT:
        return None
    mark = "\n" if re.search(r"\bline\b", question) else " " if re.search(r"\bspace", question) else ", "
    return mark.join(map(str, range(first, last + 1)))


def _solve_sum(question: str) -> str | None:
    """`2 + 2 = 4` for a question that contains a sum, else None."""
    match = PATTERNS["sum"].search(question)
    if not match:
        return None
    left, word, right = Fraction(match.group(1)), match.group(2).lower(), Fraction(match.group(3))
    mark = {"plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "×": "*", "x": "*"}.get(word, word)
    if mark not in "+-*":
        if right == 0:
            return None
        mark = "/"
    value = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}[mark]
    result = str(value) if value.denominator == 1 else f"{float(value):.6g}"
    return f"{match.group(1)} {mark} {match.group(3)} = {result}"


def _write_about_results(request: Mapping[str, Any], messages: tuple[chat_request.Message, ...]) -> str:
    """The results of the tools that were called last, in the order they came."""
    last = takewhile(lambda message: message.role in chat_request.RESULT_ROLES, reversed(messages))
    results = [message.text[:MAX_RESULT] for message in last][::-1]
    question = chat_request.last_user_text(request)
    opening = f"For “{_shorten_words(question, 200)}” " if question else ""
    texts = "; ".join(results)
    return f"{opening}{'t' if opening else 'T'}he tool{'s' if len(results) > 1 else ''} answered: {texts}"
