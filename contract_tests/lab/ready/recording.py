"""Records what a client sends: its driver, or a task of its own, asks the fake through the relay."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from contract_tests.lab.clients.driving import Driver
from contract_tests.lab.ready.tasks import FIRST, HELLO, MODEL, PROMPTS, TWO_STEPS, Tasks
from contract_tests.lab.suites.codex import run_task
from contract_tests.ready.seen import CALL_ID, RESPONSE_ID, SeenRequest, shorten_text
from fake_server import FakeServer
from fake_server.relay.relay import Relay
from fake_server.wire.exchange import Exchange

_OF_THE_CONNECTION = ("accept-encoding", "authorization", "connection", "content-length", "host", "transfer-encoding")
_OF_THE_MACHINE = ("x-stainless-arch", "x-stainless-os", "x-stainless-runtime-version", "traceparent")
_OF_THE_PROCESS = ("session", "conversation", "thread", "request-id", "installation", "turn")
"""Parts of the names of fields that have another value in every process, and are no part of what a client is."""


def record(
    drivers: Iterable[Driver], tasks: Mapping[str, Tasks], turns: Mapping[str, str] | None = None
) -> dict[str, tuple[SeenRequest, ...]]:
    """What the client and its helpers send for the tasks of each API: each different request once.

    `turns` says by task how the client goes on after a call, of which the second request is kept.
    """
    drivers = list(drivers)
    return {api: asyncio.run(_record_api(drivers, api, bodies, turns or {})) for api, bodies in tasks.items()}


async def _record_api(
    drivers: list[Driver], api: str, bodies: Tasks, turns: Mapping[str, str]
) -> tuple[SeenRequest, ...]:
    found: list[SeenRequest] = []
    for driver, (name, body) in product(drivers, bodies.items()):
        if name in turns:
            question = {"kind": api, "body": {"model": MODEL, **bodies[FIRST]}, "turn": turns[name]}
            first, second, *_ = await _exchanges_of(driver, name, question, [_TWO_TURNS])
            sent = [_going_on(_seen(name, second), first)]
        else:
            question = {"kind": api, "body": {"model": MODEL, **body}}
            sent = [_seen(name, exchange) for exchange in await _exchanges_of(driver, name, question, [])]
        sent = [_asking(request, PROMPTS.get(name, HELLO)) for request in sent]
        found += [request for request in sent if not any(_same(request, other) for other in found)]
    return tuple(_numbered(found))


async def _exchanges_of(
    driver: Driver, name: str, question: Mapping[str, Any], scripts: Sequence[Mapping[str, Any]]
) -> list[Exchange]:
    """What a driver sends to a fake with these scripts, and what it gets. Raises RuntimeError where it fails."""
    with FakeServer(list(scripts), seed=1, plain=True) as fake:
        async with Relay(fake.root) as relay:
            answer = await asyncio.to_thread(driver, f"{relay.base_url}/v1", dict(question))
            if "error" in answer or answer.get("hangs"):
                raise RuntimeError(f"{driver.client.name} by {question['kind']}, {name}: {answer}")
            return [each for each in relay.exchanges if each.request.method == "POST"]


def _going_on(request: SeenRequest, before: Exchange) -> SeenRequest:
    """The second request of a task, without the ids that the fake made up for the first answer.

    Where it names the response before it, those are left open; else they are the same in every recording.
    """
    answer = json.loads(before.payload)
    is_open = request.body.get("previous_response_id") == answer["id"]
    calls = answer["output"] if "output" in answer else answer["choices"][0]["message"]["tool_calls"]
    names = {call.get("call_id", call["id"]): CALL_ID if is_open else _CALL_NAME for call in calls}
    names |= {answer["id"]: RESPONSE_ID} if is_open else {call["id"]: _ITEM_NAME for call in calls if "call_id" in call}
    text = json.dumps(request.body)
    for made_up, name in names.items():
        text = text.replace(made_up, name)
    return replace(request, body=json.loads(text), after=FIRST if is_open else "")


def record_codex() -> dict[str, tuple[SeenRequest, ...]]:
    """What Codex CLI sends for a task of two steps: a command that it is to run, and what came of it."""
    return {"responses": asyncio.run(_record_codex())}


async def _record_codex() -> tuple[SeenRequest, ...]:
    with FakeServer([_TWO_STEPS], seed=1, plain=True) as fake, tempfile.TemporaryDirectory() as folder:
        async with Relay(fake.root) as relay:
            done = await asyncio.to_thread(run_task, f"{relay.base_url}/v1", _TASK, Path(folder))
            exchanges = [exchange for exchange in relay.exchanges if exchange.request.method == "POST"]
        if done.code or len(exchanges) != len(_STEPS):
            raise RuntimeError(f"Codex: exit code {done.code}, {len(exchanges)} requests: {done.errors}")
        return tuple(_seen(name, _in_order(each), folder) for name, each in zip(_STEPS, exchanges, strict=True))


def _in_order(exchange: Exchange) -> Exchange:
    """Codex's request with its metadata in order, which it sends in another at each run, and without made-up ids."""
    body = json.loads(_MADE_UP.sub(lambda match: _MADE_UP_NAMES[match[1]], exchange.request.body.decode()))
    if "client_metadata" in body:
        body["client_metadata"] = dict(sorted(body["client_metadata"].items()))
    return replace(exchange, request=replace(exchange.request, body=json.dumps(body, ensure_ascii=False).encode()))


_CALL_NAME, _ITEM_NAME = "call_oslo1", "fc_oslo1"
_TWO_TURNS = {"name": "two turns", "replies": TWO_STEPS}
_TASK = "What is six times seven? Run a command to find out."
_MADE_UP = re.compile(r"\b(fc_|Chunk ID: )[0-9a-f]+")
_MADE_UP_NAMES = {"fc_": _ITEM_NAME, "Chunk ID: ": "Chunk ID: 0a51f0"}
_CALL = {"tool_calls": [{"id": _CALL_NAME, "name": "exec_command", "arguments": {"cmd": "echo $((6 * 7))"}}]}
_TWO_STEPS = {"name": "two steps", "replies": [_CALL, {"text": "The answer is 42."}]}
_STEPS = ("call-stream", "after-call")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TODAY = re.compile(r"20\d\d-\d\d-\d\d")
_MILLISECONDS = re.compile(r"\b1[0-9]{12}\b")


def _impersonal(text: str, folder: str) -> str:
    """A text without what is of this process alone: ids are numbered, times and its folder replaced."""
    found = list(dict.fromkeys(_UUID.findall(text)))
    for number, value in enumerate(found, 1):
        text = text.replace(value, f"00000000-0000-4000-8000-{number:012x}")
    text = _MILLISECONDS.sub("1767225600000", _TODAY.sub("2026-01-01", text))
    return text.replace(folder, "/project") if folder else text


def _seen(name: str, exchange: Exchange, folder: str = "") -> SeenRequest:
    request = exchange.request
    fields = ((field.lower(), _impersonal(value, folder)) for field, value in request.headers or ())
    kept = tuple(
        (field, value)
        for field, value in fields
        if field not in (*_OF_THE_CONNECTION, *_OF_THE_MACHINE) and not any(part in field for part in _OF_THE_PROCESS)
    )
    body = json.loads(_impersonal(request.body.decode(), folder))
    path = request.target.partition("?")[0].removeprefix("/v1")
    return SeenRequest(name, request.method, path, kept, _shortened(body))


def _asking(request: SeenRequest, prompt: str) -> SeenRequest:
    """The request of a client that says HELLO to everything, with what the task is about."""
    body = json.dumps(request.body).replace(json.dumps(HELLO), json.dumps(prompt))
    return replace(request, body=json.loads(body))


def _shortened(value: Any) -> Any:
    """A body with long texts cut, each with the number of characters that are left out."""
    if isinstance(value, dict):
        return {name: _shortened(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    return shorten_text(value) if isinstance(value, str) else value


def _same(first: SeenRequest, second: SeenRequest) -> bool:
    """Whether a target sees the same: header fields of a helper that only name it do not count."""
    return (first.path, first.body) == (second.path, second.body)


def _numbered(requests: list[SeenRequest]) -> Iterable[SeenRequest]:
    """The requests, those of one name told apart by a number."""
    names: dict[str, int] = {}
    for request in requests:
        number = names[request.name] = names.get(request.name, 0) + 1
        name = request.name if number == 1 else f"{request.name}-{number}"
        yield replace(request, name=name)
