"""Records what a client sends: its driver asks the fake through the relay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping

from contract_tests.lab.clients.driving import Driver
from contract_tests.lab.ready.tasks import MODEL, Tasks
from contract_tests.ready.seen import SeenRequest
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
                found += [request for request in sent if not any(_same(request, other) for other in found)]
    return tuple(_numbered(found))


def _seen(name: str, exchange: Exchange) -> SeenRequest:
    request = exchange.request
    fields = ((field.lower(), value) for field, value in request.headers or ())
    kept = tuple(
        (field, value)
        for field, value in fields
        if field not in (*_OF_THE_CONNECTION, *_OF_THE_MACHINE) and not any(part in field for part in _OF_THE_PROCESS)
    )
    path = request.target.partition("?")[0].removeprefix("/v1")
    return SeenRequest(name, request.method, path, kept, json.loads(request.body))


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
