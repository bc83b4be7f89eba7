"""Section relations: the same question in both forms, and several callers at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract_tests.cases.formats import SCHEMA
from contract_tests.cases.prompts import CLOCK, CODE, LONG, SHORT, UNUSUAL, WEATHER, repeat, user
from contract_tests.rules.engine.answers import answer_texts
from contract_tests.rules.relations.endings import took_much_longer
from contract_tests.target.ask import Ask
from contract_tests.target.case import case

CALLERS = 4
STEADY = {"temperature": 0, "seed": 7}


async def _compare(ask: Ask, body: dict[str, Any], expect: str | None = None, **streamed: Any) -> None:
    """Ask twice for a dict, then for a stream (with `streamed`); where they differ, once more for a dict.

    A target that gives equal answers only now and then is not deterministic, and no rule compares it.
    """
    first = await ask(body, role="dict", expect=expect)
    await ask(body, role="again", expect=expect)
    stream = await ask({**body, "stream": True, **streamed}, role="stream", expect=expect)
    if ask.deterministic and answer_texts(first) != answer_texts(stream):
        await ask(body, role="once more", expect=expect)


def forms_case(case_id: str, title: str, prompt: str, tokens: int, also: Sequence[str] = (), **more: Any) -> None:
    """Register a case that compares dict and stream, about the parameters in `more` and the features `also`."""

    async def play(ask: Ask) -> None:
        await _compare(ask, ask.body(prompt, tokens, **more, **STEADY))

    case(case_id, title=title, requests=4, tokens=4 * tokens, features=(*more, *also))(play)


forms_case("relations.text", "the same text as dict and as stream", "Write two short sentences about a tree.", 64)


@case("relations.echo", title="a repeated text as dict and as stream", requests=4, tokens=640)
async def echo(ask: Ask) -> None:
    wanted = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await _compare(ask, ask.body(repeat(wanted), 160, **STEADY), wanted)


forms_case("relations.long", "a long text as dict and as stream", LONG, 300)


@case("relations.code", title="repeated code, with its spaces, as dict and as stream", requests=4, tokens=480)
async def code(ask: Ask) -> None:
    wanted = f"{ask.nonce()}\n{CODE}\n{ask.nonce()}"
    await _compare(ask, ask.body(repeat(wanted), 120, **STEADY), wanted)


CALLS: dict[str, Any] = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "also": ["required"]}
forms_case("relations.calls", "the same tool call as dict and as stream", "What is the weather in Oslo?", 200, **CALLS)
forms_case("relations.length", "the same cut as dict and as stream", "Count from 1 to 100 in words.", 6)


@case(
    "relations.usage",
    title="the same token counts as dict and as stream",
    requests=4,
    tokens=128,
    features=["stream_options", "include_usage"],
)
async def usage(ask: Ask) -> None:
    body = ask.body("Write two short sentences about a river.", 32, **STEADY)
    await _compare(ask, body, stream_options={"include_usage": True})


LOGPROBS = "the same log probabilities as dict and as stream"
forms_case("relations.logprobs", LOGPROBS, "Say yes.", 8, logprobs=True, top_logprobs=2)
forms_case("relations.json", "the same object as dict and as stream", "Invent a person.", 200, **SCHEMA)


@case("relations.parts", title="a text as string and in parts", requests=3, tokens=96)
async def parts(ask: Ask) -> None:
    question = "Write one short sentence about a bridge."
    await ask(ask.body(question, **STEADY))
    await ask(ask.body(question, **STEADY), role="again")
    await ask(ask.body([user([{"type": "text", "text": question}])], **STEADY), role="parts")


@case("relations.leaves", title="a caller that leaves early, and the next one", requests=6, tokens=256)
async def leaves(ask: Ask) -> None:
    counting = ask.body("Count from 1 to 50 in words.", 64, stream=True)
    before = await ask(ask.body(SHORT), role="before")
    await ask.leave(counting, role="leaver")
    if took_much_longer(await ask(ask.body(SHORT), role="next"), before):  # once is chance
        await ask.leave(counting, role="leaver again")
        await ask(ask.body(SHORT), role="next again")
        await ask(ask.body(SHORT), role="later")


async def _callers(ask: Ask, **more: Any) -> None:
    """One caller alone, then several at once, each with a word of its own."""
    words = {role: ask.nonce() for role in ("alone", *(f"caller {number + 1}" for number in range(CALLERS)))}
    bodies = {role: ask.body(repeat(word), 32, **more) for role, word in words.items()}
    await ask(bodies["alone"], role="alone", expect=words["alone"])
    await ask.together([(role, bodies[role], words[role]) for role in words if role != "alone"])


@case("relations.callers", title="four callers at once", requests=1 + CALLERS, tokens=160)
async def callers(ask: Ask) -> None:
    await _callers(ask)


@case("relations.stream-callers", title="four callers at once, streamed", requests=1 + CALLERS, tokens=160)
async def stream_callers(ask: Ask) -> None:
    await _callers(ask, stream=True)
