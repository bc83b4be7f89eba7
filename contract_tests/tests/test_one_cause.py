"""One cause is one finding: what is no chunk, a mistake answered with a 5xx, a parameter that nobody sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.report.findings import find_reference, first_few
from contract_tests.rules import RULES, judge, judge_trace
from contract_tests.rules.engine.judge import MUST, SHOULD, Evidence, Finding
from contract_tests.rules.engine.node import Place
from contract_tests.rules.engine.refused import added_parameters
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.tests.replies import CHAT, MESSAGES, TEXT, chunks, exchange, streamed
from fake_server.wire.exchange import Exchange

FLAT_ERRORS = [
    {"object": "error", "message": "boom", "type": "x", "code": 400, "param": None},
    {"detail": "boom"},
    {"message": "boom", "status": 500},
    {"errors": [{"message": "boom"}]},
    {"error": "boom"},
    {"fault": {"faultstring": "boom", "detail": {}}},
    {"code": 500, "msg": "boom"},
    {"success": False, "reason": "boom"},
]
STRAYS: list[dict[str, Any]] = [
    {"type": "ping"},
    {},
    {"conversation": {"id": 1}},
    {"type": "message_start", "message": {"id": "msg_1", "role": "assistant"}},
    {"type": "response.created", "response": {"id": "resp_1", "object": "response"}},
    {
        "model": "m",
        "created_at": "2026-11-30T07:00:00Z",
        "message": {"role": "assistant", "content": "x"},
        "done": False,
    },
    {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
]


@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_a_stream_of_chunks_is_no_finding(path: str) -> None:
    assert not judge(streamed(chunks(path), path)).ids(MUST)


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("error", FLAT_ERRORS, ids=str)
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("after", [[], ["[DONE]"]])
def test_an_error_of_another_form_in_a_stream_is_named_once(
    path: str, error: dict[str, Any], before: int, after: list[str]
) -> None:
    events = [*chunks(path)[:before], error, *after]
    assert judge(streamed(events, path)).ids(MUST) == {"errors.in-stream"}


@pytest.mark.parametrize("error", FLAT_ERRORS, ids=str)
def test_a_failure_that_calls_itself_a_success_is_one_finding(error: dict[str, Any]) -> None:
    judged = judge(exchange({"model": "m", "messages": MESSAGES}, json.dumps(error).encode()))
    assert judged.ids(MUST) - {"errors.object"} == {"errors.status"}


@pytest.mark.parametrize(
    "answer", [{"message": "ok", "code": 0}, {"status": "success", "msg": "hello"}, {"text": "hi"}]
)
def test_an_answer_of_another_form_is_no_failure(answer: dict[str, Any]) -> None:
    assert "errors.status" not in judge(exchange({"messages": MESSAGES}, json.dumps(answer).encode())).ids(MUST)


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize(
    "last", ["upstream connect error", "<html>502</html>", '"boom"', [{"error": {"message": "x"}}]]
)
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("after", [[], ["[DONE]"]])
def test_a_stream_that_breaks_off_with_what_is_no_object_is_one_finding(
    path: str, last: Any, before: int, after: list[str]
) -> None:
    judged = judge(streamed([*chunks(path)[:before], last, *after], path))
    assert judged.ids(MUST) == {"sse.one-json-per-event"}


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("stray", STRAYS, ids=lambda stray: json.dumps(stray)[:24])
@pytest.mark.parametrize("place", [0, 1])
def test_an_event_that_is_no_chunk_is_named_once_and_asked_nothing_else(
    path: str, stray: dict[str, Any], place: int
) -> None:
    events = chunks(path)
    events.insert(place, stray)
    section = "chat.stream" if path == CHAT else "completions.stream"
    judged = judge(streamed(events, path))
    assert judged.ids(MUST) == {f"{section}.object"}
    assert [finding.actual[:27] for finding in judged.findings if finding.rule.level is MUST] == [
        "an event that is no chunk: "
    ]


def whole(kind: str, **choice: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    entry = {"index": 0, "logprobs": None, "finish_reason": "stop", **choice}
    return {
        **{"id": "chatcmpl-1", "object": kind, "created": 1_796_000_000, "model": "m"},
        **{"choices": [entry], "usage": usage},
    }


DICT = whole("chat.completion", message={"role": "assistant", "content": "Hello.", "refusal": None})
OF_TEXT = whole("text_completion", text="Hello.")
OF_CHAT = whole("chat.completion.chunk", delta={"content": "Hello."})


@pytest.mark.parametrize(
    ("path", "other", "what"),
    [
        (CHAT, DICT, "a whole answer as an event of a stream: "),
        (CHAT, {**DICT, "choices": DICT["choices"] * 2}, "a whole answer as an event of a stream: "),
        (TEXT, DICT, "a whole answer as an event of a stream: "),
        (CHAT, OF_TEXT, "an event of another endpoint's stream: "),
        (TEXT, OF_CHAT, "an event of another endpoint's stream: "),
    ],
)
@pytest.mark.parametrize("place", ["first", "second", "in place of the last", "last", "alone", "after the end"])
def test_an_answer_in_another_form_among_the_events_is_named_once(
    path: str, other: dict[str, Any], what: str, place: str
) -> None:
    *events, end = chunks(path)
    sent = {
        "first": [other, *events, end],
        "second": [*events[:1], other, *events[1:], end],
        "in place of the last": [*events[:-1], other, end],
        "last": [*events, other, end],
        "alone": [other, end],
        "after the end": [*events, end, other],
    }[place]
    judged = judge(streamed(sent, path))
    section = "chat.stream" if path == CHAT else "completions.stream"
    assert judged.ids(MUST) - {"sse.done-last"} == {f"{section}.object"}
    assert any(finding.actual.startswith(what) for finding in judged.findings)


def test_a_stream_of_another_api_is_one_finding_for_its_form() -> None:
    events = [{"type": "message_start", "message": {}}, {"type": "content_block_delta", "index": 0}]
    assert judge(streamed(events)).ids(MUST) == {"chat.stream.object"}


def test_a_chunk_that_lacks_members_is_still_a_chunk() -> None:
    events = chunks(CHAT)
    del events[1]["object"], events[1]["id"]
    assert {"chat.stream.object", "chat.stream.id"} <= judge(streamed(events)).ids(MUST)


MISTAKES = [
    b'{"model":',
    {"model": "m"},
    {"model": "m", "messages": []},
    {"model": "m", "messages": "hi"},
    {"model": "m", "messages": MESSAGES, "temperature": 9},
    {"model": "no-such-model-x", "messages": MESSAGES},
    {"messages": MESSAGES},
]


@pytest.mark.parametrize("asked", MISTAKES, ids=str)
@pytest.mark.parametrize(
    "body",
    [
        b"Internal Server Error",
        b"",
        b"<html></html>",
        b'{"error":{"message":"boom","type":"server_error","param":null,"code":null}}',
    ],
)
def test_a_mistake_that_is_answered_with_a_5xx_is_one_finding(asked: object, body: bytes) -> None:
    judged = judge(exchange(asked, body, 500, "application/json" if body[:1] == b"{" else "text/plain"))
    assert judged.ids(MUST, SHOULD) == {"errors.callers-mistake"}


def test_a_failure_of_a_valid_request_is_judged_by_its_form() -> None:
    judged = judge(exchange({"model": "m", "messages": MESSAGES}, b"<html></html>", 500, "text/html"))
    assert judged.ids(MUST) == {"errors.body"}


def _refusal(message: str, **members: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **members}}


ADDED = [
    _refusal("Unrecognized request argument supplied: no_stop_trim"),
    _refusal("Unknown parameter: 'no_stop_trim'.", param="no_stop_trim", code="unknown_parameter"),
    _refusal("AsyncCompletions.create() got an unexpected keyword argument 'no_stop_trim'"),
    _refusal("Additional properties are not allowed ('no_stop_trim' was unexpected)"),
    _refusal("groq does not support parameters: ['no_stop_trim'], for model=m"),
    _refusal("unknown field `no_stop_trim`, expected one of `model`, `messages`"),
    _refusal("property 'no_stop_trim' is unsupported"),
    _refusal("Setting 'max_tokens' and 'no_stop_trim' at the same time is not supported."),
    _refusal("Error code: 400 - `no_stop_trim` cannot be used together with `max_tokens`"),
    _refusal("max_tokens and no_stop_trim are mutually exclusive"),
    _refusal("Only one of max_tokens or no_stop_trim can be set. Please remove one."),
    _refusal("no_stop_trim: Extra inputs are not permitted"),
    _refusal("The parameter `no_stop_trim` is not valid for this model."),
    _refusal("Argument not supported on this model: no_stop_trim"),
    _refusal("unsupported keys: no_stop_trim"),
    _refusal("Invalid request: no_stop_trim is not a recognised parameter"),
    _refusal("Invalid 'no_stop_trim': only 0 is allowed"),
    _refusal("parameter.no_stop_trim must be set to false for non-streaming calls"),
    {"error": '[{"type":"extra_forbidden","loc":["body","no_stop_trim"],"msg":"Extra inputs are not permitted"}]'},
    {"detail": [{"type": "extra_forbidden", "loc": ["body", "no_stop_trim"], "msg": "Extra inputs are not permitted"}]},
]
NOT_ADDED = [
    _refusal("Unknown parameter: 'max_tokens'.", param="max_tokens"),
    _refusal("Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
    _refusal("Missing required parameter: 'tools'.", param="tools"),
    _refusal("'stop' is a required property"),
    _refusal("'messages' must contain the word 'json' to use 'response_format'.", param="messages"),
    _refusal("Unsupported input modality: image"),
    _refusal("An unexpected error occurred for key abc"),
    _refusal("The model `other` does not exist"),
    _refusal("Invalid 'authorization' header"),
    _refusal("Invalid value: 'developer'. Supported values are: 'system' and 'user'."),
    _refusal("Unsupported parameter: this model reads no pictures"),
    _refusal("messages[0].content must be a string"),
    _refusal("You cannot use both 'other_model' and 'second_model'"),
    _refusal("'max_tokens' cannot be used together with a limit of 'server_limit' and 'other_limit'"),
]


def _refused(reply: dict[str, Any], status: int = 400) -> Exchange:
    asked = {"model": "m", "messages": MESSAGES, "max_tokens": 5}
    return exchange(asked, json.dumps(reply).encode(), status)


@pytest.mark.parametrize("reply", ADDED, ids=str)
def test_a_parameter_that_nobody_sent_and_that_is_refused_was_added_by_the_server(reply: dict[str, Any]) -> None:
    assert added_parameters(View(_refused(reply))) == ["no_stop_trim"]
    (finding,) = (found for found in judge(_refused(reply)).findings if found.rule.id == "errors.added-parameter")
    assert finding.actual.startswith("your server added `no_stop_trim`, and that was refused: ")


@pytest.mark.parametrize("name", ["../x", "x-1", "a.x", "x[0]", "$x"])
def test_a_member_with_an_odd_name_was_sent_by_the_caller(name: str) -> None:
    refused = _refused(_refusal(f"Unknown parameter: '{name}'.") | {"param": name})
    asked = json.loads(refused.request.body) | {name: None}
    sent = refused.but(request=replace(refused.request, body=json.dumps(asked).encode()))
    assert added_parameters(View(sent)) == []


@pytest.mark.parametrize("reply", NOT_ADDED, ids=str)
def test_what_was_sent_or_is_missing_was_not_added(reply: dict[str, Any]) -> None:
    assert "errors.added-parameter" not in judge(_refused(reply)).ids()


def test_an_error_in_the_stream_of_a_valid_request_is_a_refusal_of_it() -> None:
    error = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}
    view = View(streamed([*chunks(CHAT)[:2], error, "[DONE]"]))
    (finding,) = judge_trace(Trace("chat.stream.poem", {"stream": view}, valid=frozenset({"stream"}))).findings
    assert (finding.rule.id, finding.actual) == ("relations.accepted", "stream: an error in the stream: boom")


def test_that_requests_fail_stands_before_the_form_of_their_errors() -> None:
    findings = [
        *(Finding(RULES["errors.type"], Place(), "missing", label=f"case {number}") for number in range(9)),
        *(Finding(RULES["chat.id"], Place(), "missing", label=f"case {number}") for number in range(8)),
        Finding(RULES["relations.accepted"], Place(), "x", label="case 0"),
    ]
    order = [shown[0].rule.id for shown, _ in first_few(findings, 1)]
    assert order == ["relations.accepted", "errors.type", "chat.id"]


def test_findings_are_ordered_by_level_and_by_how_many_cases_have_them() -> None:
    def found(rule: str, *labels: str) -> list[Finding]:
        return [Finding(RULES[rule], Place(), "x", label=label) for label in labels]

    findings = [
        *found("tools.calls-not-empty", "a", "b", "c", "d"),  # SHOULD
        *found("http.answers", "a"),
        *found("chat.role", "a", "b", "c"),
        *found("errors.code", "a", "b", "a"),
        *found("errors.added-parameter", "c"),
    ]
    order = [shown[0].rule.id for shown, _ in first_few(findings, 1)]
    assert order == ["errors.added-parameter", "chat.role", "errors.code", "http.answers", "tools.calls-not-empty"]


def _failed(case: str, actual: str) -> Finding:
    return Finding(RULES["relations.accepted"], Place(), actual, label=case)


@pytest.mark.parametrize(
    ("actuals", "wanted"),
    [
        (["dict: status 422: stream is refused: Input", "dict: status 422: config: Field required"], 2),
        (["dict: status 422: config: Field required", "stream: status 422: config: Field required"], 1),
        (
            [
                "asked back: part 2 of an input message: status 422: config: Field required",
                "dict: status 422: config: Field required",
            ],
            1,
        ),
        (["dict: an error in the stream: boom", "asked back: a turn: an error in the stream: boom"], 1),
        (["dict: status 500: at 17:02:03", "dict 2: status 500: at 17:02:09"], 1),
        ([f"dict: status 400: id {name} is refused" for name in "abcdefgh"], 1),
    ],
)
def test_valid_requests_that_fail_for_different_reasons_are_told_one_by_one(actuals: list[str], wanted: int) -> None:
    """gpt4free 8.8.6 refuses `stream: null`, and each request for a Response: the second stood under "also in"."""
    groups = first_few([_failed(f"case{number}", actual) for number, actual in enumerate(actuals)], 1)
    assert len(groups) == wanted
    assert sum(len(shown) + len(also) for shown, also in groups) == len(actuals)


def test_the_reason_that_most_requests_fail_for_stands_first() -> None:
    rare, often = "dict: status 422: stream is refused", "dict: status 422: config: Field required"
    groups = first_few([_failed("a", rare), _failed("b", often), _failed("c", often)], 1)
    assert [shown[0].actual for shown, _ in groups] == [often, rare]


ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("which", [slice(None), slice(1, None), slice(-1, None)], ids=["every", "later", "last"])
def test_zeros_that_nobody_asked_for_are_one_finding(path: str, which: slice) -> None:
    *events, done = chunks(path)
    for chunk in events[which]:
        chunk["usage"] = ZEROS
    judged = judge(streamed([*events, done], path))
    assert not judged.ids(MUST)
    assert {name for name in judged.ids(SHOULD) if name.startswith("usage.")} == {"usage.stream-unasked"}
    assert any("all 0" in finding.actual for finding in judged.findings)


@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_counts_that_are_not_zero_or_were_asked_for_are_judged(path: str) -> None:
    *twice, done = chunks(path)
    for chunk in twice:
        chunk["usage"] = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    assert "usage.stream-once" in judge(streamed([*twice, done], path)).ids(MUST)
    *events, done = chunks(path)
    counted = streamed([*events, {**events[0], "choices": [], "usage": ZEROS}, done], path)
    sent = {**json.loads(counted.request.body), "stream_options": {"include_usage": True}}
    asked = exchange(sent, counted.payload, media="text/event-stream", path=path)
    assert "usage.completion-counted" in judge(asked).ids(MUST)


@pytest.mark.parametrize("name", ["prompt_tokens_details", "completion_tokens_details"])
def test_null_details_of_embeddings_say_that_embeddings_have_none(name: str) -> None:
    usage = {"prompt_tokens": 2, "total_tokens": 2, name: None}
    data = [{"object": "embedding", "index": 0, "embedding": [0.6, -0.8]}]
    body = json.dumps({"object": "list", "data": data, "model": "m", "usage": usage}).encode()
    judged = judge(exchange({"model": "m", "input": "tree"}, body, path="/v1/embeddings"))
    (finding,) = judged.of_rules(frozenset({"usage.details-members"})).findings
    assert "embeddings" in finding.expected
    assert "embeddings" in finding.harm


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("/v1/chat/completions", "chat/create"),
        ("/v1/completions", "completions/create"),
        ("/v1/embeddings", "embeddings/create"),
        ("/v1/responses?api-version=1", "responses/create"),
        ("/v1/other", "chat/create"),
    ],
)
def test_a_valid_request_that_fails_is_shown_the_reference_of_its_endpoint(path: str, reference: str) -> None:
    finding = replace(_failed("a", "dict: status 422: no"), evidence=Evidence("POST", path))
    assert find_reference(finding) == f"https://platform.openai.com/docs/api-reference/{reference}"


def test_an_unknown_model_of_a_response_that_is_answered_with_a_5xx_is_one_finding() -> None:
    refusal = _refusal("The model does not exist", param="model", code="model_not_found")
    asked = {"model": "no-such-model-x", "input": "Say hello."}
    judged = judge(exchange(asked, json.dumps(refusal).encode(), 502, path="/v1/responses"))
    assert judged.ids(MUST, SHOULD) == {"errors.callers-mistake"}
