"""Sections formats and logprobs: what an answer is written in, and how sure the model is of it."""

from __future__ import annotations

from contract_tests.cases.prompts import SHORT
from contract_tests.target.ask import Ask
from contract_tests.target.case import case

INVENT = "Give me a JSON object with the keys name and age of an invented person."
JSON_OBJECT = {"type": "json_object"}
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
OBJECT, SCHEMA = ("response_format", "json_object"), ("response_format", "json_schema")
LOGPROBS = ("logprobs", "top_logprobs")


@case("formats.json-object", title="a JSON object", tokens=200, features=OBJECT)
async def json_object(ask: Ask) -> None:
    await ask(ask.body(INVENT, 200, response_format=JSON_OBJECT))


@case("formats.stream-json-object", title="a JSON object, streamed", tokens=200, features=OBJECT)
async def stream_json_object(ask: Ask) -> None:
    await ask(ask.body(INVENT, 200, response_format=JSON_OBJECT, stream=True), role="stream")


@case("formats.json-schema", title="an object of a schema", tokens=200, features=SCHEMA)
async def json_schema(ask: Ask) -> None:
    await ask(ask.body("Invent a person.", 200, response_format=PERSON))


@case("formats.stream-json-schema", title="an object of a schema, streamed", tokens=200, features=SCHEMA)
async def stream_json_schema(ask: Ask) -> None:
    await ask(ask.body("Invent a person.", 200, response_format=PERSON, stream=True), role="stream")


@case("formats.text", title="response_format text", tokens=16, features=["response_format"])
async def text(ask: Ask) -> None:
    await ask(ask.body(SHORT, 16, response_format={"type": "text"}))


@case("logprobs.dict", title="log probabilities", tokens=8, features=LOGPROBS)
async def logprobs(ask: Ask) -> None:
    await ask(ask.body(SHORT, 8, logprobs=True, top_logprobs=2))


@case("logprobs.stream", title="log probabilities, streamed", tokens=8, features=LOGPROBS)
async def stream_logprobs(ask: Ask) -> None:
    await ask(ask.body(SHORT, 8, logprobs=True, top_logprobs=2, stream=True), role="stream")


@case("logprobs.without-top", title="log probabilities, the chosen tokens alone", tokens=8, features=LOGPROBS)
async def without_top(ask: Ask) -> None:
    await ask(ask.body(SHORT, 8, logprobs=True))
