"""What was said of real servers and was not so: each in the smallest exchange that brings it about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge, judge_trace
from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.refused import describe_refusal
from contract_tests.rules.engine.view import View
from contract_tests.tests.small_target import refusal
from contract_tests.tests.small_traces import both, said, streamed
from contract_tests.tests.test_preflight import stopped, to_chat
from fake_server.wire.exchange import Exchange, Request, Write

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Say hello."}]
ASKED = {"model": "m", "messages": MESSAGES}


def _exchange(
    asked: object, answer: object, status: int = 200, path: str = CHAT, media: str = "application/json"
) -> Exchange:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    sent = asked if isinstance(asked, bytes) else json.dumps(asked).encode() if asked else b""
    request = Request("POST" if asked else "GET", path, body=sent)
    return Exchange(request, status, (("Content-Type", media),), (Write(body),))


def _streamed(events: str, **asked: Any) -> Exchange:
    return _exchange({"model": "m", "stream": True, **asked}, events.encode(), media="text/event-stream")


def _findings(exchange: Exchange) -> dict[str, Finding]:
    return {finding.rule.id: finding for finding in judge(exchange).findings}


def _completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": "Hello to all of you out there."}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_796_000_000, "model": "m"}
    return {**head, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _fastapi(kind: str, place: list[Any], message: str) -> dict[str, Any]:
    return {"detail": [{"type": kind, "loc": ["body", *place], "msg": message}]}


def test_a_place_in_the_text_is_no_parameter_that_is_refused() -> None:
    bad = _fastapi("json_invalid", [40], "JSON decode error")
    found = _findings(_exchange(b'{"model": "m", "messages": [', bad, 422))["errors.object"]
    assert "is refused" not in found.actual


def test_of_a_valid_request_that_gets_422_it_is_not_said_that_400_is_due() -> None:
    refused = _fastapi("dict_type", ["tool_choice"], "Input should be a valid dictionary")
    valid = _findings(_exchange({**ASKED, "tools": [{}], "tool_choice": "auto"}, refused, 422))["errors.not-422"]
    wrong = _findings(_exchange({"model": "m"}, _fastapi("missing", ["messages"], "Field required"), 422))
    assert valid.expected == "status 400, if it is to be refused at all"
    assert wrong["errors.not-422"].expected == "status 400"


def test_an_error_that_is_a_string_is_shown_as_it_reads() -> None:
    view = View(_exchange(ASKED, {"error": "Error code: 400 - no"}, 500))
    assert describe_refusal(view) == "Error code: 400 - no"


PRINTED = [
    "{'message': \"Error code: 400 - Invalid 'messages'\", 'type': 'BadRequestError'}",
    r"""failed: "Error code: 404 - {\'error\': {\'message\': \'no such model\'}}" """,
]


@pytest.mark.parametrize("message", PRINTED)
def test_a_printed_error_within_a_printed_error_is_not_in_words(message: str) -> None:
    error = {"error": {"message": message, "type": "t", "param": None, "code": None}}
    assert "errors.in-words" in _findings(_exchange(ASKED, error, 400))


@pytest.mark.parametrize("message", ["Use {'type': …} here.", "{'a', 'b'} are taken.", "'error' is no role."])
def test_words_with_braces_are_words(message: str) -> None:
    error = {"error": {"message": message, "type": "t", "param": None, "code": None}}
    assert "errors.in-words" not in _findings(_exchange(ASKED, error, 400))


def test_a_code_beside_a_5xx_is_part_of_the_callers_mistake() -> None:
    error = {"error": {"message": "No such model.", "type": "t", "param": None, "code": "model_not_found"}}
    found = _findings(_exchange({**ASKED, "model": "no-such-model-1"}, error, 502))
    assert "errors.callers-mistake" in found
    assert "errors.status-fits-code" not in found


@pytest.mark.parametrize(("name", "rule"), [("gpt-9", "models.retrieve-id"), ("no-such-model-1", None)])
def test_a_list_in_place_of_a_model_is_one_finding(name: str, rule: str | None) -> None:
    listed = {"object": "list", "data": [{"id": "gpt-9", "object": "model", "created": 1_700_000_000, "owned_by": "x"}]}
    found = _findings(_exchange(None, listed, path=f"/v1/models/{name}"))
    assert {name for name in found if name.startswith("models.")} == ({rule} if rule else set())
    assert rule is None or found[rule].actual == "a list of models"


def test_words_beyond_the_limit_are_not_said_to_cost() -> None:
    found = _findings(_exchange({**ASKED, "max_tokens": 3}, _completion()))["chat.limit-kept"]
    assert (found.actual, found.harm) == ("7 words", "the answer is longer than the caller allowed")


def test_an_error_without_a_blank_line_behind_it_is_what_parsers_drop() -> None:
    found = _findings(_streamed('data: {"error": {"message": "no"}}\n', messages=MESSAGES))["sse.last-event-complete"]
    assert found.harm.startswith("parsers that follow the standard drop the last event, the error")
    found = _findings(_streamed("data: [DONE]\n", messages=MESSAGES))["sse.last-event-complete"]
    assert found.harm == found.rule.harm


def test_a_parameter_that_the_target_adds_is_named_before_the_first_case() -> None:
    words, _ = stopped(to_chat(refusal(400, "Unrecognized request argument supplied: no_stop_trim")))
    assert "no request has no_stop_trim: the target adds it" in words
    assert "--model" not in words


@pytest.mark.parametrize(("model", "words"), [("m", "no client can mend"), ("no-such-model-1", "does not learn of")])
def test_what_a_server_adds_to_a_wrong_request_harms_in_another_way(model: str, words: str) -> None:
    error = {"message": "Unrecognized request argument supplied: no_stop_trim", "type": "invalid_request_error"}
    refused = _exchange({**ASKED, "model": model}, {"error": {**error, "param": None, "code": None}}, 400)
    assert words in _findings(refused)["errors.added-parameter"].harm


def _counted(*counts: int, finish: str = "stop", **asked: Any) -> Exchange:
    """A stream that counts as it goes, as vLLM's with continuous_usage_stats: each chunk has the usage so far."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_796_000_000, "model": "m"}
    chunks = []
    for place, count in enumerate(counts):
        delta = {"role": "assistant", "content": ""} if not place else {"content": "Hello to you all out there. "}
        end = finish if place == len(counts) - 1 else None
        usage = {"prompt_tokens": 9 if place else 0, "completion_tokens": count, "total_tokens": count + 9}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
        chunks.append({**head, "choices": [choice], "usage": usage})
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return _streamed(f"{events}data: [DONE]\n\n", messages=MESSAGES, **asked)


def test_of_a_stream_that_counts_as_it_goes_the_last_count_holds() -> None:
    found = _findings(_counted(0, 6, 12, 18, finish="length", max_tokens=18))
    assert "usage.stream-once" in found
    weighed = {"usage.completion-counted", "usage.completion-size", "usage.prompt-counted", "chat.stream.length-true"}
    assert not weighed & set(found)
    assert {"usage.completion-counted", "usage.stream-once"} <= set(_findings(_counted(0, 0, 0)))


def test_an_empty_delta_is_not_said_to_be_under_another_name() -> None:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_796_000_000, "model": "m"}
    deltas: list[Any] = [{"role": "assistant", "content": "Hello."}, {}, {"content": " You."}]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    found = _findings(_streamed(events, messages=MESSAGES))["chat.stream.delta-says-something"]
    assert found.harm.startswith("the chunk says nothing")


def test_a_call_that_is_forced_without_tools_is_said_to_be() -> None:
    found = _findings(_exchange({**ASKED, "tool_choice": "required"}, _completion()))["errors.refuses-wrong-values"]
    assert found.actual == 'status 200 for tool_choice "required" without tools'


def test_texts_that_part_are_not_quoted_as_if_they_began_there() -> None:
    (found,) = judge_trace(both(said("1, 2,"), streamed("1, 2, "))).findings
    assert found.actual == "another text from character 5 on: '1, 2, '"


def test_a_refusal_in_plain_words_is_shown_up_to_what_it_refuses() -> None:
    words = b"Failed to deserialize the JSON body into the target type: tools[0].function: missing field `parameters`"
    refused = Exchange(Request("POST", CHAT, body=b"{}"), 422, (("Content-Type", "text/plain"),), (Write(words),))
    assert "missing field `parameters`" in _findings(refused)["errors.body"].actual
