"""Section relations: the same question in both forms, and several callers at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract_tests.cases.compare import REQUESTS, compare
from contract_tests.cases.formats import SCHEMA
from contract_tests.cases.prompts import CLOCK, CODE, LONG, NOTES, UNUSUAL, WEATHER, message, repeat, user
from contract_tests.cases.tools import TWO
from contract_tests.rules.engine.answers import answers, says, whole_text
from contract_tests.rules.engine.subjects import is_finished
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.endings import duration, held_back, took_much_longer
from contract_tests.rules.relations.facts import apart, differ, facts_apart, prompt_count
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from fake_server.wire.exchange import Ending

CALLERS = 4
ROUNDS = 4
"""Crowds of callers that must each miss a word before the crowd is to blame."""
ALONE = 8
"""Callers who are alone between two crowds; a model that forgets a word now and then does so here as well."""
STEADY = {"temperature": 0, "seed": 7}


async def _compare(ask: Ask, body: dict[str, Any], expect: str | None = None, **streamed: Any) -> None:
    """Compare the dict with the stream, which is requested with `streamed`; a change of `expect` is a doubt as well."""

    def doubtful(reply: View, stream: View) -> bool:
        changed = any(expect and expect not in whole_text(view) for view in (reply, stream))
        return changed or differ(reply, stream)

    await compare(
        ask,
        ("dict", lambda role: ask(body, role=role, expect=expect)),
        ("stream", lambda role: ask({**body, "stream": True, **streamed}, role=role, expect=expect)),
        doubtful=doubtful,
        apart=facts_apart,
    )


def forms_case(case_id: str, title: str, prompt: str, tokens: int, also: Sequence[str] = (), **more: Any) -> None:
    """Register a case that compares dict and stream, about the parameters in `more` and the features `also`."""

    async def play(ask: Ask) -> None:
        await _compare(ask, ask.body(prompt, tokens, **more, **STEADY))

    case(case_id, title=title, requests=REQUESTS, tokens=REQUESTS * tokens, features=(*more, *also))(play)


forms_case("relations.text", "the same text as dict and as stream", "Write two short sentences about a tree.", 64)


@case("relations.echo", title="a repeated text as dict and as stream", requests=REQUESTS, tokens=REQUESTS * 160)
async def echo(ask: Ask) -> None:
    wanted = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await _compare(ask, ask.body(repeat(wanted), 160, **STEADY), wanted)


forms_case("relations.long", "a long text as dict and as stream", LONG, 300)


@case(
    "relations.code",
    title="repeated code, with its spaces, as dict and as stream",
    requests=REQUESTS,
    tokens=REQUESTS * 120,
)
async def code(ask: Ask) -> None:
    wanted = f"{ask.nonce()}\n{CODE}\n{ask.nonce()}"
    await _compare(ask, ask.body(repeat(wanted), 120, **STEADY), wanted)


CALLS: dict[str, Any] = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "also": ["required"]}
forms_case("relations.calls", "the same tool call as dict and as stream", "What is the weather in Oslo?", 200, **CALLS)


@case(
    "relations.parallel",
    title="the same calls, and their usage, as dict and as stream",
    requests=REQUESTS,
    tokens=REQUESTS * 200,
    features=("tools", "tool_choice", "required", "stream_options", "include_usage"),
)
async def parallel(ask: Ask) -> None:
    body = ask.body(TWO, 200, tools=[WEATHER, CLOCK], tool_choice="required", **STEADY)
    await _compare(ask, body, stream_options={"include_usage": True})


CUT, LONGER = 6, 20


@case(
    "relations.length",
    title="the same cut as dict and as stream",
    requests=REQUESTS + 2,
    tokens=REQUESTS * CUT + 2 * LONGER,
    cut=True,
)
async def length(ask: Ask) -> None:
    await _compare(ask, ask.body(LONG, CUT, **STEADY))
    if any(answer.finish == "stop" for view in ask.roles.values() for answer in answers(view)):
        for role in ("longer", "longer 2"):
            await ask(ask.body(LONG, LONGER, **STEADY), role=role)


@case(
    "relations.n",
    title="two choices as dict and as stream, and one",
    requests=REQUESTS + 2,
    tokens=2 * (REQUESTS + 1) * CUT,
    features=["n"],
)
async def two_choices(ask: Ask) -> None:
    body = ask.body(LONG, CUT, **STEADY)
    await _compare(ask, {**body, "n": 2})
    alone = [prompt_count(await ask(body, role="one choice"))]
    if apart(alone, (prompt_count(view) for role, view in ask.roles.items() if role.startswith("dict"))):
        await ask(body, role="one choice 2")


@case(
    "relations.usage",
    title="the same token counts as dict and as stream",
    requests=REQUESTS,
    tokens=REQUESTS * 32,
    features=["stream_options", "include_usage"],
)
async def usage(ask: Ask) -> None:
    body = ask.body("Write two short sentences about a river.", 32, **STEADY)
    await _compare(ask, body, stream_options={"include_usage": True})


LOGPROBS = "the same log probabilities as dict and as stream"
forms_case("relations.logprobs", LOGPROBS, "Say yes.", 8, logprobs=True, top_logprobs=2)
forms_case("relations.json", "the same object as dict and as stream", "Invent a person.", 200, **SCHEMA)


@case("relations.parts", title="a text as string and in parts", requests=REQUESTS, tokens=REQUESTS * 32)
async def parts(ask: Ask) -> None:
    question = "Write one short sentence about a bridge."
    string = ask.body(question, **STEADY)
    in_parts = ask.body([user([{"type": "text", "text": question}])], **STEADY)
    await compare(ask, ("dict", lambda role: ask(string, role=role)), ("parts", lambda role: ask(in_parts, role=role)))


LEAVERS = 4
"""Callers that leave one after the other: a server that works on four answers at a time has a place for a fifth."""
LEFT = 256
"""Tokens of an answer that is left: enough for a server that makes 400 of them a second."""
TIMED = 8
"""Tokens of an answer that is timed: none of them ends earlier."""
PATIENCE = 0.4
"""Seconds until a caller leaves who asked for a dict, or whose stream does not begin as soon as others do."""


@case(
    "relations.leaves",
    title="callers that leave early, and the next one",
    requests=2 + 4 * (LEAVERS + 1),
    tokens=4 * LEAVERS * LEFT + 6 * TIMED,
    alone=True,
)
async def leaves(ask: Ask) -> None:
    async def time(role: str) -> View:
        return await ask(ask.body(repeat(f"{NOTES} {ask.nonce()}"), TIMED), role=role)

    before = await time("before")
    for stream, role in ((True, "next"), (False, "dict next")):
        for name in (role, f"{role} again"):  # once is chance
            was_left = await _leave(ask, name, stream, max(PATIENCE, 2 * duration(before)) if stream else PATIENCE)
            if not (was_left or stream) or not took_much_longer(await time(name), before):
                break
    if "next again" in ask.roles or "dict next again" in ask.roles:
        await time("later")


async def _leave(ask: Ask, name: str, stream: bool, seconds: float) -> bool:
    """Leave several answers before the one called `name`, until one does not begin or ends too soon.

    Returns whether any was left before its end.
    """
    left = False
    for number in range(1, LEAVERS + 1):
        body = ask.body(repeat(f"{NOTES} {ask.nonce()}"), LEFT, stream=stream)
        view = await ask.leave(body, role=f"leaver {number} before {name}", seconds=seconds)
        was_in_time = view.exchange.ending is not Ending.CLIENT_LEFT
        left = left or not was_in_time
        if (stream and not view.status) or (was_in_time and not stream):
            break
    return left


@case(
    "relations.held-back",
    title="when a long stream begins, beside a short one",
    requests=4,
    tokens=2 * (TIMED + LEFT),
    alone=True,
)
async def long_and_short(ask: Ask) -> None:
    for turn in ("", " 2"):  # once is chance
        short = await ask(ask.body(LONG, TIMED, stream=True), role=f"short{turn}")
        if not held_back(await ask(ask.body(LONG, LEFT, stream=True), role=f"long{turn}"), short):
            return


@case("relations.same-question", title="one question behind other instructions", requests=4, tokens=4 * 32)
async def same_question(ask: Ask) -> None:
    for number, stream in enumerate((False, False, True, True), 1):
        word = ask.nonce()
        body = ask.body([message("system", repeat(word)), user("Go on.")], 32, stream=stream)
        await ask(body, role=f"caller {number}", expect=word)


async def _callers(ask: Ask, **more: Any) -> None:
    """One caller alone, then several at once, each with a word of its own.

    Where words do not come, or answers are cut, the same again and again: the crowd is only to blame if every round
    misses some while a caller who is alone misses none.
    """
    alone: list[View] = []
    always_missed = True

    def request(role: str) -> tuple[str, dict[str, Any], str]:
        word = ask.nonce()
        return role, ask.body(repeat(word), 32, **more), word

    async def answered_alone(number: int) -> bool:
        role, body, word = request("alone" if number == 1 else f"alone {number}")
        alone.append(await ask(body, role=role, expect=word))
        return says(alone[-1], word)

    heard = await answered_alone(1)
    for turn in range(ROUNDS):
        for number in range(ALONE * turn + 2 - ALONE, ALONE * turn + 2) if turn else ():
            if not await answered_alone(number) and heard:
                ask.deterministic = False
                return
        requests = [request(f"caller {turn * CALLERS + place + 1}") for place in range(CALLERS)]
        views = await ask.together(requests)
        words = [word for _, _, word in requests]
        owners = {(place, at) for place, view in enumerate(views) for at, word in enumerate(words) if says(view, word)}
        missed = heard and not owners >= {(place, place) for place in range(CALLERS)}
        disturbed = all(map(is_finished, alone)) and not all(map(is_finished, views))
        always_missed = always_missed and missed
        if not heard:
            ask.deterministic = False
        if not (missed or disturbed) or any(a != b for a, b in owners):
            return
    if always_missed:
        ask.deterministic = True


COST = 1 + CALLERS * ROUNDS + ALONE * (ROUNDS - 1)


@case("relations.callers", title="four callers at once", requests=COST, tokens=COST * 32)
async def callers(ask: Ask) -> None:
    await _callers(ask)


@case("relations.stream-callers", title="four callers at once, streamed", requests=COST, tokens=COST * 32)
async def stream_callers(ask: Ask) -> None:
    await _callers(ask, stream=True)
