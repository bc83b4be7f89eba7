"""Failures as api.openai.com tells of them, and recordings that lost something, are not accused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract_tests.recordings.jsonl import read_lines
from contract_tests.rules import judge
from contract_tests.tests.test_genuine_forms import asking, ids, load, musts, sized
from fake_server.wire.exchange import Aspect, Exchange

# -- failures


def test_usage_of_nothing_may_follow_an_error_in_a_stream() -> None:
    broken = load("broken-off-stream")
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "m", "choices": []}
    counted = {**chunk, "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}
    more = [b"data: " + json.dumps(item).encode() + b"\n\n" for item in (counted, {**counted, "choices": [{}]})]
    done = b"data: [DONE]\n\n"
    bodies: list[dict[str, Any]] = [{}, {"stream_options": {"include_usage": True}}]
    for sent in bodies:
        asked = asking(broken, **sent)
        assert not {"errors.ends-the-stream", "usage.prompt-counted"} & ids(
            asked.with_payload(broken.payload + more[0] + done)
        )
    assert "errors.ends-the-stream" in ids(broken.with_payload(broken.payload + more[1] + done))


@pytest.mark.parametrize(
    ("status", "media", "body", "accused"),
    [
        (503, "text/plain", b"upstream connect error or disconnect/reset before headers", False),
        (502, "text/plain; charset=utf-8", b"error code: 502", False),
        (504, "text/plain", b"upstream request timeout", False),
        (520, "text/plain", b"error code: 520", False),
        (503, "text/html", b"<html><h1>503</h1></html>", True),
        (503, "text/plain", b"", True),
        (500, "text/plain", b"Internal Server Error", True),
        (400, "text/plain", b"bad request", True),
    ],
)
def test_a_gateway_may_fail_in_plain_text(status: int, media: str, body: bytes, accused: bool) -> None:
    base = sized(load("no-key").but(status=status), body)
    named = tuple(pair for pair in base.headers if pair[0].lower() != "content-type")
    exchange = base.but(headers=(*named, ("Content-Type", media)))
    assert musts(exchange) == ({"errors.body"} if accused else set())


FAILED = {"error": {"code": "server_error", "message": "It failed."}, "id": "resp_1"}
RESPONSE = {"object": "response", "status": "failed", "created_at": 1760000000, "model": "m", "output": [], **FAILED}


@pytest.mark.parametrize(
    ("path", "body", "accused"),
    [
        ("/v1/responses", RESPONSE, False),
        ("/v1/fine_tuning/jobs", {"object": "fine_tuning.job", "status": "failed", **FAILED}, False),
        ("/v1/responses", FAILED, True),
        ("/v1/responses", {"object": "error", "message": "no"}, True),
        ("/v1/chat/completions", {"object": "chat.completion", **FAILED}, True),
    ],
)
def test_what_failed_holds_its_error_with_status_200(path: str, body: dict[str, Any], accused: bool) -> None:
    asked = {"input": "Hi"} if path == "/v1/responses" else {}
    exchange = asking(sized(load("poem-dict"), json.dumps(body).encode()), path, **asked)
    assert musts(exchange) == ({"errors.status"} if accused else set())


# -- what a recorder lost


def line(tmp_path: Path, **response: Any) -> Exchange:
    entry = {
        "id": "x",
        "endpoint": "chat/completions",
        "source": {"fidelity": "sse-rejoined"},
        "request": {
            "method": "POST",
            "path": "/v1/chat/completions",
            "body": {"model": "m", "messages": [{}], "stream": True},
        },
        "response": {"status": 200, "headers": {"content-type": "text/event-stream"}, **response},
    }
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps(entry) + "\n")
    (recording,) = read_lines(path)
    return recording.exchange


def test_a_body_that_was_not_recorded_is_not_judged(tmp_path: Path) -> None:
    exchange = line(tmp_path, body_kind="binary", body={"$omitted": 100})
    assert Aspect.BODY in exchange.unknown
    assert ids(exchange) == ids(exchange.but(status=500)) == set()
    assert "http.body-not-empty" in judge(exchange).not_reached
    assert "errors.body" in judge(exchange.but(status=500)).not_reached


def test_a_framing_that_the_recorder_made_is_not_judged(tmp_path: Path) -> None:
    chunk = json.dumps({"id": "chatcmpl-1", "choices": []})
    rejoined = f"data: {chunk}\ndata: [DONE]\n\ndata: \n\n{chunk}\n"
    found = ids(line(tmp_path, body_kind="sse", body=rejoined))
    assert not {name for name in found if name.startswith("sse.")}
    assert "chat.stream.not-empty" not in found
