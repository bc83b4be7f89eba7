"""Replies of any size that a target may send to keep a judge busy: each a function of a size in bytes, about."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write

Shape = Callable[[int], Exchange]

HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "m"}
DICT = {**HEAD, "object": "chat.completion"}
CHUNK = {**HEAD, "object": "chat.completion.chunk"}
MESSAGE = {"role": "assistant", "content": "Hello."}
TOKEN = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def asked(path: str = "/v1/chat/completions", **body: Any) -> Request:
    return Request("POST", path, (), json.dumps({"model": "m", **body}).encode())


CHAT, STREAMED = (asked(messages=[{"role": "user", "content": "Hi"}], stream=stream) for stream in (False, True))


def answered(
    body: str | bytes, request: Request = CHAT, status: int = 200, *fields: tuple[str, str], kind: str = "json"
) -> Exchange:
    data = body.encode() if isinstance(body, str) else body
    typed = ("Content-Type", {"json": "application/json", "events": "text/event-stream"}.get(kind, kind))
    framing, ending = Framing.CHUNKED, Ending.CLEAN
    return Exchange(request, status, (typed, *fields), (Write(data),), ending=ending, framing=framing)


def completion(choices: list[Any], request: Request = CHAT, **members: Any) -> Exchange:
    return answered(json.dumps({**members, **DICT, "choices": choices}), request)


def choice(**members: Any) -> dict[str, Any]:
    return {"index": 0, "message": MESSAGE, "finish_reason": "stop", **members}


def events(texts: list[str], request: Request = STREAMED) -> Exchange:
    return answered("".join(f"data: {text}\n\n" for text in [*texts, "[DONE]"]), request, kind="events")


def chunk(delta: Any, index: int = 0, **members: Any) -> str:
    return json.dumps({**CHUNK, "choices": [{"index": index, "delta": delta, "finish_reason": None}], **members})


def calls(count: int) -> list[Any]:
    return [{**CALL, "id": f"c{number}", "index": number} for number in range(count)]


def with_trailers(size: int) -> Exchange:
    return completion([choice()]).but(trailers=tuple((f"x-{number}", "v") for number in range(size // 10)))


def one_byte_writes(size: int) -> Exchange:
    whole = events([chunk({"content": "a"})] * (size // 150))
    return whole.but(writes=tuple(Write(bytes([byte])) for byte in whole.payload[:100_000]))


REPLIES: dict[str, Shape] = {
    "one array of numbers": lambda size: answered("[" + "1," * (size // 2) + "1]"),
    "choices of numbers": lambda size: answered('{"choices":[' + "1," * (size // 2) + "1]}"),
    "choices of empty objects": lambda size: answered('{"choices":[' + "{}," * (size // 3) + "{}]}"),
    "nested arrays": lambda size: answered('{"id":[' + "[[[[[[1]]]]]]," * (size // 14) + "1]}"),
    "arrays as deep as is read": lambda size: answered("[" + ("[" * 190 + "]" * 190 + ",") * (size // 381) + "1]"),
    "deeper and deeper": lambda size: answered('{"a":' * (size // 5)),
    "one long text": lambda size: completion([choice(message={**MESSAGE, "content": "a" * size})]),
    "a text of line feeds": lambda size: completion([choice(message={**MESSAGE, "content": "\n" * size})]),
    "a text of brackets": lambda size: completion([choice(message={**MESSAGE, "content": "[" * size})]),
    "escapes": lambda size: answered('{"choices":[{"message":{"content":"' + "\\ud83d\\ude00" * (size // 12) + '"}}]}'),
    "many members": lambda size: answered("{" + ",".join(f'"m{number}":0' for number in range(size // 11)) + "}"),
    "one name again and again": lambda size: answered("{" + '"a":0,' * (size // 6) + '"a":0}'),
    "objects with names twice": lambda size: answered("[" + '{"a":0,"a":0},' * (size // 14) + "0]"),
    "every known member huge": lambda size: answered(
        json.dumps(dict.fromkeys((*DICT, "choices", "usage", "service_tier", "error"), [1] * (size // 24)))
    ),
    "a member before the others": lambda size: completion([choice()], zz=[0] * (size // 3)),
    "NaN": lambda size: answered("[" + "NaN," * (size // 4) + "1]"),
    "numbers of 4,000 digits": lambda size: answered('{"created":[' + ("9" * 4000 + ",") * (size // 4001) + "1]}"),
    "thousands of choices": lambda size: completion([choice(index=number) for number in range(size // 90)]),
    "thousands of calls": lambda size: completion(
        [choice(message={**MESSAGE, "tool_calls": calls(size // 90)})], asked(messages=[], tools=TOOLS)
    ),
    "huge log probabilities": lambda size: completion([choice(logprobs={"content": [TOKEN] * (size // 70)})]),
    "huge alternatives": lambda size: completion(
        [choice(logprobs={"content": [{**TOKEN, "top_logprobs": [TOKEN] * (size // 70)}]})]
    ),
    "an error of megabytes": lambda size: answered(json.dumps({"error": {"message": "no " * (size // 3)}}), status=400),
    "an error full of paths": lambda size: answered(json.dumps({"error": {"message": "/a " * (size // 3)}}), CHAT, 400),
    "an error full of tags": lambda size: answered("<style>" * (size // 7), CHAT, 502, kind="text/html"),
    "embeddings": lambda size: answered(
        json.dumps({"data": [{"index": 0, "embedding": [0.5] * (size // 5)}]}), asked("/v1/embeddings", input="a")
    ),
    "events of chunks": lambda size: events([chunk({"content": "a"})] * (size // 150)),
    "as many choices as chunks": lambda size: events(
        [chunk({"content": "a"}, number) for number in range(size // 150)]
    ),
    "thousands of calls in one chunk": lambda size: events([chunk({"tool_calls": calls(size // 100)})]),
    "thousands of calls in as many chunks": lambda size: events(
        [chunk({"tool_calls": [call]}) for call in calls(size // 250)]
    ),
    "calls without an index": lambda size: events(
        [chunk({"tool_calls": [{**CALL, "id": f"c{number}"}]}) for number in range(size // 250)]
    ),
    "texts that grow": lambda size: events([chunk({"content": "a" * number}) for number in range(int(size**0.5))]),
    "chunks that say nothing, then errors": lambda size: events(
        [chunk({})] * (size // 300) + ['{"error":{"message":"x"}}'] * (size // 50)
    ),
    "events of numbers": lambda size: events(["1"] * (size // 9)),
    "events of broken JSON": lambda size: events(["{"] * (size // 9)),
    "comments": lambda size: answered(":\n\n" * (size // 3), STREAMED, kind="events"),
    "comments in one block": lambda size: answered(":\n" * (size // 2) + "\n", STREAMED, kind="events"),
    "ids": lambda size: answered("id: 1\n\n" * (size // 7), STREAMED, kind="events"),
    "data lines of one event": lambda size: answered("data: 1\n" * (size // 8) + "\n", STREAMED, kind="events"),
    "nothing but line ends": lambda size: answered("data: 1" + "\r" * size, STREAMED, kind="events"),
    "one byte in each write": one_byte_writes,
    "thousands of trailers": with_trailers,
    "thousands of limits": lambda size: completion([choice()]).but(
        headers=tuple((f"x-ratelimit-limit-{number}", "1") for number in range(size // 25))
    ),
    "a long duration": lambda size: completion([choice()]).but(
        headers=(("x-ratelimit-reset-tokens", "1" * (size // 4) + "x"),)
    ),
    "gzip members": lambda size: answered(
        gzip.compress(b"a") * (size // 21), CHAT, 200, ("Content-Encoding", "gzip"), kind="text/plain"
    ),
}
