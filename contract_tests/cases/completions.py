"""Sections completions and completions.stream: text completions, the older way to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract_tests.cases.compare import REQUESTS, ask_to_stop, compare
from contract_tests.cases.prompts import COUNTING, STOPS, UNUSUAL, repeat
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.target.ask import Ask
from contract_tests.target.case import case, request_case
from contract_tests.target.endpoints import COMPLETIONS

START = "Once upon a time there was a tree that"
COUNT = "one, two, three, four, five, six,"
REPEATED = repeat(COUNTING)
STEADY: dict[str, Any] = {"temperature": 0, "seed": 7}
USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def text_case(
    case_id: str,
    title: str,
    prompt: str | list[str] = START,
    tokens: int = 16,
    *,
    also: Sequence[str] = (),
    **more: Any,
) -> None:
    """Register a case of one text completion, about the parameters in `more` and the features `also`."""
    choices = more.get("n", 1) * (len(prompt) if isinstance(prompt, list) else 1)
    request_case(
        case_id,
        title,
        lambda ask: {"model": ask.model, "prompt": prompt, "max_tokens": tokens, **more},
        tokens * choices,
        (*more, *also),
        path=COMPLETIONS,
    )


text_case("completions.short", "a text completed")
text_case("completions.prompts", "two prompts at once", [START, COUNT])
text_case("completions.n", "text completion, two choices", n=2)


def stop_case(case_id: str, title: str, stop: str | list[str], **more: Any) -> None:
    """Register a case of one text completion that a stop sequence ends."""

    async def play(ask: Ask) -> None:
        body = {"model": ask.model, "prompt": REPEATED, "max_tokens": 32, **more}
        await ask_to_stop(ask, body, COUNTING, stop, COMPLETIONS)

    case(case_id, title=title, requests=2 * TRIES, tokens=2 * TRIES * 32, features=["stop"])(play)


stop_case("completions.stop", "text completion ended by a stop sequence", STOPS)
text_case("completions.max-tokens", "text completion cut by max_tokens", COUNT, 5, also=["max_tokens"])
text_case("completions.logprobs", "text completion with log probabilities", START, 5, logprobs=1)
text_case("completions.echo", "the prompt repeated first", START, 8, echo=True)
text_case("completions.echo-prompts", "two prompts, each repeated first", [START, COUNT], 8, echo=True)
text_case("completions.stream.short", "a text completed, streamed", stream=True)
text_case("completions.stream.n", "text completion, two choices, streamed", n=2, stream=True)
stop_case("completions.stream.stop", "text stream ended by a stop sequence", STOPS[-1], stream=True)
text_case("completions.stream.logprobs", "text stream with log probabilities", START, 5, logprobs=1, stream=True)
text_case("completions.stream.usage", "text stream with usage", **USAGE, also=["include_usage"])


async def _ask(ask: Ask, role: str, **more: Any) -> View:
    body = {"model": ask.model, "prompt": UNUSUAL, "max_tokens": 32, **more}
    return await ask(body, path=COMPLETIONS, role=role)


@case(
    "completions.same-text",
    title="the same text completion as dict and as stream",
    requests=REQUESTS,
    tokens=REQUESTS * 32,
)
async def same_text(ask: Ask) -> None:
    await compare(
        ask,
        ("dict", lambda role: _ask(ask, role, **STEADY)),
        ("stream", lambda role: _ask(ask, role, stream=True, **STEADY)),
    )
