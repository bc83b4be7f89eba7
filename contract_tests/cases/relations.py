"""Section relations: the same question in both forms, and several callers at once."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.formats import PERSON
from contract_tests.cases.prompts import CLOCK, CODE, LONG, SHORT, UNUSUAL, WEATHER, repeat, user
from contract_tests.rules.engine.answers import answer_texts
from contract_tests.rules.relations.endings import took_much_longer
from contract_tests.target.ask import Ask
from contract_tests.target.case import case

CALLERS = 4
STEADY = {"temperature": 0, "seed": 7}


async def _compare(
    ask: Ask, body: dict[str, Any], expect: str | None = None, streamed: dict[str, Any] | None = None
) -> None:
    """Ask twice for a dict, then for a stream (with `streamed`); where they differ, once more for a dict.

    A target that gives equal answers only now and then is not deterministic, and no rule compares it.
    """
    first = await ask(body, role="dict", expect=expect)
    await ask(body, role="again", expect=expect)
    stream = await ask({**body, "stream": True, **(streamed or {})}, role="stream", expect=expect)
    if ask.deterministic and answer_texts(first) != answer_texts(stream):
        await ask(body, role="once more", expect=expect)


@case("relations.text", title="the same text as dict and as stream", requests=4, tokens=256)
async def text(ask: Ask) -> None:
    await _compare(ask, ask.body("Write two short sentences about a tree.", 64, **STEADY))


@case("relations.echo", title="a repeated text as dict and as stream", requests=4, tokens=640)
async def echo(ask: Ask) -> None:
    wanted = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await _compare(ask, ask.body(repeat(wanted), 160, **STEADY), wanted)


@case("relations.long", title="a long text as dict and as stream", requests=4, tokens=1200)
async def long(ask: Ask) -> None:
    await _compare(ask, ask.body(LONG, 300, **STEADY))


@case("relations.code", title="repeated code, with its spaces, as dict and as stream", requests=4, tokens=480)
async def code(ask: Ask) -> None:
    wanted = f"{ask.nonce()}\n{CODE}\n{ask.nonce()}"
    await _compare(ask, ask.body(repeat(wanted), 120, **STEADY), wanted)


@case(
    "relations.calls",
    title="the same tool call as dict and as stream",
    requests=4,
    tokens=800,
    features=["tools", "tool_choice", "required"],
)
async def calls(ask: Ask) -> None:
    question = "What is the weather in Oslo?"
    await _compare(ask, ask.body(question, 200, tools=[WEATHER, CLOCK], tool_choice="required", **STEADY))


@case("relations.length", title="the same cut as dict and as stream", requests=4, tokens=24)
async def length(ask: Ask) -> None:
    await _compare(ask, ask.body("Count from 1 to 100 in words.", 6, **STEADY))


@case(
    "relations.usage",
    title="the same token counts as dict and as stream",
    requests=4,
    tokens=128,
    features=["stream_options", "include_usage"],
)
async def usage(ask: Ask) -> None:
    body = ask.body("Write two short sentences about a river.", 32, **STEADY)
    await _compare(ask, body, streamed={"stream_options": {"include_usage": True}})


@case(
    "relations.logprobs",
    title="the same log probabilities as dict and as stream",
    requests=4,
    tokens=32,
    features=["logprobs", "top_logprobs"],
)
async def logprobs(ask: Ask) -> None:
    await _compare(ask, ask.body("Say yes.", 8, logprobs=True, top_logprobs=2, **STEADY))


@case(
    "relations.json",
    title="the same object as dict and as stream",
    requests=4,
    tokens=800,
    features=["response_format", "json_schema"],
)
async def same_object(ask: Ask) -> None:
    await _compare(ask, ask.body("Invent a person.", 200, response_format=PERSON, **STEADY))


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
