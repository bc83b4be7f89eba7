"""Small replies to compare, and how differences are told in tests."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.diffing import Comparison, Role, Side, compare
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, Framing, Request, Write

ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [], "stream": True}
DONE = b"data: [DONE]\n\n"


def of(exchange: Exchange, role: Role = Role.OTHER) -> Side:
    return Side(View(exchange), role)


def between(a: Exchange, b: Exchange) -> Comparison:
    return compare(of(a), of(b))


def rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    return [(difference.kind.value, difference.where, difference.a, difference.b) for difference in found.differences]


def reply(value: Any, **asked: Any) -> Exchange:
    """A chat completion as one dict; bytes are sent as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    request = Request("POST", "/v1/chat/completions", (), json.dumps({"model": "gpt-4o", **asked}).encode())
    headers = (("Content-Type", "application/json"),)
    return Exchange(request, 200, headers, (Write(body),), framing=Framing.LENGTH, reason="OK")


def events(*texts: Any) -> tuple[Write, ...]:
    return tuple(
        Write(b"data: " + (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n\n") for one in texts
    )


def stream(*texts: Any) -> Exchange:
    """A chat stream with each event in a write of its own, [DONE] last."""
    request = Request("POST", "/v1/chat/completions", (), json.dumps(ASKED).encode())
    headers = (("Content-Type", "text/event-stream"),)
    return Exchange(request, 200, headers, (*events(*texts), Write(DONE)), framing=Framing.CHUNKED, reason="OK")


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "gpt-4o"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def message(content: Any = "Hi", **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1760000000, "model": "gpt-4o"}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **more},
        "finish_reason": "stop",
    }
    return {**head, "choices": [choice]}


ROLE, TEXT, MORE, END = (
    chunk({"role": "assistant"}),
    chunk({"content": "Hi"}),
    chunk({"content": "!"}),
    chunk({}, "stop"),
)
STREAM = stream(ROLE, TEXT, MORE, END)
DICT = reply(message())


def recut(exchange: Exchange) -> Exchange:
    """The exchange with its body in two writes."""
    return exchange.but(writes=(Write(exchange.payload[:9]), Write(exchange.payload[9:])))
