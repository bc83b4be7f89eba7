"""The replies that are sent: each odd in its own way, with the pause before each piece in seconds."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass

PATH = "/v1/chat/completions"
KEY = "sk-" + hashlib.sha256(b"the key of the request").hexdigest()[:40]
"""The API key that every request carries: it looks like one and opens nothing."""
LEAKED = "sk-" + hashlib.sha256(b"the key in an error text").hexdigest()[:40]
"""The API key that a reply gives away."""


@dataclass(frozen=True)
class Reply:
    """Pieces to send, each with the pause before it; FIN comes after the last where `closes`.

    `plain` is sent instead to a client that accepts no gzip.
    """

    sends: tuple[tuple[float, bytes], ...]
    plain: tuple[tuple[float, bytes], ...] = ()
    streamed: bool = False
    closes: bool = False


def request_body(name: str, streamed: bool) -> bytes:
    """A chat request whose user message is the name of the reply it wants."""
    document = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": name}]}
    return json.dumps(document | ({"stream": True} if streamed else {})).encode()


def request(name: str, streamed: bool, port: int) -> bytes:
    """The whole request, as it goes to a server on `port`."""
    body = request_body(name, streamed)
    lines = (
        f"POST {PATH} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {KEY}",
        "Accept-Encoding: gzip",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(delta: dict[str, str], finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "gpt-4o-mini",
    }
    return json.dumps({**head, "choices": [choice], **more}, ensure_ascii=False).encode()


def _with_length(head: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


_STREAM_HEAD = (
    b"HTTP/1.1 200 Fine By Me\r\n"
    b"X-Request-ID: req_1\r\nx-twice: first\r\ncontent-TYPE: text/event-stream; charset=utf-8\r\n"
    b"X-MiXeD-CaSe: 1\r\nx-ratelimit-remaining-requests: 59\r\nX-Twice: second\r\n"
    b"Transfer-Encoding: chunked\r\nAlpha: last\r\n\r\n"
)
_CUT_IN_A_CHARACTER = _event({"content": " café"}).partition(b"\xa9")
CHUNKS = (
    b": keep-alive\r\n\r\n",
    b"event: message\r\nid: 7\r\nretry: 3000\r\ndata: "
    + _event({"role": "assistant", "content": "A"}, x_extra={"queue": 0.5}),
    b"\r\n\r\ndata:" + _CUT_IN_A_CHARACTER[0],
    _CUT_IN_A_CHARACTER[1] + _CUT_IN_A_CHARACTER[2] + b"\n\n",
    b"data: " + _event({"content": " on the quay"}) + b"\n\n: still here\n",
    b"\ndata: " + _event({}, "stop") + b"\r\n\r\n",
    b'data: {"error": {"message": "the backend is gone", "type": "server_error", "code": 502}}\n\n',
    b"data: [DONE]\n\n",
)
PAUSES = (0.15, 0.1, 0.0, 0.3, 0.0, 0.15, 0.2, 0.0)
_SSE = b"Content-Type: text/event-stream\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_ANSWER = {
    "id": "chatcmpl-2",
    "object": "chat.completion",
    "created": 1760000000,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Slow, slow."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}
_BODY = json.dumps(_ANSWER, indent=1).encode()
_ZIPPED = gzip.compress(_BODY, mtime=0)
_LIMITED = json.dumps({"error": {"message": "Too fast.", "type": "requests", "code": "rate_limit_exceeded"}})
_REFUSED = json.dumps({"error": {"message": f"The backend's key {LEAKED} is no longer valid.", "code": "expired"}})

REPLIES = {
    "stream": Reply(
        (
            (0.05, _STREAM_HEAD),
            *((pause, chunk(data)) for pause, data in zip(PAUSES, CHUNKS, strict=True)),
            (0.0, b"0\r\n\r\n"),
        ),
        streamed=True,
    ),
    "cut": Reply(
        (
            (0.0, _OK + _SSE + _CHUNKED + b"\r\n"),
            (0.0, chunk(b"data: " + _event({"role": "assistant", "content": "Half"}) + b"\n\n")),
            (0.1, chunk(b"data: " + _event({"content": " a"})[:40])),
        ),
        streamed=True,
        closes=True,
    ),
    "hints": Reply(
        (
            (0.0, b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"),
            (0.1, _with_length("200 OK\r\nContent-Type: application/json", _BODY)),
        )
    ),
    "trailers": Reply(
        (
            (0.0, _OK + _SSE + _CHUNKED + b"Trailer: X-Checksum\r\n\r\n"),
            (0.0, chunk(b"data: " + _event({"content": "Sum"}, "stop") + b"\n\ndata: [DONE]\n\n")),
            (0.0, b"0\r\nX-Checksum: 1f\r\n\r\n"),
        ),
        streamed=True,
    ),
    "paced": Reply(
        (
            (0.0, _OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY)),
            (0.15, _BODY[:11]),
            (0.25, _BODY[11:160]),
            (0.1, _BODY[160:]),
        )
    ),
    "gzip": Reply(
        ((0.0, _with_length("200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip", _ZIPPED)),),
        plain=((0.0, _with_length("200 OK\r\nContent-Type: application/json", _BODY)),),
    ),
    "error": Reply(
        (
            (
                0.0,
                _with_length(
                    "429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 7\r\n"
                    "x-should-retry: false",
                    _LIMITED.encode(),
                ),
            ),
        )
    ),
    "leak": Reply(((0.0, _with_length("401 Unauthorized\r\nContent-Type: application/json", _REFUSED.encode())),)),
}
UNRECORDED = "a question that nobody has asked before"
"""The user message of a request that no recording answers."""
