"""Which script answers a request, or which came nearest and why each missed.

The first script whose every condition holds answers. Conditions are tried in a fixed order (model, stream,
turn, response_format, tools, messages), so the first one that fails names the miss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fake_server import asked, patterns
from fake_server.script_model import ModelTest, Script, TextTest, When
from fake_server.scripts import ScriptBook, ScriptState

SHOWN = 80


@dataclass(frozen=True)
class Miss:
    """A script that did not answer: the first condition it failed, and how many held before that."""

    script: Script
    reason: str
    held: int


def find(
    request: Mapping[str, Any], book: ScriptBook, state: ScriptState, *, wordless: bool = False
) -> Script | None:
    """The first script that matches and may still answer; its use is counted. None: no script.

    `wordless` passes scripts over that answer in words.
    """
    for script in book.candidates(request):
        if wordless and script.reply.error is None and script.reply.raw is None:
            continue
        if all(problem is None for problem in _conditions(script.when, request)) and state.take(script):
            return script
    return None


def explain(
    request: Mapping[str, Any], book: ScriptBook, state: ScriptState | None = None, limit: int = 3
) -> tuple[Miss, ...]:
    """The nearest misses, nearest first: those whose conditions held the longest, then in book order."""
    misses = [found for script in book if (found := miss(script, request, state))]
    return tuple(sorted(misses, key=lambda one: -one.held)[:limit])


def describe(request: Mapping[str, Any]) -> str:
    """The request in a few words, for messages."""
    said = asked.messages(request)
    last = f"last message {said[-1].role}: {_short(said[-1].text)}" if said else "no messages"
    return f"model {request.get('model')}, {last}"


def miss(script: Script, request: Mapping[str, Any], state: ScriptState | None = None) -> Miss | None:
    """Why the script does not answer this request; None where it does."""
    held = 0
    for problem in _conditions(script.when, request):
        if problem is not None:
            return Miss(script, problem, held)
        held += 1
    if state is not None and script.times is not None and state.used(script) >= script.times:
        return Miss(script, f"times: it has answered {script.times} of {script.times} times", held)
    return None


def _conditions(when: When, request: Mapping[str, Any]) -> Iterator[str | None]:
    """For each condition given, in order: None where it holds, else why it does not."""
    if when.model is not None:
        yield _model(when.model, str(request.get("model", "")))
    if when.stream is not None:
        streams = bool(request.get("stream"))
        yield None if streams is when.stream else f"stream: wants {_word(when.stream)}, got {_word(streams)}"
    if when.turn is not None:
        turn = asked.turn(request)
        yield None if turn == when.turn else f"turn: wants {when.turn}, this is turn {turn}"
    if when.response_format is not None:
        kind = asked.response_format(request)
        wanted = when.response_format
        yield None if kind == wanted else f"response_format: wants {wanted}, got {kind}"
    if when.tools is not None:
        yield _tools(when.tools.include, request)
    if when.messages is not None:
        said = asked.messages(request)
        system = [message for message in said if message.role in asked.SYSTEM_ROLES]
        places: tuple[tuple[str, TextTest | None, Sequence[asked.Said]], ...] = (
            ("last", when.messages.last, said[-1:]),
            ("first", when.messages.first, said[:1]),
            ("system", when.messages.system, system),
            ("any", when.messages.any, said),
        )
        for name, test, candidates in places:
            if test is not None:
                yield _messages(name, test, candidates)


def _tools(wanted: Sequence[str], request: Mapping[str, Any]) -> str | None:
    """A tool counts where the request offers it and its `tool_choice` lets it be called."""
    names = [tool.name for tool in asked.tools(request)]
    mode, allowed = asked.tool_choice(request)
    for name in wanted:
        if name not in names:
            return f"tools: wants {name!r}, offered: {', '.join(names[:10]) or 'none'}"
        if mode == "none" or (allowed and name not in allowed):
            return f"tools: wants {name!r}, tool_choice allows: {', '.join(allowed) or 'none'}"
    return None


def _model(test: ModelTest, model: str) -> str | None:
    if test.exact is not None and model != test.exact:
        return f"model: wants {test.exact!r}, got {model!r}"
    if test.prefix is not None and not model.startswith(test.prefix):
        return f"model: wants the prefix {test.prefix!r}, got {model!r}"
    if test.regex is not None and not patterns.found(test.regex, model):
        return f"model: wants a match of {test.regex!r}, got {model!r}"
    return None


def _messages(name: str, test: TextTest, candidates: Sequence[asked.Said]) -> str | None:
    """None where one of the messages passes the whole test, else why the last of them does not."""
    problem = f"messages.{name}: there is no such message"
    for said in candidates:
        failure = _text(test, said)
        if failure is None:
            return None
        problem = f"messages.{name}: {failure}"
    return problem


def _text(test: TextTest, said: asked.Said) -> str | None:
    if test.role is not None and said.role != test.role:
        return f"wants the role {test.role!r}, got {said.role!r}"
    folded = said.text.casefold()
    missing = next((part for part in test.contains if part.casefold() not in folded), None)
    if missing is not None:
        return f"wants a text that contains {missing!r}, got {_short(said.text)}"
    if test.equals is not None and said.text != test.equals:
        return f"wants exactly {_short(test.equals)}, got {_short(said.text)}"
    if test.regex is not None and not patterns.found(test.regex, said.text):
        return f"wants a match of {test.regex!r}, got {_short(said.text)}"
    return None


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= SHOWN else flat[: SHOWN - 1] + "…")


def _word(value: bool) -> str:
    return "true" if value else "false"
