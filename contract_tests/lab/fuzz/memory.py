"""Part `memory`: requests of every kind, each with words of its own, leave the server as large as it was.

The first laps fill what is bounded, such as the journal; what the laps after them add is growth. It is
measured in blocks that Python has allocated, and in resident memory.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from contract_tests.lab.fuzz.client import request_bytes, send
from contract_tests.lab.fuzz.serving import Served
from fake_server.wire.exchange import Request

LAP, WARM = 300, 10
"""Requests of a lap, and laps until the journal is full: it keeps 1,000."""
GROWTH_BLOCKS, GROWTH_BYTES = 75, 8 * 1024 * 1024
"""What a lap after those may add on average, one block for four requests; and all of them together."""
SURE = 15
"""Laps after those that tell growth, which goes on, from what a lap happens to hold at its end."""
FIELDS = {"content-type": "application/json", "x-fake-space": "memory"}
Step = tuple[str, str, dict[str, str], Any]


def steps(number: int) -> Iterator[Step]:
    """The requests of one turn, each unlike those of any other."""
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


def lap(served: Served, numbers: count[int]) -> int:
    """Ask LAP times or a few more; how often. Once a turn a client leaves in the middle of a stream."""
    link = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    asked = 0
    while asked < LAP:
        number = next(numbers)
        for method, path, fields, body in steps(number):
            data = b"" if body is None else json.dumps(body).encode()
            link.request(method, path, data, {**FIELDS, **fields})
            link.getresponse().read()
            asked += 1
        leaving = (*FIELDS.items(), ("x-fake-fault", "stall;after_events=1"))
        slow = Request("POST", "/v1/chat/completions", leaving, json.dumps(_streamed(number)).encode())
        send(served.port, [request_bytes(slow)], close=True)
    link.close()
    return asked


def run(served: Served, seconds: float, tell: Callable[[str], None]) -> int:
    """Laps for so long, two after the first ones at least; the number of requests. Raises AssertionError."""
    numbers, asked = count(), 0
    until = time.monotonic() + seconds
    held = [served.held()]
    while len(held) < WARM + 3 or time.monotonic() < until or (_grows(held) and len(held) <= WARM + SURE):
        asked += lap(served, numbers)
        held.append(served.held())
    warm, last, laps = held[WARM], held[-1], len(held) - 1 - WARM
    tell(f"{asked} requests; {_told(held[0])}; {_told(warm)} when warm, {_told(last)} after {laps} laps more")
    assert not last["connections"], last
    assert last["tasks"] <= held[0]["tasks"], last
    assert not _grows(held), [one["blocks"] for one in held]
    assert last["rss"] - warm["rss"] < GROWTH_BYTES, [one["rss"] for one in held]
    return asked


def _grows(held: list[dict[str, int]]) -> bool:
    return held[-1]["blocks"] - held[WARM]["blocks"] >= GROWTH_BLOCKS * (len(held) - 1 - WARM)


def _streamed(number: int) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": f"a{number}"}], "stream": True}


def _told(held: dict[str, int]) -> str:
    return f"{held['rss'] / 2**20:.1f} MiB, {held['blocks']} blocks"
