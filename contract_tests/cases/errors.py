"""Section errors: requests that are to be refused."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.cases.prompts import CLOCK, SHORT, message, user
from contract_tests.rules.errors.mistakes import NO_SUCH_MEMBER, NO_SUCH_MODEL, NO_SUCH_PATH
from contract_tests.target.ask import Ask, Body
from contract_tests.target.case import case, request_case
from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS
from contract_tests.target.errors import NotReached

ASKED: dict[str, Any] = {"messages": [user(SHORT)], "max_tokens": 8}


def refusal(case_id: str, title: str, path: str = CHAT, *, known: bool = True, **members: Any) -> None:
    """Register a case of one request that is to be refused; its model is `known` or does not exist."""

    def make_body(ask: Ask) -> Body:
        return {"model": ask.model if known else f"{NO_SUCH_MODEL}-{ask.nonce()}", **members}

    request_case(case_id, title, make_body, members.get("max_tokens", 0), path=path, refused=True)


@case("errors.bad-json", title="a body that is not JSON")
async def bad_json(ask: Ask) -> None:
    await ask.raw("POST", CHAT, b'{"model": "gpt-3.5-turbo", "messages": [', role="refusal")


refusal("errors.missing-messages", "no messages")
refusal("errors.empty-messages", "an empty list of messages", messages=[])
refusal("errors.wrong-messages", "messages that are no list", messages="hello")
refusal("errors.unknown-model", "a model that does not exist", known=False, **ASKED)


@case("errors.wrong-method", title="PUT where there is none")
async def wrong_method(ask: Ask) -> None:
    await ask.raw("PUT", CHAT, role="refusal")  # GET lists the stored completions


@case("errors.unknown-path", title="a path that does not exist")
async def unknown_path(ask: Ask) -> None:
    await ask.raw("GET", f"/{NO_SUCH_PATH}-{ask.nonce()}", role="refusal")


@case("errors.stream-bad-json", title="a body that is not JSON, to be streamed")
async def stream_bad_json(ask: Ask) -> None:
    await ask.raw("POST", CHAT, b'{"stream": true, "model": "gpt-3.5-turbo", "messages": [', role="refusal")


refusal("errors.stream-missing-messages", "no messages, to be streamed", stream=True)
refusal("errors.stream-empty-messages", "an empty list of messages, to be streamed", messages=[], stream=True)
refusal(
    "errors.stream-wrong-messages", "messages that are no list, to be streamed", messages={"role": "user"}, stream=True
)
refusal("errors.stream-unknown-model", "a model that does not exist, to be streamed", known=False, **ASKED, stream=True)
request_case("errors.missing-model", "no model", lambda _: ASKED, 0, refused=True)
refusal("errors.wrong-type", "a temperature that is text", **ASKED, temperature="warm")
refusal(
    "errors.wrong-role", "a message of a role that does not exist", messages=[message("wizard", SHORT)], max_tokens=8
)
refusal("errors.out-of-range", "a temperature of 99", **ASKED, temperature=99)


def refusals(case_id: str, title: str, *wrong: dict[str, Any]) -> None:
    """Register a case of chat requests that are to be refused, each with other wrong members."""

    async def play(ask: Ask) -> None:
        for number, members in enumerate(wrong, start=1):
            await ask({"model": ask.model, **ASKED, **members}, role=f"refusal {number}", valid=False)

    case(case_id, title=title, requests=len(wrong), tokens=8 * len(wrong))(play)


refusals("errors.no-tokens", "a limit of 0 tokens, and of -1", {"max_tokens": 0}, {"max_tokens": -1})
refusals(
    "errors.tool-choice",
    "a tool to be called where there is none, and a tool_choice that does not exist",
    {"tool_choice": "required"},
    {"tool_choice": "required", "tools": []},
    {"tool_choice": "no-such-choice", "tools": [CLOCK]},
)


def _described(**members: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": members}}


SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False, "required": []}
refusals(
    "errors.response-format",
    "seven forms of response_format that are wrong",
    {"response_format": "json"},
    {"response_format": {"type": "no-such-format"}},
    {"response_format": {"type": "json_schema"}},
    _described(schema=SCHEMA),
    _described(name="answer"),
    _described(name="answer", schema=SCHEMA, strict="yes"),
    _described(name="answer", schema="no schema"),
)
refusals("errors.unknown-member", "a member that does not exist", {NO_SUCH_MEMBER: True})


@case("errors.plain-text", title="a body typed text/plain", tokens=8)
async def plain_text(ask: Ask) -> None:
    typed = [("Content-Type", "text/plain;charset=UTF-8")]  # what fetch() sends where nobody names a type
    await ask.raw("POST", CHAT, json.dumps(ask.body(SHORT, 8)).encode(), typed, role="refusal")


NO_COMPLETION = "a text completion of a model that does not exist"
refusal("errors.completions-unknown-model", NO_COMPLETION, COMPLETIONS, known=False, prompt="Once", max_tokens=8)
NO_EMBEDDING = "an embedding of a model that does not exist"
refusal("errors.embeddings-unknown-model", NO_EMBEDDING, EMBEDDINGS, known=False, input="a tree")


@case("errors.keys", title="no key, and a key that is not the target's", requests=3, tokens=24)
async def keys(ask: Ask) -> None:
    if not ask.session.options.api_key:
        raise NotReached("the run has no key, so none can be missing or wrong")
    body = json.dumps(ask.body(SHORT, 8)).encode()
    wrong = f"Bearer sk-wrong-{ask.nonce()}"
    await ask.raw("POST", CHAT, body, [("Authorization", None)], role="no key", keyless=True)
    await ask.raw("POST", CHAT, body, [("Authorization", wrong)], role="wrong key", keyless=True)
    await ask.raw("POST", CHAT, body, role="right key")
