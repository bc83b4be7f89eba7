"""Section chat.stream: chat completions that are answered token by token."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.compare import ask_to_stop
from contract_tests.cases.prompts import (
    COUNTING,
    LONG,
    POEM,
    POEM_TOKENS,
    SENTENCE,
    SHORT,
    STOPS,
    UNUSUAL,
    repeat,
    user,
)
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.target.ask import Ask
from contract_tests.target.case import case, chat_case


def _usage(include: bool) -> dict[str, Any]:
    return {"stream": True, "stream_options": {"include_usage": include}, "also": ["include_usage"]}


@case("chat.stream.poem", title="poem, streamed as the seed asks for it", tokens=POEM_TOKENS)
async def poem(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(POEM)], "stream": True}, role="stream")


chat_case("chat.stream.short", "short answer, streamed", SHORT, stream=True)


@case("chat.stream.unusual-text", title="unusual text, repeated in a stream", tokens=160)
async def unusual_text(ask: Ask) -> None:
    text = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await ask(ask.body(repeat(text), 160, stream=True), role="stream", expect=text)


chat_case("chat.stream.n", "two choices, streamed", SENTENCE, 40, n=2, stream=True)
chat_case("chat.stream.max-tokens", "stream cut by max_tokens", LONG, 5, stream=True, also=["max_tokens"])


@case(
    "chat.stream.stop",
    title="stream ended by a stop sequence",
    requests=2 * TRIES,
    tokens=2 * TRIES * 64,
    features=["stop"],
)
async def stop(ask: Ask) -> None:
    await ask_to_stop(ask, ask.body(repeat(COUNTING), 64, stream=True), COUNTING, STOPS[-1])


chat_case("chat.stream.usage", "stream with usage", SHORT, **_usage(True))
chat_case("chat.stream.no-usage", "stream with include_usage: false", SHORT, **_usage(False))
