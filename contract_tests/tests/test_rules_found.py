"""What the fuzz has found in the rules, mended: exchanges that keep the contract, schemas that are none."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from contract_tests.rules import judge
from fake_server.wire.exchange import Exchange, Headers, Request, Write

CHAT, JSON = "/v1/chat/completions", ("Content-Type", "application/json")
ERROR = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


def found(method: str, target: str, asked: Any, status: int, said: Any, fields: Headers = (JSON,)) -> set[str]:
    request = Request(method, target, fields, b"" if asked is None else json.dumps(asked).encode())
    return judge(Exchange(request, status, (JSON,), (Write(json.dumps(said).encode()),))).ids()


@pytest.mark.parametrize(
    ("target", "asked", "rule"),
    [
        (CHAT, {"model": "a", "messages": None}, "errors.refuses-no-messages"),
        (CHAT, {"model": "a", "messages": [{"role": "king", "content": "Hi"}]}, "errors.refuses-wrong-values"),
        ("/v1/embeddings", {"model": "a", "input": None}, "errors.refuses-no-input"),
        ("/v1/responses", {"model": "a", "input": 1}, "responses.refuses-no-input"),
        ("/v1/responses", {"model": "a", "input": "Hi", "temperature": 99}, "responses.refuses-wrong-values"),
    ],
)
def test_what_is_not_called_json_may_be_refused_for_that(target: str, asked: Any, rule: str) -> None:
    for fields in ((("Content-Type", "text/plain"),), (JSON, ("Content-Encoding", "gzip"))):
        assert rule not in found("POST", target, asked, 415, ERROR, fields)
    assert rule in found("POST", target, asked, 415, ERROR)
    assert rule in found("POST", target, asked, 200, {"id": "x"}, (("Content-Type", "text/plain"),))


@pytest.mark.parametrize(("end", "judged"), [("", {"errors.refuses-no-messages"}), ("/", set())])
def test_a_path_with_a_slash_more_may_not_exist(end: str, judged: set[str]) -> None:
    assert (
        found("POST", CHAT + end, {"model": "a", "messages": []}, 404, ERROR) & {"errors.refuses-no-messages"} == judged
    )


def test_another_method_on_a_model_that_does_not_exist() -> None:
    assert "errors.unknown-model" not in found("POST", "/v1/models/no-such-model", None, 405, ERROR)
    assert "errors.unknown-model" in found("GET", "/v1/models/no-such-model", None, 405, ERROR)


def echoed(logprobs: list[float | None], top: list[dict[str, float] | None]) -> set[str]:
    told = {
        "tokens": ["Say", " this"],
        "token_logprobs": logprobs,
        "top_logprobs": top,
        "text_offset": [0, 3],
    }
    choice = {"text": "Say this", "index": 0, "logprobs": told, "finish_reason": "stop"}
    said = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "a", "choices": [choice]}
    asked = {"model": "a", "prompt": "Say", "echo": True, "logprobs": 1, "max_tokens": 1}
    return found("POST", "/v1/completions", asked, 200, said)


def test_the_first_token_of_an_echoed_prompt_has_no_probability() -> None:
    assert "completions.shape" not in echoed([None, -0.5], [None, {" this": -0.5}])
    assert "completions.shape" in echoed([-0.5, None], [{"Say": -0.5}, {" this": -0.5}])


def structured(schema: Any, text: str) -> set[str]:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    asked = {"model": "a", "messages": [{"role": "user", "content": "a"}], "response_format": wanted}
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    said = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "a", "choices": [choice]}
    return found("POST", CHAT, asked, 200, said)


@pytest.mark.parametrize("schema", [{"type": []}, {"pattern": "("}, {"multipleOf": 0}, {"$ref": "#/x"}])
def test_a_schema_that_is_none_is_not_judged(schema: dict[str, Any]) -> None:
    assert "formats.schema-kept" not in structured(schema, '"a"')


def test_no_pattern_takes_for_ever() -> None:
    began = time.process_time()
    text = json.dumps({"a" * 40: "a" * 40 + "!"})
    inner = {"type": "string", "pattern": "^(a+)+$"}
    assert "formats.schema-kept" in structured({"type": "object", "additionalProperties": inner}, text)
    named = {"patternProperties": {"^(a+)+$": True}, "additionalProperties": False}
    assert "formats.schema-kept" not in structured({"type": "object", **named}, text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(("limit", "judged"), [("1e999", False), ("9" * 400, True)])
def test_a_limit_is_any_number(limit: str, judged: bool) -> None:
    messages = json.dumps([{"role": "user", "content": "b"}])
    asked = f'{{"model": "a", "messages": {messages}, "max_tokens": {limit}}}'
    request = Request("POST", CHAT, (JSON,), asked.encode())
    reply = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 10}}
    told = judge(Exchange(request, 200, (JSON,), (Write(json.dumps(reply).encode()),)))
    assert ("chat.limit-kept" in told.applied) is judged
    assert "chat.limit-kept" not in told.ids()
