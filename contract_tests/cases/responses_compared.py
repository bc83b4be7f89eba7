"""Section responses, one thing asked in two ways: dict and stream, string and message, chat and Response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract_tests.cases.compare import REQUESTS, compare
from contract_tests.cases.prompts import CLOCK, LONG, UNUSUAL, WEATHER, repeat, user
from contract_tests.cases.responses import FUNCTIONS, LEAST, make_body
from contract_tests.cases.tools import QUESTION
from contract_tests.rules.engine.answers import answers
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.facts import apart, prompt_count
from contract_tests.rules.relations.said import facts_of, said_in, same_answer, text_of_reply
from contract_tests.target.ask import Ask, Body
from contract_tests.target.case import case
from contract_tests.target.endpoints import RESPONSES

STEADILY = {"temperature": 0}


def _facts_apart(lefts: Sequence[View], rights: Sequence[View]) -> bool:
    """Whether some fact of the Responses on the left is never one of those on the right."""
    left, right = [[facts_of(view) for view in views] for views in (lefts, rights)]
    return any(
        apart((facts.get(name) for facts in left), (facts.get(name) for facts in right))
        for name in ("types", "end", "input_tokens")
    )


async def _compare(ask: Ask, first: tuple[str, Body], second: tuple[str, Body], expect: str | None = None) -> None:
    """Compare the Responses to two requests, each by the role of its first; a lost `expect` is a doubt as well."""

    def doubtful(left: View, right: View) -> bool:
        lost = any(expect and expect not in text_of_reply(view) for view in (left, right))
        return lost or same_answer(left) != same_answer(right) or _facts_apart([left], [right])

    await compare(
        ask,
        (first[0], lambda role: ask(first[1], path=RESPONSES, role=role, expect=expect)),
        (second[0], lambda role: ask(second[1], path=RESPONSES, role=role, expect=expect)),
        key=same_answer,
        doubtful=doubtful,
        apart=_facts_apart,
    )


def forms_case(
    case_id: str, title: str, prompt: str, tokens: int, *, echo: bool = False, cut: bool = False, **more: Any
) -> None:
    """Register a case that compares dict and stream; with `echo` of a text that is repeated, between two new words."""

    async def play(ask: Ask) -> None:
        expect = f"{ask.nonce()} {prompt} {ask.nonce()}" if echo else None
        body = make_body(ask, repeat(expect) if expect else prompt, tokens, **more, **STEADILY)
        await _compare(ask, ("response", body), ("streamed response", {**body, "stream": True}), expect)

    case(case_id, title=title, requests=REQUESTS, tokens=REQUESTS * tokens, features=tuple(more), cut=cut)(play)


forms_case("responses.same-text", "the same response as dict and as stream", UNUSUAL, 160, echo=True)
CALLS: dict[str, Any] = {"tools": FUNCTIONS, "tool_choice": "required"}
forms_case("responses.same-call", "the same function called as dict and in events", QUESTION, 200, **CALLS)
forms_case("responses.same-cut", "the same cut of a response as dict and as stream", LONG, LEAST, cut=True)


@case("responses.message", title="input as string and as message", requests=REQUESTS, tokens=REQUESTS * 32)
async def as_message(ask: Ask) -> None:
    question = "Write one short sentence about a bridge."
    string, in_message = (make_body(ask, given, **STEADILY) for given in (question, [user(question)]))
    await _compare(ask, ("string", string), ("message", in_message))


def chat_case(case_id: str, title: str, prompt: str, tokens: int, **more: Any) -> None:
    """Register a case that compares chat with a Response to the same message."""
    asked = {name: value for name, value in more.items() if name != "tools"}

    async def play(ask: Ask) -> None:
        offered = {"tools": [WEATHER, CLOCK]} if more else {}
        chat = ask.body(prompt, tokens, **offered, **asked, **STEADILY)
        response = make_body(ask, prompt, tokens, **more, **STEADILY)

        def said(view: View) -> tuple[Any, ...]:
            given, chosen = same_answer(view), next(iter(answers(view)), None)
            return given[:2] or ((chosen.text, chosen.calls) if chosen else ())

        def count(view: View) -> int | None:
            found = said_in(view)
            return found.input_tokens if found else prompt_count(view)

        await ask(response, path=RESPONSES, role="as response")  # before chat: a target may lack Responses
        await compare(
            ask,
            ("chat", lambda role: ask(chat, role=role)),
            ("as response", lambda role: ask(response, path=RESPONSES, role=role)),
            key=said,
            doubtful=lambda left, right: said(left) != said(right) or count(left) != count(right),
        )

    case(case_id, title=title, requests=REQUESTS + 1, tokens=(REQUESTS + 1) * tokens, features=tuple(more))(play)


chat_case("responses.as-chat", "the same text by chat and as a response", "Write one short sentence about a hill.", 32)
chat_case("responses.as-chat-call", "the same call by chat and in a response", QUESTION, 200, **CALLS)


@case("responses.input-tokens", title="input tokens counted beforehand", requests=2, tokens=LEAST)
async def input_tokens(ask: Ask) -> None:
    body = make_body(ask, [user(QUESTION)], LEAST, tools=FUNCTIONS)
    await ask(body, path=RESPONSES, role="response")
    counted = {name: value for name, value in body.items() if name not in ("max_output_tokens", "store")}
    await ask(counted, path=f"{RESPONSES}/input_tokens", role="counted")
