"""Sections responses and responses.stream: the API of items, answered with one object or with events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from contract_tests.cases.compare import ask_back
from contract_tests.cases.formats import INVENT, PERSON
from contract_tests.cases.prompts import (
    BOOKING,
    CLOCK,
    LONG,
    NOTES,
    REPEAT_FIRST,
    SHORT,
    UNUSUAL,
    WEATHER,
    message,
    repeat,
    user,
)
from contract_tests.cases.tools import QUESTION, TABLE, TWO
from contract_tests.rules.errors.mistakes import NO_SUCH_MODEL
from contract_tests.rules.relations.arrival import TRIES
from contract_tests.rules.relations.said import said_in
from contract_tests.target.ask import Ask, Body
from contract_tests.target.case import case, request_case
from contract_tests.target.endpoints import RESPONSES
from contract_tests.target.errors import NotReached, SetupFailed
from contract_tests.target.support import fits_a_path

FUNCTIONS = [{"type": "function", **tool["function"], "strict": False} for tool in (WEATHER, CLOCK)]
NAMED = {"type": "function", "name": "get_time"}
STRICT = [{"type": "function", **BOOKING["function"]}]
NOTE = {"type": "custom", "name": "take_note", "description": "Writes down a text, as it is."}
CUSTOM: dict[str, Any] = {"tools": [NOTE], "tool_choice": {"type": "custom", "name": "take_note"}, "also": ["custom"]}
REQUIRED: dict[str, Any] = {"tools": FUNCTIONS, "tool_choice": "required", "also": ["required"]}
_SCHEMA = {"type": "json_schema", **PERSON["json_schema"]}
SCHEMA: dict[str, Any] = {"text": {"format": _SCHEMA}, "also": ["format", "json_schema"]}
OBJECT: dict[str, Any] = {"text": {"format": {"type": "json_object"}}, "also": ["format", "json_object"]}
ENCRYPTED = "reasoning.encrypted_content"
THINKING: dict[str, Any] = {
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": [ENCRYPTED],
    "also": ["effort", "summary", ENCRYPTED],
}
LEAST = 16
"""The least limit that OpenAI takes."""


def make_body(ask: Ask, given: str | Sequence[Any], tokens: int = 32, **more: Any) -> dict[str, Any]:
    """A request for a Response: `given` is the input, `tokens` the limit. Nothing is stored but what is asked to be."""
    return {"model": ask.model, "input": given, "max_output_tokens": tokens, "store": False, **more}


def response_case(
    case_id: str, title: str, given: str | Sequence[Any], tokens: int = 32, *, also: Iterable[str] = (), **more: Any
) -> None:
    """Register a case of one request for a Response, about the parameters in `more` and the features `also`."""

    def body_of(ask: Ask) -> Body:
        return make_body(ask, given, tokens, **more)

    request_case(case_id, title, body_of, tokens, (*more, *also), path=RESPONSES)


def echo_case(case_id: str, title: str, **more: Any) -> None:
    """Register a case of a text that is easily lost and is to be repeated."""

    async def play(ask: Ask) -> None:
        text = f"{ask.nonce()} {UNUSUAL} {ask.nonce()}"
        role = "stream" if more.get("stream") else "dict"
        await ask(make_body(ask, repeat(text), 160, **more), path=RESPONSES, role=role, expect=text)

    case(case_id, title=title, tokens=160)(play)


def two_calls_case(case_id: str, title: str, **more: Any) -> None:
    """Register a case that asks for two calls at once, which cannot be judged where the model makes one."""

    async def play(ask: Ask) -> None:
        body = make_body(ask, TWO, 200, tools=FUNCTIONS, tool_choice="required", parallel_tool_calls=True, **more)
        view = await ask(body, path=RESPONSES, role="stream" if more.get("stream") else "dict")
        said = said_in(view)
        if not said or len(said.calls) < 2:
            raise NotReached("two calls were asked for, and fewer came")

    case(case_id, title=title, tokens=200, features=("tools", "tool_choice", "required", "parallel_tool_calls"))(play)


# -- one object

response_case("responses.short", "a response", SHORT)


@case("responses.plain", title="the shortest request for a response", requests=2, tokens=32)
async def plain(ask: Ask) -> None:
    view = await ask({"model": ask.model, "input": SHORT, "max_output_tokens": 32}, path=RESPONSES)
    said = said_in(view)
    name = said.root["id"].text if said else ""
    if fits_a_path(name):  # it may be stored, as it is where nobody says otherwise
        ask.views.remove(await ask.raw("DELETE", f"{RESPONSES}/{name}", role="tidied up"))


echo_case("responses.unusual-text", "unusual text, repeated in a response")


@case("responses.instructions", title="instructions, asked back", requests=2 * TRIES, tokens=2 * TRIES * 32)
async def instructions(ask: Ask) -> None:
    word = ask.nonce()
    instructed = make_body(ask, "Go on.", instructions=repeat(word))
    await ask_back(ask, word, "instructions", instructed, make_body(ask, repeat(word)), RESPONSES)


@case("responses.turns", title="earlier turns in the input, asked back", requests=2 * TRIES, tokens=2 * TRIES * 32)
async def turns(ask: Ask) -> None:
    word = ask.nonce()
    first = f"My word is {word}."
    given = [user(first), message("assistant", "I will remember."), user(REPEAT_FIRST)]
    control = make_body(ask, f"My first message is: {first} {REPEAT_FIRST}")
    await ask_back(ask, word, "an earlier message of the input", make_body(ask, given), control, RESPONSES)


@case("responses.parts", title="input in parts, asked back", requests=2 * TRIES, tokens=2 * TRIES * 32)
async def parts(ask: Ask) -> None:
    word = ask.nonce()
    given = [{"type": "input_text", "text": text} for text in (repeat(""), word)]
    control = make_body(ask, repeat(word))
    await ask_back(ask, word, "part 2 of an input message", make_body(ask, [user(given)]), control, RESPONSES)


response_case(
    "responses.developer", "a response after a long developer message", [message("developer", NOTES), user(SHORT)]
)


@case(
    "responses.max-output-tokens",
    title="a response cut by max_output_tokens",
    tokens=LEAST,
    features=["max_output_tokens"],
)
async def max_output_tokens(ask: Ask) -> None:
    await ask(make_body(ask, LONG, LEAST), path=RESPONSES)


response_case(
    "responses.sampling",
    "sampling parameters and metadata",
    SHORT,
    temperature=0.5,
    top_p=0.9,
    metadata={"topic": "trees"},
)
NULLS: dict[str, Any] = dict.fromkeys(("instructions", "temperature", "top_p", "previous_response_id", "metadata"))
response_case("responses.nulls", "parameters of a response that are null", SHORT, **NULLS)
response_case("responses.call", "a function called in a response", QUESTION, 200, **REQUIRED)
response_case("responses.call-auto", "functions that may be called", QUESTION, 200, tools=FUNCTIONS, tool_choice="auto")
response_case("responses.call-named", "one function named", QUESTION, 200, tools=FUNCTIONS, tool_choice=NAMED)
response_case("responses.call-none", "functions not to be called", QUESTION, 64, tools=FUNCTIONS, tool_choice="none")
two_calls_case("responses.calls", "two functions called at once")
response_case(
    "responses.call-strict", "a strict function", TABLE, 200, tools=STRICT, tool_choice="required", also=["strict"]
)
response_case("responses.call-custom", "a custom tool called", "Note that the tree is old.", 200, **CUSTOM)
response_case("responses.json-object", "a response that is a JSON object", INVENT, 200, **OBJECT)
response_case("responses.json-schema", "a response of a schema", "Invent a person.", 200, **SCHEMA)
response_case("responses.reasoning", "a response with reasoning, sealed", SHORT, 400, **THINKING)
response_case(
    "responses.logprobs",
    "a response with log probabilities",
    SHORT,
    include=["message.output_text.logprobs"],
    top_logprobs=2,
    also=["message.output_text.logprobs"],
)

# -- events

response_case("responses.stream.short", "a response, streamed", SHORT, stream=True)
echo_case("responses.stream.unusual-text", "unusual text, repeated in a streamed response", stream=True)


@case(
    "responses.stream.max-output-tokens",
    title="a streamed response cut by max_output_tokens",
    tokens=LEAST,
    features=["max_output_tokens"],
)
async def stream_max_output_tokens(ask: Ask) -> None:
    await ask(make_body(ask, LONG, LEAST, stream=True), path=RESPONSES, role="stream")


response_case("responses.stream.instructions", "instructions, streamed", "Go on.", instructions=NOTES, stream=True)
response_case("responses.stream.call", "a function called, in events", QUESTION, 200, **REQUIRED, stream=True)
two_calls_case("responses.stream.calls", "two functions called at once, in events", stream=True)
response_case(
    "responses.stream.call-custom", "a custom tool called, in events", "Note that it rains.", 200, **CUSTOM, stream=True
)
response_case("responses.stream.json-schema", "a streamed response of a schema", INVENT, 200, **SCHEMA, stream=True)
response_case("responses.stream.reasoning", "a streamed response with reasoning", SHORT, 400, **THINKING, stream=True)


# -- what a client sends back


def results_of(view: Any) -> list[Any]:
    """The output of a Response with the results of its calls. Raises SetupFailed where it calls nothing."""
    value = view.root["output"].value if view.is_dict else None
    output = value if isinstance(value, list) else []
    called = [item for item in output if isinstance(item, dict) and item.get("type") == "function_call"]
    if not called or not all(isinstance(item.get("call_id"), str) for item in called):
        raise SetupFailed("the first turn has no function call with a call_id to answer")
    result = json.dumps({"sky": "clear", "degrees": 7})
    return [
        *output,
        *({"type": "function_call_output", "call_id": item["call_id"], "output": result} for item in called),
    ]


@case(
    "responses.tool-result",
    title="a function's result sent back",
    requests=2,
    tokens=400,
    features=("tools", "tool_choice", "required", "function_call_output"),
)
async def tool_result(ask: Ask) -> None:
    offered = {"tools": FUNCTIONS, "tool_choice": "required"}
    first = await ask(make_body(ask, QUESTION, 200, **offered), path=RESPONSES, role="call")
    given = [user(QUESTION), *results_of(first)]
    await ask(make_body(ask, given, 200, tools=FUNCTIONS), path=RESPONSES, role="answer")


@case("responses.own-output", title="its own output sent back", requests=2, tokens=64)
async def own_output(ask: Ask) -> None:
    first = await ask(make_body(ask, SHORT), path=RESPONSES, role="first turn")
    output = first.root["output"].value if first.is_dict else None
    if not isinstance(output, list) or not output:
        raise SetupFailed("the first turn has no output to send back")
    await ask(make_body(ask, [user(SHORT), *output, user("And now in French.")]), path=RESPONSES, role="second turn")


@case(
    "responses.sealed-reasoning",
    title="its own sealed reasoning sent back",
    requests=2,
    tokens=800,
    features=("reasoning", "effort", "include", ENCRYPTED),
)
async def sealed_reasoning(ask: Ask) -> None:
    thinking = {"reasoning": {"effort": "low"}, "include": [ENCRYPTED]}
    first = await ask(make_body(ask, SHORT, 400, **thinking), path=RESPONSES, role="first turn")
    output = first.root["output"].value if first.is_dict else None
    if not isinstance(output, list) or not any(item.text_of("type") == "reasoning" for item in first.root["output"]):
        raise NotReached("the first turn has no reasoning to send back")
    given = [user(SHORT), *output, user("And now in French.")]
    await ask(make_body(ask, given, 400, **thinking), path=RESPONSES, role="second turn")


# -- what is to be refused


def refusals(case_id: str, title: str, *wrong: dict[str, Any]) -> None:
    """Register a case of requests that are to be refused, each with other members."""

    async def play(ask: Ask) -> None:
        for number, members in enumerate(wrong, start=1):
            body = {**make_body(ask, SHORT, LEAST), **members}
            sent = {name: value for name, value in body.items() if value is not _LEFT_OUT}
            if members.get("model") == NO_SUCH_MODEL:
                sent["model"] = f"{NO_SUCH_MODEL}-{ask.nonce()}"
            await ask(sent, path=RESPONSES, role=f"refusal {number}", valid=False)

    case(case_id, title=title, requests=len(wrong), tokens=LEAST * len(wrong))(play)


_LEFT_OUT = object()
refusals(
    "responses.unknown-model",
    "a response of a model that does not exist, as object and as events",
    {"model": NO_SUCH_MODEL},
    {"model": NO_SUCH_MODEL, "stream": True},
)
refusals("responses.no-input", "no input, and one that is a number", {"input": _LEFT_OUT}, {"input": 7})
refusals(
    "responses.wrong-values",
    "five values that a response cannot have",
    {"temperature": 99},
    {"temperature": "warm"},
    {"max_output_tokens": 1},
    {"tool_choice": "required"},
    {"text": {"format": {"type": "no-such-format"}}},
)
refusals(
    "responses.unknown-call",
    "the result of a call that nobody made",
    {"input": [user(SHORT), {"type": "function_call_output", "call_id": "call_no_such_call", "output": "7"}]},
)
