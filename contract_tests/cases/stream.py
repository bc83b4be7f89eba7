"""Section chat.stream: chat completions that are answered token by token."""

from __future__ import annotations

from contract_tests.cases.prompts import LONG, POEM, POEM_TOKENS, SENTENCE, SHORT, UNUSUAL, repeat, user
from contract_tests.target.ask import Ask
from contract_tests.target.case import case


@case("chat.stream.poem", title="poem, streamed as the seed asks for it", tokens=POEM_TOKENS)
async def poem(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(POEM)], "stream": True}, role="stream")


@case("chat.stream.short", title="short answer, streamed", tokens=32)
async def short(ask: Ask) -> None:
    await ask(ask.body(SHORT, stream=True), role="stream")


@case("chat.stream.unusual-text", title="unusual text, repeated in a stream", tokens=160)
async def unusual_text(ask: Ask) -> None:
    text = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await ask(ask.body(repeat(text), 160, stream=True), role="stream", expect=text)


@case("chat.stream.n", title="two choices, streamed", tokens=80, features=["n"])
async def two_choices(ask: Ask) -> None:
    await ask(ask.body(SENTENCE, 40, n=2, stream=True), role="stream")


@case("chat.stream.max-tokens", title="stream cut by max_tokens", tokens=5, features=["max_tokens"])
async def max_tokens(ask: Ask) -> None:
    await ask(ask.body(LONG, 5, stream=True), role="stream")


@case("chat.stream.stop", title="stream ended by a stop sequence", tokens=64, features=["stop"])
async def stop(ask: Ask) -> None:
    text = repeat("one two three four five six")
    await ask(ask.body(text, 64, stop="four", stream=True), role="stream")


@case(
    "chat.stream.usage",
    title="stream with usage",
    tokens=32,
    features=["stream_options", "include_usage"],
)
async def with_usage(ask: Ask) -> None:
    options = {"include_usage": True}
    await ask(ask.body(SHORT, stream=True, stream_options=options), role="stream")


@case(
    "chat.stream.no-usage",
    title="stream with include_usage: false",
    tokens=32,
    features=["stream_options", "include_usage"],
)
async def without_usage(ask: Ask) -> None:
    options = {"include_usage": False}
    await ask(ask.body(SHORT, stream=True, stream_options=options), role="stream")
