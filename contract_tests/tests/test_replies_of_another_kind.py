"""A reply of another kind or form than was asked for, or an error called a success, is one finding."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD
from contract_tests.run.outcome import Outcome
from contract_tests.tests.replies import CHAT, MESSAGES, TEXT, chunks, exchange
from contract_tests.tests.small_target import Answer, Answerer, refusal, report_of

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


@pytest.mark.parametrize("path", [CHAT, TEXT, RESPONSES])
@pytest.mark.parametrize("reply", FAILURES, ids=lambda reply: json.dumps(reply)[:20])
def test_an_error_with_status_200_in_place_of_a_stream_is_one_finding(path: str, reply: Any) -> None:
    assert _judged(path, {**ASKED[path], "stream": True}, reply).keys() == {"errors.status"}


COUNTED = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def _dicts(path: str) -> list[dict[str, Any]]:
    """A whole reply, with and without usage, and what else a server may send as JSON."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": None}
    said = (
        {"message": {"role": "assistant", "content": "Hello.", "refusal": None}} if path == CHAT else {"text": "Hello."}
    )
    kind = "chat.completion" if path == CHAT else "text_completion"
    head = {"id": "chatcmpl-1", "object": kind, "created": 1_796_000_000, "model": "m"}
    whole = {**head, "choices": [{**choice, **said}]}
    return [{**whole, "usage": COUNTED}, whole, {**head, "choices": []}, {}, *chunks(path)[:-1]]


_OTHER = [(path, n, number) for path in (CHAT, TEXT) for n in (1, 2) for number in range(6)]


@pytest.mark.parametrize(("path", "n", "number"), _OTHER)
@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
def test_a_dict_where_a_stream_was_asked_for_is_one_finding(path: str, n: int, number: int, media: str) -> None:
    asked = {**ASKED[path], "stream": True, "n": n}
    judged = judge(exchange(asked, json.dumps(_dicts(path)[number]).encode(), media=media, path=path))
    assert judged.ids(MUST, SHOULD) == {"chat.stream.is-stream" if path == CHAT else "completions.stream.is-stream"}


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("kept", [slice(None), slice(1, None), slice(0, 1), slice(0, -1)], ids=str)
def test_a_stream_where_a_dict_was_asked_for_is_one_finding(path: str, n: int, media: str, kept: slice) -> None:
    for events in (chunks(path)[kept], [_dicts(path)[0], "[DONE]"]):
        lines = (event if isinstance(event, str) else json.dumps(event) for event in events)
        body = "".join(f"data: {line}\n\n" for line in lines).encode()
        judged = judge(exchange({**ASKED[path], "n": n}, body, media=media, path=path))
        assert judged.ids(MUST, SHOULD) - {"sse.done"} == {NO_OBJECT[path]}


def test_a_response_in_the_other_form_is_one_finding() -> None:
    response = {"id": "resp_1", "object": "response", "output": [], "model": "m"}
    asked = ASKED[RESPONSES]
    body = json.dumps(response).encode()
    assert judge(exchange({**asked, "stream": True}, body, path=RESPONSES)).ids(MUST, SHOULD) == {
        "responses.stream.is-stream"
    }
    event = {"type": "response.completed", "sequence_number": 0, "response": response}
    events = f"event: response.completed\ndata: {json.dumps(event)}\n\n".encode()
    judged = judge(exchange(asked, events, media="text/event-stream", path=RESPONSES))
    assert judged.ids(MUST, SHOULD) == {"responses.is-dict"}


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    "chunk",
    [
        *chunks(CHAT)[:-1],
        {**chunks(CHAT)[0], "choices": [], "usage": COUNTED},
        {**chunks(CHAT)[2], "usage": None},
        {**chunks(CHAT)[1], "object": "chat.completion"},
        {**chunks(CHAT)[2], "usage": COUNTED},
    ],
    ids=range(7),
)
def test_a_chunk_as_the_whole_reply_is_one_finding(n: int, chunk: dict[str, Any]) -> None:
    seen = _judged(CHAT, {**ASKED[CHAT], "n": n}, chunk)
    assert seen.keys() == {"chat.object"}
    assert seen["chat.object"][0].startswith("a chunk of a stream as the whole reply: ")


@pytest.mark.parametrize("n", [1, 2])
def test_a_chunk_of_a_text_as_the_whole_reply_is_one_finding(n: int) -> None:
    assert _judged(TEXT, {**ASKED[TEXT], "n": n}, chunks(TEXT)[0]).keys() == {"completions.object"}


def test_a_dict_that_lacks_members_is_no_chunk() -> None:
    whole = _dicts(CHAT)[1]
    assert _judged(CHAT, ASKED[CHAT], whole).keys() == {"usage.present"}
    named = {**whole, "object": "chat.completion.chunk", "usage": COUNTED}
    assert _judged(CHAT, ASKED[CHAT], named)["chat.object"] == ['"chat.completion.chunk"']
    (choice,) = whole["choices"]
    misplaced = {**choice, "delta": choice["message"]}
    del misplaced["message"]
    seen = _judged(CHAT, ASKED[CHAT], {**whole, "choices": [misplaced], "usage": COUNTED})
    assert seen.keys() == {"chat.message"}
    endless = {**_dicts(TEXT)[0], "choices": [{**_dicts(TEXT)[0]["choices"][0], "finish_reason": None}]}
    assert _judged(TEXT, ASKED[TEXT], endless).keys() == {"completions.finish-reason"}


FAILED_FOR = [
    "Unsupported parameter: '{0}' is not supported with this model.",
    "Unknown parameter: '{0}'.",
    "Unrecognized request argument supplied: {0}",
    "property '{0}' is unsupported",
    "upstream: litellm.UnsupportedParamsError: x does not support parameters: ['{0}'], for model=m.",
]
STUMBLED_OVER = [
    "AsyncCompletions.create() got an unexpected keyword argument '{0}'",
    "TypeError: unsupported parameter: '{0}'",
    "boom while reading {0}",
    "Internal Server Error",
    "Unsupported parameter: 'no_such_thing'",
]


ACCEPTED = "relations.accepted"


def _answer_to(path: str, member: str, failure: Answer) -> Answerer:
    """What a target answers that fails at each request with this member at this path."""
    return lambda asked: failure if asked.path == path and member in asked.json else None


@pytest.mark.parametrize("status", [500, 502])
@pytest.mark.parametrize("words", FAILED_FOR)
@pytest.mark.parametrize(
    ("path", "asked", "named"),
    [
        (CHAT, {"n": 2}, "n"),
        (CHAT, {"logprobs": True, "top_logprobs": 2}, "top_logprobs"),
        (CHAT, {"response_format": {"type": "json_object"}}, "response_format.type"),
        (RESPONSES, {"reasoning": {"effort": "low"}}, "reasoning.effort"),
    ],
)
def test_a_failure_that_calls_a_parameter_unsupported_refuses_it(
    path: str, asked: dict[str, Any], named: str, words: str, status: int
) -> None:
    error = {"message": words.format(named), "type": "server_error", "param": None, "code": None}
    seen = _judged(path, {**ASKED[path], **asked}, {"error": error}, status)
    assert seen == {"errors.callers-mistake": [f"status {status} for {named.split('.')[0]}, called unsupported"]}


@pytest.mark.parametrize("words", STUMBLED_OVER)
def test_a_failure_of_the_servers_own_code_refuses_nothing(words: str) -> None:
    error = {"message": words.format("n"), "type": "server_error", "param": None, "code": None}
    assert "errors.callers-mistake" not in _judged(CHAT, {**ASKED[CHAT], "n": 2}, {"error": error}, 500)


@pytest.mark.parametrize(
    ("case", "path", "member", "named"),
    [
        ("responses.reasoning", RESPONSES, "reasoning", "reasoning.effort"),
        ("chat.n", CHAT, "n", "n"),
        ("logprobs.dict", CHAT, "logprobs", "logprobs"),
    ],
)
def test_what_a_failure_calls_unsupported_is_unsupported(case: str, path: str, member: str, named: str) -> None:
    told = (
        (FAILED_FOR[0], "errors.callers-mistake", f"status 502 names {member}"),
        (STUMBLED_OVER[0], ACCEPTED, "dict"),
    )
    for words, broken, reason in told:
        report, _ = report_of(_answer_to(path, member, refusal(502, words.format(named))), case)
        (result,) = report.results
        assert {finding.rule.id for finding in result.findings if finding.rule.level is MUST} == {broken}
        assert result.reason.partition(":")[0] == reason
        assert result.outcome is Outcome.FAIL
