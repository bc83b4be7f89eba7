"""Section errors: requests that are to be refused."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.cases.prompts import SHORT, user
from contract_tests.rules.errors.provoked import NO_SUCH_MODEL, NO_SUCH_PATH
from contract_tests.target.ask import CHAT, COMPLETIONS, EMBEDDINGS, Ask
from contract_tests.target.case import case
from contract_tests.target.errors import NotReached


async def _refused(ask: Ask, body: dict[str, Any]) -> None:
    await ask(body, role="refusal", valid=False)


@case("errors.bad-json", title="a body that is not JSON")
async def bad_json(ask: Ask) -> None:
    await ask.raw("POST", CHAT, b'{"model": "gpt-3.5-turbo", "messages": [', role="refusal")


@case("errors.missing-messages", title="no messages")
async def missing_messages(ask: Ask) -> None:
    await _refused(ask, {"model": ask.model})


@case("errors.empty-messages", title="an empty list of messages")
async def empty_messages(ask: Ask) -> None:
    await _refused(ask, {"model": ask.model, "messages": []})


@case("errors.wrong-messages", title="messages that are no list")
async def wrong_messages(ask: Ask) -> None:
    await _refused(ask, {"model": ask.model, "messages": "hello"})


@case("errors.unknown-model", title="a model that does not exist", tokens=8)
async def unknown_model(ask: Ask) -> None:
    await _refused(ask, ask.body(SHORT, 8, model=f"{NO_SUCH_MODEL}-{ask.nonce()}"))


@case("errors.wrong-method", title="PUT where there is none")
async def wrong_method(ask: Ask) -> None:
    await ask.raw("PUT", CHAT, role="refusal")  # GET lists the stored completions


@case("errors.unknown-path", title="a path that does not exist")
async def unknown_path(ask: Ask) -> None:
    await ask.raw("GET", f"/{NO_SUCH_PATH}-{ask.nonce()}", role="refusal")


@case("errors.stream-bad-json", title="a body that is not JSON, to be streamed")
async def stream_bad_json(ask: Ask) -> None:
    await ask.raw("POST", CHAT, b'{"stream": true, "model": "gpt-3.5-turbo", "messages": [', role="refusal")


@case("errors.stream-missing-messages", title="no messages, to be streamed")
async def stream_missing_messages(ask: Ask) -> None:
    await _refused(ask, {"model": ask.model, "stream": True})


@case("errors.stream-empty-messages", title="an empty list of messages, to be streamed")
async def stream_empty_messages(ask: Ask) -> None:
    await _refused(ask, {"model": ask.model, "messages": [], "stream": True})


@case("errors.stream-wrong-messages", title="messages that are no list, to be streamed")
async def stream_wrong_messages(ask: Ask) -> None:
    await _refused(ask, {"model": ask.model, "messages": {"role": "user"}, "stream": True})


@case("errors.stream-unknown-model", title="a model that does not exist, to be streamed", tokens=8)
async def stream_unknown_model(ask: Ask) -> None:
    await _refused(ask, ask.body(SHORT, 8, model=f"{NO_SUCH_MODEL}-{ask.nonce()}", stream=True))


@case("errors.missing-model", title="no model")
async def missing_model(ask: Ask) -> None:
    await _refused(ask, {"messages": [user(SHORT)], "max_tokens": 8})


@case("errors.wrong-type", title="a temperature that is text", tokens=8)
async def wrong_type(ask: Ask) -> None:
    await _refused(ask, ask.body(SHORT, 8, temperature="warm"))


@case("errors.wrong-role", title="a message of a role that does not exist", tokens=8)
async def wrong_role(ask: Ask) -> None:
    await _refused(ask, ask.body([{"role": "wizard", "content": SHORT}], 8))


@case("errors.out-of-range", title="a temperature of 99", tokens=8)
async def out_of_range(ask: Ask) -> None:
    await _refused(ask, ask.body(SHORT, 8, temperature=99))


@case("errors.completions-unknown-model", title="a text completion of a model that does not exist", tokens=8)
async def completions_unknown_model(ask: Ask) -> None:
    body = {"model": f"{NO_SUCH_MODEL}-{ask.nonce()}", "prompt": "Once", "max_tokens": 8}
    await ask(body, path=COMPLETIONS, role="refusal", valid=False)


@case("errors.embeddings-unknown-model", title="an embedding of a model that does not exist")
async def embeddings_unknown_model(ask: Ask) -> None:
    body = {"model": f"{NO_SUCH_MODEL}-{ask.nonce()}", "input": "a tree"}
    await ask(body, path=EMBEDDINGS, role="refusal", valid=False)


@case("errors.keys", title="no key, and a key that is not the target's", requests=2, tokens=16)
async def keys(ask: Ask) -> None:
    if not ask.session.options.api_key:
        raise NotReached("the run has no key, so none can be missing or wrong")
    body = json.dumps(ask.body(SHORT, 8)).encode()
    wrong = f"Bearer sk-wrong-{ask.nonce()}"
    await ask.raw("POST", CHAT, body, [("Authorization", None)], role="no key", keyless=True)
    await ask.raw("POST", CHAT, body, [("Authorization", wrong)], role="wrong key", keyless=True)
