"""A reply of another kind or form than was asked for, or an error called a success, is one finding."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD
from contract_tests.tests.replies import CHAT, MESSAGES, TEXT, exchange

EMBEDDINGS, MODERATIONS, RESPONSES = "/v1/embeddings", "/v1/moderations", "/v1/responses"
ASKED: dict[str, dict[str, Any]] = {
    CHAT: {"model": "m", "messages": MESSAGES},
    TEXT: {"model": "m", "prompt": "Say hello."},
    EMBEDDINGS: {"model": "m", "input": "tree"},
    MODERATIONS: {"model": "m", "input": "tree"},
    RESPONSES: {"model": "m", "input": "Say hello."},
}
NAMED = {
    CHAT: "chat.object",
    TEXT: "completions.object",
    EMBEDDINGS: "embeddings.list-object",
    MODERATIONS: "moderations.results",
    RESPONSES: "responses.object",
}
NO_OBJECT = {
    CHAT: "chat.is-dict",
    TEXT: "completions.is-dict",
    EMBEDDINGS: "embeddings.is-object",
    MODERATIONS: "moderations.is-object",
    RESPONSES: "responses.is-dict",
}
OF_NO_KIND: list[dict[str, Any]] = [
    {},
    {"data": {"id": "x"}},
    {"data": []},
    {"result": {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}]}},
    {"success": True, "data": {"id": "modr-1", "model": "m", "results": [{"flagged": False}]}},
    {"body": '{"object":"response"}', "statusCode": 200},
    {"response": {"id": "resp_1", "object": "response", "output": []}},
    {"object": "list", "data": [{"id": "m", "object": "model", "created": 1_796_000_000, "owned_by": "x"}]},
    {"code": 0, "msg": "ok", "data": None},
]


def _judged(path: str, asked: object, reply: Any, status: int = 200) -> dict[str, list[str]]:
    """What was seen, by the rules of MUST and SHOULD that are broken."""
    seen: dict[str, list[str]] = {}
    for finding in judge(exchange(asked, json.dumps(reply).encode(), status, path=path)).findings:
        if finding.rule.level in (MUST, SHOULD):
            seen.setdefault(finding.rule.id, []).append(finding.actual)
    return seen


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("reply", OF_NO_KIND, ids=lambda reply: json.dumps(reply)[:40])
def test_a_reply_that_is_not_of_its_kind_is_one_finding(path: str, reply: dict[str, Any]) -> None:
    seen = _judged(path, ASKED[path], reply)
    assert seen.keys() == {NAMED[path]}
    assert [text.startswith("a reply that is no ") for text in seen[NAMED[path]]] == [True]


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("reply", [[], None, "hello", 5, True, [{"results": []}]], ids=json.dumps)
def test_a_reply_that_is_no_object_is_one_finding(path: str, reply: Any) -> None:
    assert _judged(path, ASKED[path], reply).keys() == {NO_OBJECT[path]}


@pytest.mark.parametrize(
    ("path", "reply", "lacking"),
    [
        (EMBEDDINGS, {"data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}]}, "embeddings.model"),
        (EMBEDDINGS, {"object": "list", "data": [], "model": "m"}, "embeddings.data"),
        (RESPONSES, {"id": "resp_1", "object": "response", "model": "m"}, "responses.status"),
        (RESPONSES, {"id": "resp_1", "output": []}, "responses.status"),
        (MODERATIONS, {"results": [{"flagged": False}]}, "moderations.stamp"),
    ],
)
def test_what_is_of_its_kind_is_asked_for_all_of_it(path: str, reply: dict[str, Any], lacking: str) -> None:
    assert lacking in _judged(path, ASKED[path], reply)


FAILURES: list[dict[str, Any]] = [
    {"error": {"message": "boom", "type": "invalid_request_error", "param": None, "code": None}},
    {"error": "boom"},
    {"object": "error", "message": "boom", "code": 400},
    {"detail": [{"loc": ["body", "messages"], "msg": "Field required", "type": "missing"}]},
    {"success": False, "message": "boom"},
]
MISTAKES: list[tuple[str, object]] = [
    (CHAT, b'{"model":'),
    (CHAT, {"model": "m"}),
    (CHAT, {"model": "m", "messages": []}),
    (CHAT, {"messages": MESSAGES}),
    (CHAT, {"model": "no-such-model-x", "messages": MESSAGES}),
    (CHAT, {"model": "m", "messages": MESSAGES, "temperature": 9}),
    (CHAT, {"model": "m", "messages": MESSAGES, "max_tokens": 0}),
    (CHAT, {"model": "m", "messages": MESSAGES, "tool_choice": "required"}),
    (CHAT, {"model": "m", "messages": [{"role": "alien", "content": "x"}]}),
    (CHAT, {"model": "m", "messages": MESSAGES, "response_format": {"type": "yaml"}}),
    (CHAT, {"model": "m", "messages": MESSAGES, "response_format": "json"}),
    (EMBEDDINGS, {"model": "m"}),
    (EMBEDDINGS, {"model": "m", "input": "x", "encoding_format": "yaml"}),
    (MODERATIONS, {"model": "m", "input": []}),
    (RESPONSES, {"model": "m", "input": "x", "max_output_tokens": 3}),
    (RESPONSES, {"model": "no-such-model-x", "input": "x"}),
    (RESPONSES, {"model": "m", "input": "x", "previous_response_id": "resp_no_such_response"}),
    ("/v1/no-such-path", {"model": "m"}),
]


@pytest.mark.parametrize(("path", "asked"), MISTAKES, ids=str)
@pytest.mark.parametrize("reply", FAILURES, ids=lambda reply: json.dumps(reply)[:20])
def test_a_mistake_that_is_refused_with_status_200_is_one_finding(path: str, asked: object, reply: Any) -> None:
    assert _judged(path, asked, reply).keys() == {"errors.status"}


@pytest.mark.parametrize(("path", "asked"), MISTAKES[:3], ids=str)
def test_a_mistake_that_is_answered_is_still_named(path: str, asked: object) -> None:
    assert any(name.startswith("errors.refuses-") for name in _judged(path, asked, {"id": "x", "choices": []}))
