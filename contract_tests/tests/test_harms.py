"""What is printed of a broken reply follows from what came: a rule that can be broken in several ways says which."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.refused import added_parameters
from contract_tests.rules.engine.view import View
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Ending, Exchange, Request, Write

CONFORMING = ROOT / "fixtures" / "conforming"
DICT = fixture.load(CONFORMING / "response-dict.yaml").exchange
CALLS = fixture.load(CONFORMING / "response-calls-dict.yaml").exchange
STREAM = fixture.load(CONFORMING / "response-refusal-stream.yaml").exchange

Change = Callable[[dict[str, Any]], Any]


def changed(exchange: Exchange, change: Change) -> Exchange:
    body = json.loads(exchange.payload)
    change(body)
    return exchange.but(writes=(Write(json.dumps(body).encode()),))


def changed_stream(change: Change, of_type: str) -> Exchange:
    """The stream with each event of a type changed."""
    events = []
    for event in STREAM.payload.decode().strip().split("\n\n"):
        name, _, text = event.partition("\ndata: ")
        data = json.loads(text)
        if data["type"] == of_type:
            change(data)
        events.append(f"{name}\ndata: {json.dumps(data)}\n\n")
    return STREAM.but(writes=(Write("".join(events).encode()),))


def finding(exchange: Exchange, rule: str) -> Finding:
    return next(found for found in judge(View(exchange)).findings if found.rule.id == rule)


def call_of(body: dict[str, Any]) -> dict[str, Any]:
    call: dict[str, Any] = next(item for item in body["output"] if item["type"] == "function_call")
    return call


def cached(body: dict[str, Any], tokens: int) -> None:
    body["usage"]["input_tokens_details"]["cached_tokens"] = tokens


def first_part(body: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = body["output"][0]["content"][0]
    return part


@pytest.mark.parametrize(
    ("rule", "exchange", "change", "harm"),
    [
        ("responses.object", DICT, lambda body: body.update(id=""), "`response.id`"),
        ("responses.object", DICT, lambda body: body.update(output=None), "`response.output`"),
        ("responses.object", DICT, lambda body: body.update(object="text"), "something else"),
        ("responses.object", DICT, lambda body: body.update(created_at=17), "dates"),
        ("responses.object", DICT, lambda body: body["output"][0].pop("type"), "`type`"),
        ("responses.members", DICT, lambda body: body.update(tools=None), "typed clients"),
        ("responses.status", DICT, lambda body: body.update(error={"code": "x", "message": "y"}), "for a failure"),
        ("responses.status", DICT, lambda body: body.update(incomplete_details={"reason": "x"}), "half of one"),
        ("responses.no-chat", DICT, lambda body: body.update(choices=[]), "`choices`"),
        ("responses.usage", DICT, lambda body: body["usage"].update(output_tokens=-1), "too little"),
        ("responses.usage-adds", DICT, lambda body: cached(body, 999), "rest"),
        ("responses.item-ids", DICT, lambda body: body["output"][0].pop("id"), "lose it"),
        ("responses.item-ids", CALLS, lambda body: call_of(body).update(id=body["output"][0]["id"]), "refused"),
        ("responses.call-ids", CALLS, lambda body: call_of(body).update(call_id=""), "no name"),
        ("responses.call-ids", CALLS, lambda body: call_of(body).update(call_id=call_of(body)["id"]), "for the other"),
        ("responses.call-name", CALLS, lambda body: call_of(body).update(status="done"), "run nothing"),
        ("responses.message", DICT, lambda body: body["output"][0].update(status="done"), "whole message"),
        ("responses.message", DICT, lambda body: body["output"][0].update(role="model"), "refused"),
        ("responses.message", DICT, lambda body: first_part(body).update(text=None), "`response.output_text`"),
    ],
)  # fmt: skip
def test_the_harm_is_of_the_place(rule: str, exchange: Exchange, change: Change, harm: str) -> None:
    found = finding(changed(exchange, change), rule)
    assert harm in found.harm
    assert "\n" not in found.harm


@pytest.mark.parametrize("time", [1760000000.0, 1760000000.4346874, 1760000000.999])
def test_a_fraction_is_told_with_whom_it_breaks(time: float) -> None:
    """Bedrock writes 1787150054.0, transformers 1796063433.4346874; the reference says number, new-api answers 502."""
    found = finding(changed(DICT, lambda body: body.update(created_at=time)), "responses.object")
    assert "Go" in found.harm
    assert "response.id" not in found.harm


@pytest.mark.parametrize("time", [17, 1e12, "1760000000", None, True, -1.5, 1e400, {}])
def test_what_is_no_time_is_no_time(time: Any) -> None:
    changed_time = changed(DICT, lambda body: body.update(created_at=time))
    assert "responses.object" in judge(View(changed_time)).ids(Level.MUST)


def continued(given: Any) -> Exchange:
    """A Response that goes on from resp_a and says that it goes on from `given`."""
    request = Request("POST", "/v1/responses", (), b'{"model":"m","input":"Hi","previous_response_id":"resp_a"}')
    return changed(DICT, lambda body: body.update(previous_response_id=given, temperature=1, store=True)).but(
        request=request
    )


@pytest.mark.parametrize("given", ["resp_b", "chatcmpl-MmrIs"])
def test_an_id_by_another_name_does_not_say_that_the_turns_were_ignored(given: str) -> None:
    """LiteLLM wraps the ids of its upstream and passes them on without their wrapping: the turns are known."""
    found = finding(continued(given), "responses.previous")
    assert "ignored" not in found.actual + found.harm
    assert "without the turns" not in found.harm


def test_no_id_at_all_does() -> None:
    found = finding(continued(None), "responses.previous")
    assert "nothing says that it was read" in found.actual
    assert "without the turns" in found.harm


@pytest.mark.parametrize("name", ["created_at", "model"])
def test_what_the_first_event_lacks_is_found_there(name: str) -> None:
    """llama.cpp's first events hold a Response of an id and a status."""
    found = finding(changed_stream(lambda event: event["response"].pop(name), "response.created"), STREAM_RULE)
    assert (found.place.event, found.place.path, found.actual) == (0, ("response", name), "missing")
    assert name in found.harm


STREAM_RULE = "responses.stream.one-response"


def test_a_model_that_changes_is_not_another_response() -> None:
    found = finding(
        changed_stream(lambda event: event["response"].update(model="x/m"), "response.completed"), STREAM_RULE
    )
    assert "models" in found.harm


def test_another_id_at_the_end_is_not_an_empty_end() -> None:
    """OpenRouter's reasoning item has another id in the Response that ends the stream."""
    other = changed_stream(lambda event: event["response"]["output"][0].update(id="msg_other"), "response.completed")
    found = finding(other, "responses.stream.output-agrees")
    assert "empty" not in found.harm
    assert "by id" in found.harm


def test_a_connection_that_was_refused_cost_nothing() -> None:
    gone = DICT.but(status=0, reason="", headers=(), writes=(), ending=Ending.UNREACHABLE, problem="refused")
    assert "paid" not in finding(gone, "http.answers").harm


def refusal_of(path: str, sent: dict[str, Any], message: str) -> View:
    request = Request("POST", path, (), json.dumps(sent).encode())
    error = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
    return View(Exchange(request, 400, (("Content-Type", "application/json"),), (Write(json.dumps(error).encode()),)))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"reasoning": {"effort": "low"}}, "deepinfra does not support parameters: ['reasoning_effort'], for model=m"),
        ({"max_output_tokens": 20}, "Unknown parameter: 'max_tokens'."),
        ({"text": {"format": {"type": "json_object"}}}, "Unsupported parameter: 'response_format'"),
        ({"text": {"verbosity": "low"}}, "Unknown parameter: 'text_verbosity'."),
        ({"stream_options": {"include_obfuscation": False}}, "Unknown parameter: 'stream_options_include_obfuscation'"),
    ],
)
def test_what_a_chat_calls_by_another_name_was_sent(sent: dict[str, Any], message: str) -> None:
    asked = {"model": "m", "input": "Hi", **sent}
    assert added_parameters(refusal_of("/v1/responses", asked, message)) == []
    assert added_parameters(refusal_of("/v1/responses", {"model": "m", "input": "Hi"}, message)) != []


@pytest.mark.parametrize(
    ("path", "sent", "missing"),
    [
        ("/v1/chat/completions", {"model": "m"}, "messages"),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}, "model"),
        ("/v1/embeddings", {"model": "m"}, "input"),
        ("/v1/completions", {"model": "m"}, "prompt"),
    ],
)
def test_what_the_caller_had_to_send_was_not_added(path: str, sent: dict[str, Any], missing: str) -> None:
    """optillm asks with `messages: []` where the caller has none: the caller's mistake, for all that."""
    message = f"Invalid '{missing}': empty array. Expected an array with minimum length 1."
    assert added_parameters(refusal_of(path, sent, message)) == []


CHAT = fixture.load(CONFORMING / "two-choices-dict.yaml").exchange
USAGE_STREAM = fixture.load(CONFORMING / "text-usage-stream.yaml").exchange


@pytest.mark.parametrize(("count", "harm"), [(1, "is missing"), (3, "paid for"), (4, "paid for")])
def test_choices_too_many_are_not_missing(count: int, harm: str) -> None:
    def change(body: dict[str, Any]) -> None:
        body["choices"] = [body["choices"][0] | {"index": index} for index in range(count)]

    assert harm in finding(changed(CHAT, change), "chat.choice-count").harm


@pytest.mark.parametrize(("tokens", "harm"), [(0, "for free"), (9, "count twice")])
def test_usage_of_nothing_in_each_chunk_does_not_add_up(tokens: int, harm: str) -> None:
    """LiteLLM writes a usage of zeros into each chunk of a text completion."""
    events = []
    for text in USAGE_STREAM.payload.decode().strip().split("\n\n"):
        data = text.removeprefix("data: ")
        if data != "[DONE]":
            counts = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
            data = json.dumps(json.loads(data) | {"usage": counts})
        events.append(f"data: {data}\n\n")
    every = USAGE_STREAM.but(writes=(Write("".join(events).encode()),))
    assert harm in finding(every, "usage.stream-once").harm


@pytest.mark.parametrize(("tokens", "harm"), [(-1, "too little"), ("5", "raises"), (None, "raises")])
def test_a_negative_count_raises_nothing(tokens: Any, harm: str) -> None:
    """guidellm counts -1 tokens for a limit of -1."""
    counted = changed(CHAT, lambda body: body["usage"].update(completion_tokens=tokens))
    assert harm in finding(counted, "usage.counts").harm
