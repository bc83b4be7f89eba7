"""What the standards and the reference leave free is no finding: variations of each conforming fixture."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Framing, Write

CONFORMING = [
    one
    for one in fixture.find(ROOT / "fixtures" / "conforming")
    if one.stem not in ("gzip-dict", "gateway-in-plain-text", "numbered-stream", "file-content")
]

Vary = Callable[[bytes], bytes]


# -- the bytes of a stream

STREAM: dict[str, Vary] = {
    "CRLF": lambda body: body.replace(b"\n", b"\r\n"),
    "CR": lambda body: body.replace(b"\n", b"\r"),
    "no space after the colon": lambda body: body.replace(b"data: ", b"data:"),
    "a comment first": lambda body: b": connected\n\n" + body,
    "comments between": lambda body: body.replace(b"\n\n", b"\n\n: ping\n\n"),
    "empty comments": lambda body: body.replace(b"\n\n", b"\n\n:\n\n"),
    "comments inside": lambda body: body.replace(b"data: ", b": x\ndata: "),
    "a comment last, without a blank line": lambda body: body + b": bye\n",
    "blank lines": lambda body: b"\n\n" + body.replace(b"\n\n", b"\n\n\n"),
    "ids and retry": lambda body: b"retry: 3000\n" + body.replace(b"data: ", b"id: 7\ndata: "),
    "event: message": lambda body: body.replace(b"data: ", b"event: message\ndata: "),
}


# -- the JSON of a body, or of each event


def members(value: Any, made: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The value with each object in it made anew."""
    if isinstance(value, list):
        return [members(one, made) for one in value]
    if not isinstance(value, dict):
        return value
    return made({name: members(inner, made) for name, inner in value.items()})


def extended(value: dict[str, Any]) -> dict[str, Any]:
    # Objects whose names are data (a schema's arguments, categories, tokens) are no place for more members.
    names = {"harassment", "topic", "violence"}
    free = {"top_logprobs", "category_scores"} & value.keys() or names & value.keys()
    more = {} if free or all(isinstance(one, float) for one in value.values()) else {"x_more": {"a": [1, None]}}
    return {**value, **more}


def reversed_(value: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(value.items()))


def dated(value: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value.get("model"), str) or "object" not in value:
        return value
    return {**value, "model": re.sub(r"(-\d{4}-\d\d-\d\d)?$", "-2031-01-31", value["model"], count=1)}


JSON: dict[str, Callable[[Any], bytes]] = {
    "escaped": lambda value: json.dumps(value).encode(),
    "raw UTF-8": lambda value: json.dumps(value, ensure_ascii=False).encode(),
    "compact": lambda value: json.dumps(value, separators=(",", ":")).encode(),
    "other order": lambda value: json.dumps(members(value, reversed_)).encode(),
    "more members": lambda value: json.dumps(members(value, extended)).encode(),
    "dated model": lambda value: json.dumps(members(value, dated)).encode(),
}
PRETTY: dict[str, Callable[[Any], bytes]] = {
    "pretty": lambda value: b"\n" + json.dumps(value, indent=2).encode() + b"\r\n"
}


def rewritten(body: bytes, write: Callable[[Any], bytes]) -> bytes:
    """The body with its JSON written another way."""
    if body.startswith((b"{", b"[")):
        return write(json.loads(body))
    parts = [part.partition(b"data: ") for part in body.split(b"\n\n") if part]
    texts = [(name, text if text == b"[DONE]" else write(json.loads(text))) for name, _, text in parts]
    return b"".join(name + b"data: " + text + b"\n\n" for name, text in texts)


# -- the message around them


def with_field(exchange: Exchange, name: str, value: str | None) -> Exchange:
    """The exchange with a header field replaced, added, or taken away."""
    kept = tuple(one for one in exchange.headers if one[0].lower() != name.lower())
    return exchange.but(headers=kept if value is None else (*kept, (name, value)))


def compressed(exchange: Exchange) -> Exchange:
    body = gzip.compress(exchange.payload, mtime=0)
    sized = with_field(exchange, "Content-Length", None).but(writes=(Write(body),), framing=Framing.CHUNKED)
    return with_field(with_field(sized, "Transfer-Encoding", "chunked"), "Content-Encoding", "gzip")


def until_closed(exchange: Exchange) -> Exchange:
    bare = with_field(with_field(exchange, "Content-Length", None), "Transfer-Encoding", None)
    return with_field(bare, "Connection", "close").but(framing=Framing.CLOSE, http_version="1.0")


MESSAGE: dict[str, Callable[[Exchange], Exchange]] = {
    "names in lower case": lambda one: one.but(headers=tuple((n.lower(), v) for n, v in one.headers)),
    "names in upper case": lambda one: one.but(headers=tuple((n.upper(), v) for n, v in one.headers)),
    "more fields": lambda one: with_field(one, "X-Served-By", "edge-7"),
    "a charset": lambda one: with_field(one, "Content-Type", f'{one.media_type}; charset="UTF-8"'),
    "gzip": compressed,
    "HTTP/1.0": until_closed,
}


NOTED = {
    "more members": {
        *("chat.known-members", "chat.stream.known-members", "tools.known-members", "usage.known-members"),
    }
}
"""What is free and noted all the same: a note changes no verdict, and names what closed types refuse."""


def varied(exchange: Exchange) -> Iterator[tuple[str, Exchange]]:
    body = exchange.payload
    named = body.startswith(b"event:")  # those of a Response have names, so no other is free
    stream = named or body.startswith(b"data:")
    for name, write in {**JSON, **({} if stream else PRETTY)}.items():
        if name == "dated model" and b"-2024-07-18" in exchange.request.body:
            continue  # who asks for a snapshot gets that one
        yield name, exchange.with_payload(rewritten(body, write))
    for name, vary in STREAM.items() if stream else ():
        if named and name == "event: message":
            continue
        yield name, exchange.with_payload(vary(body))
    for name, change in MESSAGE.items():
        yield name, change(exchange)
    if stream:
        single = tuple(Write(body[at : at + 1]) for at in range(len(body)))
        yield "byte by byte", exchange.but(writes=single)


@pytest.mark.parametrize("path", CONFORMING, ids=lambda path: path.stem)
def test_what_is_free_is_no_finding(path: Path) -> None:
    found = {
        name: [(one.rule.id, one.actual) for one in judge(variant).findings if one.rule.id not in NOTED.get(name, ())]
        for name, variant in varied(fixture.load(path).exchange)
    }
    assert {name: faults for name, faults in found.items() if faults} == {}


def chunk(choices: list[Any], **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "m"}
    return {**head, "choices": choices, **more}


def delta(value: dict[str, Any], finish: str | None = None) -> list[Any]:
    return [{"index": 0, "delta": value, "finish_reason": finish}]


STREAMS = {
    "the role in a chunk of its own": [{"role": "assistant"}, {"content": "Hi"}, {}],
    "the role with the first text": [{"role": "assistant", "content": "Hi"}, {}],
    "an empty first text": [{"role": "assistant", "content": ""}, {"content": "Hi"}, {}],
    "reasoning before the text": [{"role": "assistant", "reasoning_content": "Hm"}, {"content": "Hi"}, {}],
}


@pytest.mark.parametrize("null_usage", [False, True], ids=["no usage", "usage: null"])
@pytest.mark.parametrize("deltas", STREAMS.values(), ids=STREAMS)
def test_chunks_may_be_cut_in_many_ways(deltas: list[dict[str, Any]], null_usage: bool) -> None:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / "poem-stream.yaml").exchange
    more = {"usage": None} if null_usage else {}
    chunks = [chunk(delta(one, "stop" if one is deltas[-1] else None), **more) for one in deltas]
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"
    findings = judge(exchange.with_payload(body)).findings
    assert [(one.rule.id, one.actual) for one in findings if one.rule.level is not Level.NOTE] == []
