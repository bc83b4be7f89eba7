"""Clients of httpx2 and requests as a program of its own, also where vcrpy is installed and the kit is not.

`python in_process.py ORDER` takes a JSON order {client, base, key, asks: {name: body}, cassette, record_mode}
and prints {name: reply} as JSON; without a cassette it asks the server itself.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

SECONDS = 5.0
READ = 65536
Reply = dict[str, Any]
Ask = Callable[[str, bytes, Mapping[str, str], Reply], None]
"""URL, body and header fields of a request, and the reply to fill while it comes."""


def httpx2_client(transport: Any = None) -> Ask:
    """Asks through httpx2, with `transport` if given."""
    httpx2 = importlib.import_module("httpx2")

    def ask(url: str, body: bytes, headers: Mapping[str, str], reply: Reply) -> None:
        with (
            httpx2.Client(transport=transport, timeout=SECONDS, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            fields = ([part.decode("latin-1") for part in field] for field in response.headers.raw)
            _take(reply, response.status_code, response.reason_phrase, fields, response.iter_raw())

    return ask


def requests_client() -> Ask:
    """Asks through requests, which decompresses bodies and joins repeated header fields."""
    requests = importlib.import_module("requests")

    def ask(url: str, body: bytes, headers: Mapping[str, str], reply: Reply) -> None:
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(url, data=body, headers=headers, stream=True, timeout=SECONDS)
            fields = map(list, response.headers.items())
            _take(reply, response.status_code, response.reason, fields, response.iter_content(READ))

    return ask


def _take(reply: Reply, status: int, reason: str, headers: Iterable[list[str]], reads: Iterable[bytes]) -> None:
    reply |= {"status": status, "reason": reason, "headers": list(headers), "head_at": time.monotonic()}
    for data in filter(None, reads):
        reply["pieces"].append([base64.b64encode(data).decode(), time.monotonic()])
    reply["whole"] = True


def ask_all(ask: Ask, order: Mapping[str, Any]) -> dict[str, Reply]:
    """What the client shows of each reply; `problem` is its exception where a reply breaks off."""
    replies: dict[str, Reply] = {}
    headers = {
        "Authorization": f"Bearer {order['key']}",
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip",
    }
    for name, body in order["asks"].items():
        replies[name] = {"pieces": []}
        try:
            ask(order["base"], body.encode(), headers, replies[name])
        except Exception as error:  # how a client fails is what is measured
            replies[name]["problem"] = type(error).__name__
    return replies


def main(order: Mapping[str, Any]) -> None:
    """Ask, inside vcrpy where the order names a cassette."""
    with contextlib.ExitStack() as around:
        if order.get("cassette"):
            recorder = importlib.import_module("vcr").VCR(
                record_mode=order["record_mode"],
                match_on=("method", "scheme", "host", "port", "path", "query", "body"),
                filter_headers=["authorization"],
            )
            around.enter_context(recorder.use_cassette(order["cassette"]))
        client = {"httpx2": httpx2_client, "requests": requests_client}[order["client"]]
        print(json.dumps(ask_all(client(), order)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
