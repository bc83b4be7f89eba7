"""Section chat: chat completions that are answered with one dict."""

from __future__ import annotations

from contract_tests.cases.prompts import (
    LONG,
    NOTES,
    POEM,
    POEM_TOKENS,
    RED_PIXEL,
    SENTENCE,
    SHORT,
    UNUSUAL,
    repeat,
    user,
)
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.errors import SetupFailed


@case("chat.poem", title="poem, as the seed asks for it", tokens=POEM_TOKENS)
async def poem(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(POEM)]})


@case("chat.short", title="short answer", tokens=32)
async def short(ask: Ask) -> None:
    await ask(ask.body(SHORT, stream=False))


@case("chat.unusual-text", title="unusual text, repeated", tokens=160)
async def unusual_text(ask: Ask) -> None:
    text = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await ask(ask.body(repeat(text), 160), expect=text)


@case("chat.n", title="two choices", tokens=80, features=["n"])
async def two_choices(ask: Ask) -> None:
    await ask(ask.body(SENTENCE, 40, n=2))


@case("chat.max-tokens", title="cut by max_tokens", tokens=5, features=["max_tokens"])
async def max_tokens(ask: Ask) -> None:
    await ask(ask.body(LONG, 5))


@case(
    "chat.max-completion-tokens",
    title="cut by max_completion_tokens",
    tokens=20,
    features=["max_completion_tokens"],
)
async def max_completion_tokens(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(LONG)], "max_completion_tokens": 20})


@case("chat.stop", title="ended by a stop sequence", requests=2, tokens=128, features=["stop"])
async def stop(ask: Ask) -> None:
    text = "one two three four five six"
    await ask(ask.body(repeat(text), 64), role="whole", expect=text)
    await ask(ask.body(repeat(text), 64, stop=["nine", "four"]), role="stopped")


@case("chat.own-message", title="its own message sent back", requests=2, tokens=64)
async def own_message(ask: Ask) -> None:
    first = await ask(ask.body(SHORT), role="first turn")
    messages = [choice["message"].value for choice in first.root["choices"]]
    if not messages or not isinstance(messages[0], dict):
        raise SetupFailed("the first turn has no choices[0].message to send back")
    await ask(ask.body([user(SHORT), messages[0], user("And now in French.")]), role="second turn")


@case("chat.system", title="a system message", tokens=32)
async def system(ask: Ask) -> None:
    await ask(ask.body([{"role": "system", "content": "You are brief."}, user(SHORT)]))


@case("chat.developer", title="a long developer message", tokens=32, features=["developer", "role"])
async def developer(ask: Ask) -> None:
    await ask(ask.body([{"role": "developer", "content": NOTES}, user(SHORT)]))


@case("chat.content-parts", title="content as a string and in parts", requests=2, tokens=128)
async def content_parts(ask: Ask) -> None:
    text = f"{ask.nonce()} in the middle {ask.nonce()}"
    await ask(ask.body(repeat(text), 64), role="string", expect=text)
    parts = [{"type": "text", "text": repeat("")}, {"type": "text", "text": text}]
    await ask(ask.body([user(parts)], 64), role="parts", expect=text)


@case("chat.user", title="the name of an end user", tokens=16, features=["user"])
async def end_user(ask: Ask) -> None:
    await ask(ask.body(SHORT, 16, user="tester-1"))


@case("chat.long-system", title="a long system message", tokens=32)
async def long_system(ask: Ask) -> None:
    await ask(ask.body([{"role": "system", "content": NOTES}, user(SHORT)]))


@case("chat.long-history", title="a long message in an earlier turn", tokens=32)
async def long_history(ask: Ask) -> None:
    await ask(ask.body([user(NOTES), {"role": "assistant", "content": "I will remember."}, user(SHORT)]))


@case("chat.turns", title="a conversation of several turns", tokens=32)
async def turns(ask: Ask) -> None:
    answer = {"role": "assistant", "content": "Nice to meet you, Ada."}
    await ask(ask.body([user("My name is Ada."), answer, user(SHORT)]))


@case("chat.name", title="a message with the name of its author", tokens=16, features=["name"])
async def named_author(ask: Ask) -> None:
    await ask(ask.body([{**user(SHORT), "name": "ada"}], 16))


@case(
    "chat.sampling",
    title="sampling parameters",
    tokens=16,
    features=["top_p", "presence_penalty", "frequency_penalty", "logit_bias"],
)
async def sampling(ask: Ask) -> None:
    more = {"top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.1, "logit_bias": {"100": -1}}
    await ask(ask.body(SHORT, 16, **more))


@case(
    "chat.image",
    title="a picture in the question, and the question alone",
    requests=2,
    tokens=64,
    features=["image_url", "image", "content"],
)
async def image(ask: Ask) -> None:
    text = {"type": "text", "text": "What colour is this picture?"}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED_PIXEL}"}}
    await ask(ask.body([user([text, picture])]), role="with image")
    await ask(ask.body([user([text])]), role="without image")
