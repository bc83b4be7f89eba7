"""A client of httpx2 as a program of its own, also for an environment that has vcrpy and not the kit.

`python through_httpx2.py ORDER` takes a JSON order {base, key, asks: {name: body}, cassette, record_mode}
and prints {name: reply} as JSON; without a cassette it asks the server itself.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx2

SECONDS = 5.0


def ask(client: httpx2.Client, url: str, body: str, key: str) -> dict[str, Any]:
    """What the client shows of a reply, down to what it says when the reply breaks off."""
    seen: dict[str, Any] = {"pieces": []}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with client.stream("POST", url, content=body.encode(), headers=headers) as response:
            seen |= {"status": response.status_code, "reason": response.reason_phrase}
            seen["headers"] = [
                [name.decode("latin-1"), value.decode("latin-1")] for name, value in response.headers.raw
            ]
            seen["head_at"] = time.monotonic()
            for data in response.iter_raw():
                seen["pieces"].append([base64.b64encode(data).decode(), time.monotonic()])
            seen["whole"] = True
    except Exception as error:  # how a client fails is what is measured
        seen["problem"] = type(error).__name__
    return seen


def ask_all(client: httpx2.Client, order: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: ask(client, order["base"], body, order["key"]) for name, body in order["asks"].items()}


def main(order: Mapping[str, Any]) -> None:
    """Ask, with vcrpy around it where the order names a cassette."""
    with contextlib.ExitStack() as around:
        if order.get("cassette"):
            recorder = importlib.import_module("vcr").VCR(
                record_mode=order["record_mode"],
                match_on=("method", "scheme", "host", "port", "path", "query", "body"),
                filter_headers=["authorization"],
            )
            around.enter_context(recorder.use_cassette(order["cassette"]))
        client = around.enter_context(httpx2.Client(timeout=SECONDS, trust_env=False))
        print(json.dumps(ask_all(client, order)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
