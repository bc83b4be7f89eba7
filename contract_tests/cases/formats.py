"""Sections formats and logprobs: what an answer is written in, and how sure the model is of it."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.prompts import SHORT
from contract_tests.target.case import chat_case

INVENT = "Give me a JSON object with the keys name and age of an invented person."
PERSON: dict[str, Any] = {
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
OBJECT: dict[str, Any] = {"response_format": {"type": "json_object"}, "also": ["json_object"]}
SCHEMA: dict[str, Any] = {"response_format": PERSON, "also": ["json_schema"]}
_LOOSELY = {**PERSON["json_schema"], "strict": False}
LOOSE: dict[str, Any] = {"response_format": {**PERSON, "json_schema": _LOOSELY}, "also": ["json_schema"]}

chat_case("formats.json-object", "a JSON object", INVENT, 200, **OBJECT)
chat_case("formats.stream-json-object", "a JSON object, streamed", INVENT, 200, **OBJECT, stream=True)
chat_case("formats.json-schema", "an object of a schema that is not strict", "Invent a person.", 200, **LOOSE)
chat_case(
    "formats.stream-json-schema", "an object of a schema, streamed", "Invent a person.", 200, **SCHEMA, stream=True
)
chat_case("formats.text", "response_format text", SHORT, 16, response_format={"type": "text"})

TWO: dict[str, Any] = {"logprobs": True, "top_logprobs": 2}
TOKENS_ALONE = "log probabilities, the chosen tokens alone"

chat_case("logprobs.dict", "log probabilities", SHORT, 8, **TWO)
chat_case("logprobs.stream", "log probabilities, streamed", SHORT, 8, **TWO, stream=True)
chat_case("logprobs.without-top", TOKENS_ALONE, SHORT, 8, logprobs=True, also=["top_logprobs"])
