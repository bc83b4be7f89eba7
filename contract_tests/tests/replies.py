"""Replies that tests write by hand: an exchange, a stream, the chunks of a short answer."""

from __future__ import annotations

import json
from typing import Any

from fake_server.wire.exchange import Exchange, Request, Write

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
MESSAGES = [{"role": "user", "content": "Say hello."}]


def exchange(
    asked: object, body: bytes, status: int = 200, media: str = "application/json", path: str = CHAT
) -> Exchange:
    sent = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return Exchange(Request("POST", path, body=sent), status, (("Content-Type", media),), (Write(body),))


def streamed(events: list[Any], path: str = CHAT) -> Exchange:
    lines = (event if isinstance(event, str) else json.dumps(event) for event in events)
    body = "".join(f"data: {line}\n\n" for line in lines).encode()
    member = {"messages": MESSAGES} if path == CHAT else {"prompt": "Say hello."}
    return exchange({"model": "m", "stream": True, **member}, body, media="text/event-stream", path=path)


def chunks(path: str) -> list[Any]:
    def chunk(**choice: Any) -> dict[str, Any]:
        kind = "chat.completion.chunk" if path == CHAT else "text_completion"
        entry = {"index": 0, "logprobs": None, "finish_reason": None, **choice}
        return {"id": "chatcmpl-1", "object": kind, "created": 1_796_000_000, "model": "m", "choices": [entry]}

    if path == TEXT:
        return [chunk(text="Hello"), chunk(text=".", finish_reason="stop"), "[DONE]"]
    return [
        chunk(delta={"role": "assistant", "content": "", "refusal": None}),
        chunk(delta={"content": "Hello."}),
        chunk(delta={}, finish_reason="stop"),
        "[DONE]",
    ]
