"""A request whose bytes are all there is answered at once, any other in a task: nobody can tell which it was."""

from __future__ import annotations

import json
import re
import select
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from fake_server import FakeServer
from fake_server.tests.raw_client import wait_until

CHANGING = re.compile(
    rb"(?im)\b(req|chatcmpl|cmpl|resp|msg|call)[_-]\w+"  # ids
    rb"|^openai-processing-ms: \d+|^date: .*"
    rb"|\"(created|created_at|completed_at)\":\s*[\d.]+"
)
"""What no two replies have in common."""
SAID = {"messages": [{"role": "user", "content": "Repeat after me: twelve little letters"}], "model": "gpt-4o"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCRIPTS: list[Mapping[str, Any]] = [
    {"name": "slow", "when": {"model": "slow"}, "reply": {"text": "a b c", "timing": {"first": 0.01, "rate": 200}}},
    {"name": "error", "when": {"model": "error"}, "reply": {"error": {"status": 429, "message": "later"}}},
    {"name": "raw", "when": {"model": "raw"}, "reply": {"raw": {"status": 203, "body": "<html>"}}},
    {
        "name": "cut",
        "when": {"model": "cut"},
        "reply": {"text": "a b c", "faults": [{"fault": "cut", "after_bytes": 20}]},
    },
    {"name": "large", "when": {"model": "large"}, "reply": {"text": "word " * 40_000}},
    {"name": "scores", "when": {"model": "scores"}, "reply": {"text": "word " * 3_000}},
]
REQUESTS: Mapping[str, tuple[str, Any, Mapping[str, str]]] = {
    "dict": ("/v1/chat/completions", SAID, {}),
    "stream": ("/v1/chat/completions", {**SAID, "stream": True}, {}),
    "tools": ("/v1/chat/completions", {**SAID, "tools": [TOOL], "tool_choice": "required"}, {}),
    "paced": ("/v1/chat/completions", {**SAID, "model": "slow", "stream": True}, {}),
    "scripted error": ("/v1/chat/completions", {**SAID, "model": "error"}, {}),
    "raw": ("/v1/chat/completions", {**SAID, "model": "raw"}, {}),
    "cut": ("/v1/chat/completions", {**SAID, "model": "cut"}, {}),
    "large": ("/v1/chat/completions", {**SAID, "model": "large"}, {}),
    "in the thread": ("/v1/chat/completions", {**SAID, "model": "scores", "logprobs": True, "top_logprobs": 9}, {}),
    "no JSON": ("/v1/chat/completions", b'{"model": ', {}),
    "refused": ("/v1/chat/completions", {"model": "gpt-4o"}, {}),
    "another type": ("/v1/chat/completions", b"a=b", {"content-type": "text/plain"}),
    "too large": ("/v1/chat/completions", {**SAID, "user": "x" * 300_000}, {}),
    "a page": ("/v1/chat/completions", SAID, {"origin": "http://a.test"}),
    "another host": ("/v1/chat/completions", SAID, {"host": "evil.test"}),
    "a fault": ("/v1/chat/completions", {**SAID, "stream": True}, {"x-fake-fault": "cut;after_bytes=300"}),
    "a slow fault": ("/v1/chat/completions", SAID, {"x-fake-fault": "slow-head;piece=40;seconds=0.001"}),
    "no such fault": ("/v1/chat/completions", SAID, {"x-fake-fault": "nothing"}),
    "a bug": ("/v1/chat/completions", {**SAID, "stream": True}, {"x-fake-bug": "no-done"}),
    "to be continued": ("/v1/chat/completions", SAID, {"expect": "100-continue"}),
    "completion": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say a"}, {}),
    "embedding": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}, {}),
    "response": ("/v1/responses", {"model": "gpt-4o", "input": "Repeat after me: b"}, {}),
    "no such path": ("/v1/nothing", SAID, {}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_in_one_piece_is_answered_as_one_in_two(name: str) -> None:
    path, body, fields = REQUESTS[name]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answers = [_answer(path, raw, fields, whole=whole) for whole in (True, False)]
    assert answers[0] == answers[1]


def _answer(path: str, body: bytes, fields: Mapping[str, str], *, whole: bool) -> list[Any]:
    """What comes, how it ends, and what the journal and the metrics have of it."""
    members = {"host": "localhost", "content-type": "application/json", "connection": "close", **fields}
    lines = [f"{name}: {value}\r\n" for name, value in {**members, "content-length": str(len(body))}.items()]
    request = f"POST {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body
    with FakeServer(SCRIPTS, seed=3, plain=True) as fake:
        fake.settings.max_body = 300_000
        with socket.create_connection(("127.0.0.1", urlsplit(fake.root).port), timeout=60) as connection:
            last = len(request) if whole else len(request) - 1
            connection.sendall(request[:last])
            if not whole:
                wait_until(lambda: bool(fake.requests or select.select([connection], [], [], 0)[0]))
            received, ending = _receive(connection, request[last:])
        wait_until(lambda: all(entry.seconds is not None for entry in fake.requests))
        journal = [
            (entry.method, entry.path, entry.body, entry.status, entry.script, entry.faults, entry.sent_bytes)
            for entry in fake.requests
        ]
        return [CHANGING.sub(b"", received), ending, journal, dict(fake.settings.counts.requests)]


def _receive(connection: socket.socket, last: bytes) -> tuple[bytes, str]:
    """Send the last bytes, and receive all there is and how it ends."""
    received = b""
    try:
        connection.sendall(last)
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        return received, "reset"
    return received, "end"
