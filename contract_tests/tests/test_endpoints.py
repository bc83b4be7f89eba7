"""Which operation a request asks for, by its method and path."""

from __future__ import annotations

import json

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.endpoints import endpoint_of, is_of_responses
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, Request, Write

OPERATIONS = [
    ("POST", "/v1/responses", "responses"),
    ("POST", "/openai/v1/responses/", "responses"),
    ("POST", "/proxy/openai/responses", "responses"),
    ("GET", "/v1/responses", ""),
    ("GET", "/v1/responses/resp_1", "response"),
    ("DELETE", "/v1/responses/resp_1", "response deleted"),
    ("POST", "/v1/responses/resp_1", ""),
    ("POST", "/v1/responses/resp_1/cancel", "response cancelled"),
    ("GET", "/v1/responses/resp_1/input_items", "response items"),
    ("POST", "/v1/responses/resp_1/input_items", ""),
    ("POST", "/v1/responses/input_tokens", "response tokens"),
    ("POST", "/v1/responses/compact", "response compacted"),
    ("POST", "/v1/conversations", "conversations"),
    ("GET", "/v1/conversations/conv_1", "conversation"),
    ("POST", "/v1/conversations/conv_1", "conversation"),
    ("DELETE", "/v1/conversations/conv_1", "conversation deleted"),
    ("GET", "/v1/conversations/conv_1/items", "conversation items"),
    ("POST", "/v1/conversations/conv_1/items", "conversation items"),
    ("GET", "/v1/conversations/conv_1/items/msg_1", "conversation item"),
    ("DELETE", "/v1/conversations/conv_1/items/msg_1", "conversation item deleted"),
    ("POST", "/v1/chat/completions", "chat"),
    ("POST", "/v1/chat/moderations", ""),
    ("GET", "/v1/chat/completions/chatcmpl-1/messages", "stored messages"),
    ("GET", "/v1/models/responses", "model"),
    ("GET", "/v1/files/file_1", ""),
]


@pytest.mark.parametrize(("method", "path", "name"), OPERATIONS, ids=[f"{one[0]} {one[1]}" for one in OPERATIONS])
def test_a_request_is_known_by_its_method_and_path(method: str, path: str, name: str) -> None:
    assert endpoint_of(method, path) == name
    assert is_of_responses(name) is any(word in path for word in ("/responses", "/conversations")) & bool(
        name != "model" and name
    )


FAILED = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1760000000,
    "status": "failed",
    "error": {"code": "server_error", "message": "The model failed."},
    "output": [],
}


def answer(method: str, path: str, value: object) -> Exchange:
    return Exchange(
        Request(method, path), 200, (("Content-Type", "application/json"),), (Write(json.dumps(value).encode()),)
    )


@pytest.mark.parametrize(("method", "path"), [(one[0], one[1]) for one in OPERATIONS if one[2][:8] == "response"])
def test_a_response_that_failed_is_no_error_disguised_as_a_success(method: str, path: str) -> None:
    exchange = answer(method, path, FAILED)
    assert not View(exchange).failure
    assert View(exchange).is_dict
    assert not [rule for rule in judge(exchange).ids() if rule.startswith("errors.")]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no"}},
        {"object": "error", "message": "no", "code": 500},
        {"detail": "no"},
        {"success": False},
    ],
    ids=str,
)
def test_an_error_with_status_200_is_a_failure_of_responses_too(body: object) -> None:
    assert View(answer("POST", "/v1/responses", body)).failure


def events(*values: object) -> Exchange:
    data = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    return Exchange(Request("POST", "/v1/responses"), 200, (("Content-Type", "text/event-stream"),), (Write(data),))


CREATED = {"type": "response.created", "response": {**FAILED, "status": "in_progress", "error": None}}
DELTA = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "A"}
ERRORS = [
    {"type": "error", "code": "server_error", "message": "The model failed.", "param": None},
    {"type": "error", "error": {"code": "server_error", "message": "The model failed."}},
]


@pytest.mark.parametrize("error", ERRORS, ids=("flat", "nested"))
def test_an_error_event_of_a_response_is_known_as_one(error: object) -> None:
    early, late = events(CREATED, error), events(CREATED, DELTA, error)
    assert len(View(early).error_events) == len(View(late).error_events) == 1
    assert "errors.before-the-stream" in judge(early).ids()
    assert "errors.before-the-stream" not in judge(late).ids()
