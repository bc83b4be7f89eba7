"""Records what a client sends: its driver, or a task of its own, asks the fake through the relay."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract_tests.lab.clients.driving import Driver
from contract_tests.lab.ready.tasks import HELLO, MODEL, PROMPTS, Tasks
from contract_tests.lab.suites.codex import run_task
from contract_tests.ready.seen import SeenRequest, shorten_text
from fake_server import FakeServer
from fake_server.relay.relay import Relay
from fake_server.wire.exchange import Exchange

_OF_THE_CONNECTION = ("accept-encoding", "authorization", "connection", "content-length", "host", "transfer-encoding")
_OF_THE_MACHINE = ("x-stainless-arch", "x-stainless-os", "x-stainless-runtime-version", "traceparent")
_OF_THE_PROCESS = ("session", "conversation", "thread", "request-id", "installation", "turn")
"""Parts of the names of fields that have another value in every process, and are no part of what a client is."""


def record(drivers: Iterable[Driver], tasks: Mapping[str, Tasks]) -> dict[str, tuple[SeenRequest, ...]]:
    """What the client and its helpers send for the tasks of each API: each different request once."""
    drivers = list(drivers)
    return {api: asyncio.run(_record_api(drivers, api, bodies)) for api, bodies in tasks.items()}


async def _record_api(drivers: list[Driver], api: str, bodies: Tasks) -> tuple[SeenRequest, ...]:
    found: list[SeenRequest] = []
    with FakeServer([], seed=1, plain=True) as fake:
        for driver in drivers:
            for name, body in bodies.items():
                async with Relay(fake.root) as relay:
                    question = {"kind": api, "body": {"model": MODEL, **body}}
                    answer = await asyncio.to_thread(driver, f"{relay.base_url}/v1", question)
                    if "error" in answer or answer.get("hangs"):
                        raise RuntimeError(f"{driver.client.name} by {api}, {name}: {answer}")
                    sent = [_seen(name, exchange) for exchange in relay.exchanges if exchange.request.method == "POST"]
                    sent = [_asking(request, PROMPTS.get(name, HELLO)) for request in sent]
                found += [request for request in sent if not any(_same(request, other) for other in found)]
    return tuple(_numbered(found))


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
        return tuple(_seen(name, each, folder) for name, each in zip(_STEPS, exchanges, strict=True))


_TASK = "What is six times seven? Run a command to find out."
_CALL = {"tool_calls": [{"name": "exec_command", "arguments": {"cmd": "echo $((6 * 7))"}}]}
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
        yield SeenRequest(name, request.method, request.path, request.headers, request.body)
