"""What the tests of the inspector ask of a fake."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from fake_server.testing.space import FakeSpace

CLIENT = httpx2.Client(trust_env=False)
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate"}
BROWSER |= {"sec-fetch-dest": "document", "sec-fetch-site": "none"}
WEATHER = {"name": "weather", "when": {"messages": {"last": {"contains": "weather"}}}, "reply": {"text": "Sunny."}}
KEY = "sk-0123456789abcdefghijklmnop"


def chat(fake: FakeSpace, text: str = "the weather", **more: Any) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return CLIENT.post(f"{fake.base_url}/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})


def page_of(fake: FakeSpace, **fields: str) -> httpx2.Response:
    return CLIENT.get(f"{fake.url}/__fake__/", headers={**BROWSER, **fields})


def get(fake: FakeSpace, path: str) -> Any:
    answer = CLIENT.get(f"{fake.url}/__fake__{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def newest(fake: FakeSpace) -> dict[str, Any]:
    found: dict[str, Any] = get(fake, "/requests?limit=1")["requests"][0]
    return found


def news_of(fake: FakeSpace, least: int = 1) -> list[dict[str, Any]]:
    """The rows of the requests as they are followed, until there are so many."""
    rows: list[dict[str, Any]] = []
    with CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                rows += json.loads(line[6:])["rows"]
            if len(rows) >= least:
                return rows
    raise AssertionError("the stream ended")


def form_of(fake: FakeSpace, form: str) -> str:
    answer = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/{form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text
