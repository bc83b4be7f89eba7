"""Section chat: chat completions that are answered with one dict."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.compare import REQUESTS, ask_back, ask_to_stop, compare
from contract_tests.cases.prompts import (
    COUNTING,
    LONG,
    NOTES,
    POEM,
    POEM_TOKENS,
    RED_PIXEL,
    REPEAT_FIRST,
    REPEAT_LAST,
    SENTENCE,
    SHORT,
    STOPS,
    STORY,
    UNUSUAL,
    in_parts,
    joined,
    message,
    repeat,
    user,
)
from contract_tests.rules.engine.answers import whole_text
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.target.ask import Ask
from contract_tests.target.case import case, chat_case
from contract_tests.target.endpoints import PICTURES
from contract_tests.target.errors import SetupFailed

DEVELOPER = [message("developer", NOTES), user(SHORT)]
HISTORY = [user(STORY), message("assistant", STORY), user(SHORT)]
NAME = "ada_the_dog_ran_to_the_old_house_by_the_river_and_sat_in_the_sun"
SAMPLING: dict[str, Any] = {"top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.1, "logit_bias": {"100": -1}}


@case("chat.poem", title="poem, as the seed asks for it", tokens=POEM_TOKENS)
async def poem(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(POEM)]})


chat_case("chat.short", "short answer", SHORT, stream=False)


@case("chat.unusual-text", title="unusual text, repeated", tokens=160)
async def unusual_text(ask: Ask) -> None:
    text = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await ask(ask.body(repeat(text), 160), expect=text)


chat_case("chat.n", "two choices", SENTENCE, 40, n=2)
chat_case("chat.max-tokens", "cut by max_tokens", LONG, 5, also=["max_tokens"])


@case(
    "chat.max-completion-tokens",
    title="cut by max_completion_tokens",
    tokens=20,
    features=["max_completion_tokens"],
)
async def max_completion_tokens(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(LONG)], "max_completion_tokens": 20})


@case("chat.stop", title="ended by a stop sequence", requests=2 * TRIES, tokens=2 * TRIES * 64, features=["stop"])
async def stop(ask: Ask) -> None:
    await ask_to_stop(ask, ask.body(repeat(COUNTING), 64), COUNTING, STOPS)


@case("chat.own-message", title="its own message sent back", requests=2, tokens=64)
async def own_message(ask: Ask) -> None:
    first = await ask(ask.body(SHORT), role="first turn")
    messages = [choice["message"].value for choice in first.root["choices"]]
    if not messages or not isinstance(messages[0], dict):
        raise SetupFailed("the first turn has no choices[0].message to send back")
    await ask(ask.body([user(SHORT), messages[0], user("And now in French.")]), role="second turn")


chat_case("chat.system", "a system message", [message("system", "You are brief."), user(SHORT)])
chat_case("chat.developer", "a long developer message", DEVELOPER, also=["developer", "role"])


@case("chat.content-parts", title="content as a string and in parts", requests=REQUESTS, tokens=REQUESTS * 64)
async def content_parts(ask: Ask) -> None:
    text = f"{ask.nonce()} in the middle {ask.nonce()}"
    string, parts = ask.body(repeat(text), 64), [{"type": "text", "text": part} for part in (repeat(""), text)]
    in_parts = ask.body([user(parts)], 64)
    await compare(
        ask,
        ("string", lambda role: ask(string, role=role, expect=text)),
        ("parts", lambda role: ask(in_parts, role=role, expect=text)),
        key=lambda view: text in whole_text(view),
        doubtful=lambda _, view: text not in whole_text(view),
    )


chat_case("chat.user", "the name of an end user", SHORT, 16, user="tester-1")
chat_case("chat.long-system", "a long system message", [message("system", NOTES), user(SHORT)])
chat_case("chat.long-history", "two long messages in earlier turns", HISTORY)


@case("chat.parts", title="messages in parts, each asked back", requests=4 * TRIES, tokens=4 * TRIES * 32)
async def parts(ask: Ask) -> None:
    word = ask.nonce()
    hidden_in = {
        "part 2 of a system message": [in_parts("system", "You are brief.", repeat(word)), in_parts("user", "Go on.")],
        "part 2 of an assistant message": [
            in_parts("user", "Hello."),
            in_parts("assistant", "Hello.", f"My word is {word}."),
            in_parts("user", REPEAT_LAST),
        ],
    }
    for what, turns in hidden_in.items():
        await ask_back(ask, word, what, ask.body(turns), ask.body([joined(turn) for turn in turns]))


@case("chat.turns", title="a conversation of several turns, asked back", requests=2 * TRIES, tokens=64 * TRIES)
async def turns(ask: Ask) -> None:
    word = ask.nonce()
    first, later = f"My word is {word}.", [message("assistant", "I will remember."), user(REPEAT_FIRST)]
    control = ask.body(f"My first message is: {first} {REPEAT_FIRST}")
    await ask_back(ask, word, "an earlier message", ask.body([user(first), *later]), control)


@case("chat.system-word", title="a system message, asked back", requests=2 * TRIES, tokens=2 * TRIES * 32)
async def system_word(ask: Ask) -> None:
    word = ask.nonce()
    instructed = ask.body([message("system", repeat(word)), user("Go on.")], 32)
    await ask_back(ask, word, "a system message", instructed, ask.body(repeat(word), 32))


@case("chat.name", title="a message with the name of its author, and without", requests=2, tokens=32, features=["name"])
async def name(ask: Ask) -> None:
    await ask(ask.body([{**user(SHORT), "name": NAME}], 16), role="with name")
    await ask(ask.body(SHORT, 16), role="without name")


@case("chat.nulls", title="parameters that are null", tokens=16)
async def nulls(ask: Ask) -> None:
    await ask(ask.body(SHORT, 16, **dict.fromkeys(("stream", "n", "temperature", "top_p", "stop", "seed"))))


chat_case("chat.sampling", "sampling parameters", SHORT, 16, **SAMPLING)


@case(
    "chat.image",
    title="a picture in the question, and the question alone",
    requests=2,
    tokens=64,
    features=[PICTURES, "image", "content"],
)
async def image(ask: Ask) -> None:
    text = {"type": "text", "text": "What colour is this picture?"}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED_PIXEL}"}}
    await ask(ask.body([user([text, picture])]), role="with image")
    await ask(ask.body([user([text])]), role="without image")
