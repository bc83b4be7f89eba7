"""Choose which tools an answer calls, and with which arguments.

`tool_choice` is obeyed. With `auto`, a tool is called if the user's last message asks for what the tool's
name or description says; once the results are there, the answer is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fake_server.api import chat_request
from fake_server.api.chat_request import Tool
from fake_server.api.reply import ToolCall
from fake_server.api.sensible import filler, hints, repeat
from fake_server.api.sensible.vocabulary import OPERATIONS, PATTERNS, UNDERSTOOD
from fake_server.wire.budget import spend
from fake_server.wire.jsontext import compact

MAX_CALLS = 8

_IDLE_NAMES = UNDERSTOOD["idle_in_names"]
_IDLE_WORDS = _IDLE_NAMES | UNDERSTOOD["idle"]
_OPERATIONS = tuple((frozenset(words.split()), re.compile(form, re.IGNORECASE)) for words, form in OPERATIONS.items())


def choose_calls(request: Mapping[str, Any], seed: int) -> tuple[ToolCall, ...]:
    """Choose the calls of an answer, () for an answer in text."""
    mode, names = chat_request.tool_choice(request)
    offered = [tool for tool in chat_request.tools(request) if not names or tool.name in names]
    messages = chat_request.messages(request)
    text = chat_request.last_user_text(request)
    if mode == "none" or not offered:
        return ()
    chosen: Sequence[Tool]
    if mode == "named":
        chosen = offered[:1]
    elif mode == "auto" and messages and messages[-1].role in chat_request.RESULT_ROLES:
        return ()
    else:
        after_results = any(message.role in chat_request.RESULT_ROLES for message in messages[-2:])
        chosen = _find_requested(offered, text, after_results)
        if not chosen and mode == "required":
            chosen = [max(offered, key=lambda tool: _score(tool, text))]
    several = request.get("parallel_tool_calls") is not False and not chat_request.is_legacy(request)
    tool_calls = [call for tool in chosen for call in _calls_of_tool(tool, text, seed, several and mode != "named")]
    return tuple(tool_calls[: MAX_CALLS if several else 1])


def _calls_of_tool(tool: Tool, text: str, seed: int, several: bool) -> list[ToolCall]:
    """Make one call, or one per subject of a list in the text if the arguments differ between them."""
    variants = hints.split_by_subject(text) if several else [text]
    arguments = list(dict.fromkeys(_make_arguments(tool, variant, seed) for variant in variants))
    return [ToolCall(tool.name, argument_text, kind=tool.kind) for argument_text in arguments]


def _make_arguments(tool: Tool, text: str, seed: int) -> str:
    if tool.kind == "custom" and tool.grammar:
        return str(filler.fill({"type": "string", "pattern": f"^(?:{tool.grammar})$"}, text, seed))
    if tool.kind == "custom":
        return next(hints.find_quoted(text), text.strip())
    value = filler.fill(tool.parameters, text, seed, notes=tool.description)
    return compact(value if isinstance(value, dict) else {})


def _find_requested(offered: Sequence[Tool], text: str, after_results: bool) -> list[Tool]:
    """Find the tools the text asks for: all it names, or else, before any results, the most likely ones."""
    named = [tool for tool in offered if _names_tool(tool.name, text)]
    if named:
        return named
    if after_results or not text.strip() or PATTERNS["negated"].search(text):
        return []
    if repeat.words_to_repeat(text, strict=True) is not None:
        return []
    scores = {tool.name: _score(tool, text) for tool in offered}
    strong = [tool for tool in offered if scores[tool.name] >= 3]
    if strong:
        return strong
    demanded = PATTERNS["demanded"].search(text) or (len(offered) == 1 and re.search(r"\btool\b", text))
    best = max(offered, key=lambda tool: scores[tool.name])
    return [best] if demanded or scores[best.name] >= 2 else []


def _names_tool(name: str, text: str) -> bool:
    """Whether the text contains the tool's name, as one word or spelled with spaces."""
    words = hints.split_words(name)
    if not words:
        return False
    spelling = re.escape(name)
    if len(words) > 1:
        spelling += "|" + r"[\s_-]".join(map(re.escape, words))
    elif words[0] in _IDLE_WORDS or len(name) < 4:
        return False
    spend(50 + min(len(text), hints.MAX_TEXT) // 50, "choosing among its tools")
    mentions = re.finditer(rf"(?<!\w)(?:{spelling})(?!\w)", text[: hints.MAX_TEXT], re.IGNORECASE)
    starts = (mention.start() for mention in mentions)
    return any(not PATTERNS["negated"].search(text[max(start - 25, 0) : start]) for start in starts)


def _score(tool: Tool, text: str) -> int:
    """Score how clearly the text asks for the tool: 3 per word of its name, 1 per word of its description."""
    spend(10 + min(len(text), hints.MAX_TEXT) // 20, "choosing among its tools")
    text_words = set(map(_stem, hints.split_words(text[: hints.MAX_TEXT])))
    names = {*hints.split_words(tool.name)} - _IDLE_NAMES
    described = {*hints.split_words(tool.description[:2000])} - _IDLE_WORDS
    telling = {word for word in described if len(word) > 2}
    score = 3 * len(text_words & set(map(_stem, names))) + len(text_words & set(map(_stem, telling - names)))
    for words, form in _OPERATIONS:
        if words & (names | telling) and form.search(text):
            score += 3 if words & names else 2
    return score


def _stem(word: str) -> str:
    """Strip common English endings from a word, so that `searches` becomes `search`."""
    for ending in ("ing", "ies", "es", "s", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
