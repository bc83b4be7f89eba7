"""Sections completions and completions.stream: text completions, the older way to ask."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.prompts import UNUSUAL, repeat
from contract_tests.rules.engine.answers import answer_texts
from contract_tests.rules.engine.view import View
from contract_tests.target.ask import COMPLETIONS, Ask
from contract_tests.target.case import case

START = "Once upon a time there was a tree that"
COUNT = "one, two, three, four, five, six,"
STEADY: dict[str, Any] = {"temperature": 0, "seed": 7}


async def _ask(ask: Ask, prompt: Any = START, tokens: int = 16, *, role: str = "dict", **more: Any) -> View:
    body = {"model": ask.model, "prompt": prompt, "max_tokens": tokens, **more}
    return await ask(body, path=COMPLETIONS, role=role)


@case("completions.short", title="a text completed", tokens=16)
async def short(ask: Ask) -> None:
    await _ask(ask)


@case("completions.prompts", title="two prompts at once", tokens=32)
async def prompts(ask: Ask) -> None:
    await _ask(ask, [START, COUNT])


@case("completions.n", title="text completion, two choices", tokens=32, features=["n"])
async def two_choices(ask: Ask) -> None:
    await _ask(ask, n=2)


@case("completions.stop", title="text completion ended by a stop sequence", tokens=32, features=["stop"])
async def stop(ask: Ask) -> None:
    await _ask(ask, repeat("one two three four five six"), 32, stop=["nine", "four"])


@case("completions.max-tokens", title="text completion cut by max_tokens", tokens=5, features=["max_tokens"])
async def max_tokens(ask: Ask) -> None:
    await _ask(ask, COUNT, 5)


@case("completions.logprobs", title="text completion with log probabilities", tokens=5, features=["logprobs"])
async def logprobs(ask: Ask) -> None:
    await _ask(ask, tokens=5, logprobs=1)


@case("completions.echo", title="the prompt repeated first", tokens=8, features=["echo"])
async def echo(ask: Ask) -> None:
    await _ask(ask, tokens=8, echo=True)


@case("completions.echo-prompts", title="two prompts, each repeated first", tokens=16, features=["echo"])
async def echo_prompts(ask: Ask) -> None:
    await _ask(ask, [START, COUNT], 8, echo=True)


@case("completions.stream.short", title="a text completed, streamed", tokens=16)
async def stream_short(ask: Ask) -> None:
    await _ask(ask, role="stream", stream=True)


@case("completions.stream.n", title="text completion, two choices, streamed", tokens=32, features=["n"])
async def stream_two_choices(ask: Ask) -> None:
    await _ask(ask, role="stream", n=2, stream=True)


@case("completions.stream.stop", title="text stream ended by a stop sequence", tokens=32, features=["stop"])
async def stream_stop(ask: Ask) -> None:
    await _ask(ask, repeat("one two three four five six"), 32, role="stream", stop="four", stream=True)


@case(
    "completions.stream.logprobs",
    title="text stream with log probabilities",
    tokens=5,
    features=["logprobs"],
)
async def stream_logprobs(ask: Ask) -> None:
    await _ask(ask, tokens=5, role="stream", logprobs=1, stream=True)


@case(
    "completions.stream.usage",
    title="text stream with usage",
    tokens=16,
    features=["stream_options", "include_usage"],
)
async def stream_usage(ask: Ask) -> None:
    await _ask(ask, role="stream", stream=True, stream_options={"include_usage": True})


@case("completions.same-text", title="the same text completion as dict and as stream", requests=4, tokens=128)
async def same_text(ask: Ask) -> None:
    first = await _ask(ask, UNUSUAL, 32, **STEADY)
    await _ask(ask, UNUSUAL, 32, role="again", **STEADY)
    stream = await _ask(ask, UNUSUAL, 32, role="stream", stream=True, **STEADY)
    if ask.deterministic and answer_texts(first) != answer_texts(stream):
        await _ask(ask, UNUSUAL, 32, role="once more", **STEADY)
