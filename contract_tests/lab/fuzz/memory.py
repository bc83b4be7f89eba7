"""Part `memory`: requests of every kind, each with text of its own, leave the server as large as it was.

The first laps fill what is bounded, such as the journal; what later laps add is growth. It is measured in
blocks that Python has allocated, and in resident memory.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from contract_tests.lab.fuzz.client import request_bytes, send
from contract_tests.lab.fuzz.fake_process import FakeProcess
from fake_server.wire.exchange import Request

LAP, WARM = 300, 10
"""Requests of a lap, and laps until the journal is full: it keeps 1,000."""
GROWTH_BLOCKS, GROWTH_BYTES = 75, 8 * 1024 * 1024
"""What each later lap may add on average, a block for four requests, and what all may add together."""
SURE = 15
"""Later laps that tell growth, which goes on, from what a lap happens to hold at its end."""
FIELDS = {"content-type": "application/json", "x-fake-space": "memory"}
Step = tuple[str, str, dict[str, str], Any]


def steps(number: int) -> Iterator[Step]:
    """The requests of one turn; those of each turn differ."""
    word = f"word{number}"
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Repeat after me: {word}"}]}
    shape = {
        "type": "object",
        "properties": {word: {"type": "string", "pattern": f"^{word}-[a-z]{{3}}$"}},
        "required": [word],
    }
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": shape}}
    key, short = {"authorization": f"Bearer sk-{word}"}, {"x-fake-space": word}
    yield "POST", "/v1/chat/completions", key, chat
    yield "POST", "/v1/chat/completions", {}, {**chat, "stream": True}
    yield "POST", "/v1/chat/completions", {}, {**chat, "response_format": form}
    yield "POST", "/v1/chat/completions", short, {**chat, "store": True}
    yield "POST", "/v1/chat/completions", {"x-fake-fault": f"error;status=503;message={word}"}, chat
    yield "POST", "/v1/chat/completions", {}, {**chat, word: 1}
    yield "POST", "/v1/embeddings", {}, {"model": "text-embedding-3-small", "input": word, "dimensions": 8}
    yield "POST", "/v1/moderations", {}, {"input": word}
    yield "GET", f"/v1/{word}", {}, None
    yield "POST", "/__fake__/replies", {}, {"text": word}
    yield (
        "POST",
        "/__fake__/scripts",
        {},
        {"name": word, "per": "key", "when": {"call": 2}, "reply": {"text": word}},
    )
    yield "POST", "/v1/chat/completions", key, chat
    yield "POST", "/v1/chat/completions", key, chat
    yield "POST", "/__fake__/faults", {}, {"fault": "quota", "requests": 1, "per": 60.0, "times": 1}
    yield "POST", "/v1/completions", {}, {"model": "davinci-002", "prompt": word, "max_tokens": 3}
    yield "DELETE", "/__fake__/scripts", {}, None
    yield "DELETE", "/__fake__/faults", {}, None
    yield "DELETE", f"/__fake__/spaces/{word}", {}, None


def lap(fake: FakeProcess, numbers: count[int]) -> int:
    """Send LAP requests or a few more; their number. Once per turn a client leaves during a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=20)
    sent = 0
    while sent < LAP:
        number = next(numbers)
        for method, path, fields, body in steps(number):
            data = b"" if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {**FIELDS, **fields})
            connection.getresponse().read()
            sent += 1
        headers = (*FIELDS.items(), ("x-fake-fault", "stall;after_events=1"))
        slow = Request("POST", "/v1/chat/completions", headers, json.dumps(_stream_request(number)).encode())
        send(fake.port, [request_bytes(slow)], close=True)
    connection.close()
    return sent


def run(fake: FakeProcess, seconds: float) -> str:
    """Run laps for some seconds, at least two after the first ones; what was done. Raises AssertionError."""
    numbers, requests = count(), 0
    until = time.monotonic() + seconds
    usage = [fake.usage()]
    while len(usage) < WARM + 3 or time.monotonic() < until or (_grows(usage) and len(usage) <= WARM + SURE):
        requests += lap(fake, numbers)
        usage.append(fake.usage())
    warm, last, laps = usage[WARM], usage[-1], len(usage) - 1 - WARM
    assert not last["connections"], last
    assert last["tasks"] <= usage[0]["tasks"], last
    assert not _grows(usage), [lap_usage["blocks"] for lap_usage in usage]
    assert last["rss"] - warm["rss"] < GROWTH_BYTES, [lap_usage["rss"] for lap_usage in usage]
    sizes = f"{_format(usage[0])}; {_format(warm)} when warm, {_format(last)} after {laps} laps more"
    return f"{requests} requests; {sizes}"


def _grows(usage: list[dict[str, int]]) -> bool:
    return usage[-1]["blocks"] - usage[WARM]["blocks"] >= GROWTH_BLOCKS * (len(usage) - 1 - WARM)


def _stream_request(number: int) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": f"a{number}"}], "stream": True}


def _format(usage: dict[str, int]) -> str:
    return f"{usage['rss'] / 2**20:.1f} MiB, {usage['blocks']} blocks"
