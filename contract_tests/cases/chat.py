"""Section chat: chat completions that are answered with one dict."""

from __future__ import annotations

from contract_tests.cases.prompts import LONG, SHORT, UNUSUAL, repeat, user
from contract_tests.cases.registry import case
from contract_tests.running.asking import Ask
from contract_tests.running.seed import POEM_TOKENS, PROMPT
from contract_tests.running.trouble import SetupFailed


@case("chat.poem", title="poem, as the seed asks for it", tokens=POEM_TOKENS)
async def poem(ask: Ask) -> None:
    await ask({"model": ask.model, "messages": [user(PROMPT)]})


@case("chat.short", title="short answer", tokens=32)
async def short(ask: Ask) -> None:
    await ask(ask.body(SHORT, stream=False))


@case("chat.unusual-text", title="unusual text, repeated", tokens=160)
async def unusual_text(ask: Ask) -> None:
    text = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
    await ask(ask.body(repeat(text), 160), expect=text)


@case("chat.n", title="two choices", tokens=32, features=["n"])
async def two_choices(ask: Ask) -> None:
    await ask(ask.body(SHORT, 16, n=2))


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


@case("chat.stop", title="ended by a stop sequence", tokens=64, features=["stop"])
async def stop(ask: Ask) -> None:
    await ask(ask.body(repeat("one two three four five six"), 64, stop=["four"]))


@case("chat.logprobs", title="log probabilities", tokens=8, features=["logprobs", "top_logprobs"])
async def logprobs(ask: Ask) -> None:
    await ask(ask.body(SHORT, 8, logprobs=True, top_logprobs=2))


@case("chat.json-object", title="a JSON object", tokens=200, features=["response_format", "json_object"])
async def json_object(ask: Ask) -> None:
    asked = "Give me a JSON object with the keys name and age of an invented person."
    await ask(ask.body(asked, 200, response_format={"type": "json_object"}))


@case(
    "chat.json-schema", title="an object of a schema", tokens=200, features=["response_format", "json_schema"]
)
async def json_schema(ask: Ask) -> None:
    await ask(ask.body("Invent a person.", 200, response_format=PERSON))


PERSON = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        },
    },
}


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


@case("chat.developer", title="a developer message", tokens=32, features=["developer", "role"])
async def developer(ask: Ask) -> None:
    await ask(ask.body([{"role": "developer", "content": "You are brief."}, user(SHORT)]))


@case("chat.content-parts", title="content in parts", tokens=64)
async def content_parts(ask: Ask) -> None:
    text = f"{ask.nonce()} in the middle {ask.nonce()}"
    parts = [{"type": "text", "text": repeat("")}, {"type": "text", "text": text}]
    await ask(ask.body([user(parts)], 64), expect=text)


@case("chat.user", title="the name of an end user", tokens=16, features=["user"])
async def end_user(ask: Ask) -> None:
    await ask(ask.body(SHORT, 16, user="tester-1"))
