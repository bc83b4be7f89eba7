"""What a finding says goes wrong was measured on such a reply, or follows from what came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.report.findings import finding_as_json, format_finding, format_group
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.errors.mistakes import NO_SUCH_MODEL
from fake_server.wire.exchange import Exchange, Request, Write

CHAT = "/v1/chat/completions"
USER = [{"role": "user", "content": "Hi"}]
ERROR = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


def findings(
    status: int,
    body: Any,
    asked: dict[str, Any],
    path: str = CHAT,
    kind: str = "application/json",
) -> dict[str, Finding]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request("POST", path, body=json.dumps({"model": "m", **asked}).encode())
    writes = (Write(data),) if data else ()
    exchange = Exchange(request, status, (("Content-Type", kind),), writes)
    return {finding.rule.id: finding for finding in judge(exchange).findings}


def completion(prompt_tokens: int) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 0, "total_tokens": prompt_tokens}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "m"}
    return {**head, "choices": [choice], "usage": usage}


@pytest.mark.parametrize("status", [401, 418])
def test_a_refusal_with_a_wrong_status_is_not_said_to_raise_no_error(status: int) -> None:
    for rule, asked in (
        ("errors.unknown-model", {"model": f"{NO_SUCH_MODEL}-1", "messages": USER}),
        ("errors.refuses-no-messages", {"messages": []}),
        ("errors.refuses-wrong-values", {"messages": USER, "temperature": 99}),
    ):
        finding = findings(status, ERROR, asked)[rule]
        text = format_finding(finding)
        assert finding.harm != finding.rule.harm
        assert "no error is raised" not in text
        assert "clients   " not in text
        assert finding_as_json(finding)["clients"] == {}
        assert finding_as_json(finding)["breaks"] == finding.harm


def test_an_answer_to_a_mistake_breaks_what_was_measured() -> None:
    finding = findings(200, completion(9), {"model": f"{NO_SUCH_MODEL}-1", "messages": USER})["errors.unknown-model"]
    assert "no error is raised" in format_finding(finding)
    other = findings(401, ERROR, {"model": f"{NO_SUCH_MODEL}-1", "messages": USER})["errors.unknown-model"]
    assert format_group([finding, other]).count("breaks") == 2
    in_success = findings(200, ERROR, {"model": f"{NO_SUCH_MODEL}-1", "messages": USER})
    assert "errors.status" in in_success
    assert "errors.unknown-model" not in in_success


@pytest.mark.parametrize(
    "message",
    [
        "Invalid URL (POST /v1/chat/completions/x)",
        "Resource not found",
        "404 page not found",
        "Cannot POST /v1/chat/completions",
    ],
)
def test_a_path_that_is_not_there_is_a_good_reason_to_refuse(message: str) -> None:
    requests: list[dict[str, Any]] = [{}, {"messages": []}, {"messages": USER, "temperature": 99}]
    for asked in requests:
        for body in ({"error": {**ERROR["error"], "message": message}}, message.encode()):
            named = set(findings(404, body, asked))
            assert not {name for name in named if name.startswith("errors.refuses")}
    assert "errors.refuses-no-messages" in findings(404, ERROR, {})


def test_a_model_that_is_not_there_is_too() -> None:
    body = {"error": {**ERROR["error"], "code": "model_not_found"}}
    assert "errors.refuses-no-messages" not in findings(404, body, {})


def test_an_empty_prompt_has_no_tokens() -> None:
    name = "usage.prompt-counted"
    assert name in findings(200, completion(0), {"messages": USER})
    assert name not in findings(200, completion(0), {"messages": []})


@pytest.mark.parametrize("body", [ERROR, b"data: " + json.dumps(ERROR).encode() + b"\n\n", b""])
def test_an_error_typed_as_a_stream_breaks_nothing_that_a_success_would(body: Any) -> None:
    for finding in findings(400, body, {"messages": USER, "stream": True}, kind="text/event-stream").values():
        assert finding.rule.id in ("http.json-type", "http.request-id", "errors.body")
        assert "returns JSON" not in finding.harm
        assert "HTML" not in finding.harm


def stream(*chunks: dict[str, Any]) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m"}
    return (
        b"".join(b"data: " + json.dumps({**head, **chunk}).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    )


def test_usage_beside_choices_raises_no_index_error() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    delta = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    asked = {"messages": USER, "stream": True}
    beside = stream({"choices": [delta]}, {"choices": [last], "usage": usage})
    extra = stream({"choices": [delta]}, {"choices": [last]}, {"choices": [], "usage": usage})
    harms = [
        findings(200, body, asked, kind="text/event-stream")["usage.stream-unasked"].harm for body in (beside, extra)
    ]
    assert ["IndexError" in harm for harm in harms] == [False, True]


@pytest.mark.parametrize(("reason", "what"), [({}, "raises KeyError"), ({"finish_reason": "done"}, "whole answer")])
def test_what_a_missing_reason_breaks_is_not_what_a_wrong_one_does(reason: dict[str, Any], what: str) -> None:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": "m"}
    ends = [reason, {"finish_reason": "stop"}] if not reason else [{"finish_reason": None}, reason]
    chunks = ({**head, "choices": [{"index": 0, "text": "A", "logprobs": None, **end}]} for end in ends)
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    asked = {"prompt": "A tree", "stream": True}
    found = findings(200, body, asked, "/v1/completions", "text/event-stream")
    assert what in found["completions.stream.finish-reason"].harm
