"""`contract ready` is READY on the fake, and NOT READY by the right finding for each form that breaks a client."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from contract_tests.ready.arrival import State, Witness
from contract_tests.ready.asking import cases_of
from contract_tests.ready.effects import Effect
from contract_tests.ready.seen import APIS, expand, load_client
from contract_tests.ready.verdict import Readiness, grouped, weigh
from contract_tests.run.outcome import RunReport
from contract_tests.run.run import Options, run
from fake_server import FakeServer

Fault = Mapping[str, Any]
PYTHON, NODE, LANGCHAIN = "openai-python", "openai-node", "langchain"
AGENTS, AI, CODEX = "agents-sdk", "ai-sdk", "codex"
CLIENTS = (PYTHON, NODE, LANGCHAIN, AGENTS, AI, CODEX)


def drop(*kinds: str) -> list[Fault]:
    return [{"fault": "drop-events", "of": kind} for kind in kinds]


def change(at: str = "$", **how: Any) -> list[Fault]:
    return [{"fault": "json", "at": at, **how}]


def at_end(**how: Any) -> list[Fault]:
    return change("$.response", of="response.completed", **how)


def ended(status: str, **members: Any) -> list[Fault]:
    renamed = {"fault": "rewrite", "find": "response.completed", "by": f"response.{status}"}
    return [*at_end(set={"status": status, **members}), renamed]


def inserted(text: str, after: int = 3) -> list[Fault]:
    return [{"fault": "insert-event", "text": text, "after": after}]


def each(found: str, but: str = "") -> dict[str, str]:
    """The same finding for every client, or for all but one."""
    return {name: found for name in CLIENTS if name != but}


OTHER = {"text": "Another text."}
CHAT_USAGE = {"total_tokens": 10, "prompt_tokens": 9, "completion_tokens": 1}
BEGINS, ANNOUNCED, BRACKETS, TEXT, OUTPUT, ENDS, FAILS, TYPED = (
    f"responses.stream.{name}"
    for name in (
        *("begins", "announced", "part-brackets", "text-agrees", "output-agrees", "ends-once", "fails-well", "typed"),
    )
)
ITEM, OBJECT = "responses.stream.item-closes", "responses.object"
FORMS: dict[str, tuple[str | Sequence[Fault], dict[str, str]]] = {
    "no created": (drop("response.created"), {PYTHON: BEGINS, NODE: BEGINS}),
    "no created, as LiteLLM": ("litellm-responses-without-created", {PYTHON: BEGINS, NODE: BEGINS}),
    "no output_item.added": (
        drop("response.output_item.added"),
        {PYTHON: ANNOUNCED, NODE: ANNOUNCED, AI: ANNOUNCED},
    ),
    "no output_item.done": (drop("response.output_item.done"), {CODEX: ITEM}),
    "nothing closed, as CLIProxyAPI": ("cliproxyapi-no-done-events", {CODEX: ITEM}),
    "no text deltas": (drop("response.output_text.delta"), each(TEXT, but=CODEX)),
    "no text deltas, as codex-lb": ("codex-lb-no-text-deltas", each(TEXT, but=CODEX)),
    "no content parts": (
        drop("response.content_part.added", "response.content_part.done"),
        {PYTHON: BRACKETS, NODE: BRACKETS},
    ),
    "no indices, no item_id": (
        change(remove=["output_index", "content_index", "item_id"]),
        {PYTHON: ANNOUNCED, NODE: ANNOUNCED, AI: ANNOUNCED},
    ),
    "no indices, as llama.cpp": (
        "llamacpp-responses-events-without-indices",
        {PYTHON: ANNOUNCED, NODE: ANNOUNCED, AI: ANNOUNCED},
    ),
    "item ids null": (
        [
            *change(where="$.item_id", set={"item_id": None}),
            *change("$.item", set={"id": None}),
            *change("$.response.output[*]", set={"id": None}),
        ],
        {NODE: "responses.item-ids", AI: "responses.item-ids"},
    ),
    "terminal output empty": (at_end(set={"output": []}), {PYTHON: OUTPUT, NODE: OUTPUT}),
    "terminal output empty, as Codex": ("codex-backend-terminal-output-empty", {PYTHON: OUTPUT, NODE: OUTPUT}),
    "item text is not the deltas": (
        [*change("$.item.content[*]", set=OTHER), *change("$.response.output[*].content[*]", set=OTHER)],
        {PYTHON: TEXT, NODE: TEXT, AGENTS: TEXT, CODEX: TEXT},
    ),
    "usage null": (at_end(set={"usage": None}), {}),
    "usage in chat names": (
        at_end(set={"usage": CHAT_USAGE}),
        {AI: "responses.no-chat", CODEX: "responses.no-chat"},
    ),
    "terminal response without id": (at_end(remove=["id"]), {PYTHON: OBJECT, NODE: OBJECT, CODEX: OBJECT}),
    "no terminal event": (drop("response.completed"), each(ENDS)),
    "no terminal event, as CLIProxyAPI": ("cliproxyapi-closed-before-completed", each(ENDS)),
    "failed with an error": (
        [{"fault": "error-event", "failed": True, "after_events": 5}],
        each("the answer ends as failed: server_error: The server"),
    ),
    "failed with null": (ended("failed", error=None, output=[]), each(FAILS)),
    "an error event alone": ([{"fault": "error-event", "after_events": 5}], each("relations.accepted")),
    "incomplete": (
        ended("incomplete", incomplete_details={"reason": "max_output_tokens"}),
        dict.fromkeys((PYTHON, AGENTS, CODEX), "the answer ends as incomplete: max_output_tokens"),
    ),
    "events without a type": ("cursor2api-responses-events-flat", each(TYPED)),
    "chunks of a chat": ("g4f-responses-stream-is-chat", each(TYPED)),
    # what no client was seen to break on
    "[DONE]": (inserted("data: [DONE]\n\n", -1), {}),
    "no sequence numbers": (change(remove=["sequence_number"]), {}),
    "no event fields": ([{"fault": "rewrite", "find": "event: ", "by": ": "}], {}),
    "wrong event fields": ([{"fault": "rewrite", "find": "event: response", "by": "event: other"}], {}),
    "an extension": (inserted('event: vendor.note\ndata: {"type": "vendor.note"}\n\n'), {}),
    "usage without details": (
        change("$.response.usage", remove=["input_tokens_details", "output_tokens_details"]),
        {},
    ),
}
"""The forms of the measured table: faults or a known bug, and the finding that stops each client, if one does."""


def play(fake: FakeServer, form: str | Sequence[Fault], **more: Any) -> None:
    """Have a fake go wrong by a known bug or by faults."""
    if isinstance(form, str):
        fake.bug(form, **more)
        return
    for fault in form:
        fake.fault(**fault, **more)


def ask(form: str | Sequence[Fault], names: Sequence[str] = ("stream",), client: str = PYTHON) -> RunReport:
    """The report on some requests of a client to a fake that goes wrong in one way."""
    with FakeServer([], seed=1, plain=True) as fake:
        play(fake, form)
        cases = [case for case in cases_of(load_client(client), "responses") if case.id.partition(".")[2] in names]
        return asyncio.run(run(Options(fake.base_url, concurrency=1), cases=cases, path=APIS["responses"]))


def stops(readiness: Readiness) -> list[str]:
    return list(grouped(readiness.of(Effect.STOPS)))


@pytest.mark.parametrize("form", FORMS)
def test_each_broken_form_stops_the_clients_that_it_breaks(form: str) -> None:
    faults, expected = FORMS[form]
    report = ask(faults)
    for name in CLIENTS:
        readiness = weigh(load_client(name), "responses", report)
        if name in expected:
            assert any(found.startswith(expected[name]) for found in stops(readiness)), (name, stops(readiness))
            assert readiness.exit_code == 1
        else:
            assert stops(readiness) == [], name
            assert readiness.exit_code == 0


@pytest.mark.parametrize("seed", [None, 2, 3])
@pytest.mark.parametrize("name", CLIENTS)
def test_the_fake_carries_each_client(name: str, seed: int | None) -> None:
    client = load_client(name)
    with FakeServer([], seed=seed or 1, plain=seed is None) as fake:
        for api in client.requests:
            path = APIS[api]
            witness = Witness(client, api)
            cases = [*cases_of(client, api), *witness.cases()]
            report = asyncio.run(run(Options(fake.base_url), cases=cases, path=path))
            readiness = weigh(client, api, report, witness.found)
            assert list(readiness.obstacles) == [], (api, grouped(readiness.obstacles))
            assert {arrival.state for arrival in witness.found} == {State.ARRIVED}, witness.found
            assert readiness.exit_code == 0
        sent = [request.json for request in fake.requests if request.path.endswith(tuple(APIS.values()))]
    seen = [expand(each.body) for requests in client.requests.values() for each in requests if not each.after]
    texts = [json.dumps({**body, "model": ""}, sort_keys=True) for body in sent]
    assert not Counter(json.dumps({**body, "model": ""}, sort_keys=True) for body in seen) - Counter(texts)
