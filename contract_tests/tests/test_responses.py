"""Responses and their streams: one cause is one finding, what is legal is none, and no hostile reply breaks a rule."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange

Event = dict[str, Any]


def load(name: str) -> Exchange:
    return fixture.load(ROOT / "fixtures" / "conforming" / f"{name}.yaml").exchange


def events_of(name: str) -> list[Event]:
    parts = load(name).payload.split(b"\n\n")
    return [json.loads(part.partition(b"data: ")[2]) for part in parts if part]


def streamed(name: str, events: list[Event], *, numbered: bool = True) -> Exchange:
    """The stream with these events, numbered anew."""
    body = b""
    for number, event in enumerate(events):
        given = {**event, "sequence_number": number} if numbered else event
        body += b"event: %s\ndata: %s\n\n" % (str(event.get("type")).encode(), json.dumps(given).encode())
    return load(name).with_payload(body)


def broken(exchange: Exchange) -> set[str]:
    return judge(exchange).ids(Level.MUST, Level.SHOULD)


def without(kind: str) -> Callable[[list[Event]], list[Event]]:
    return lambda events: [event for event in events if event.get("type") != kind]


def without_members(*names: str) -> Callable[[list[Event]], list[Event]]:
    return lambda events: [{key: value for key, value in event.items() if key not in names} for event in events]


def ended(**members: Any) -> Callable[[list[Event]], list[Event]]:
    """The stream whose last Response has these members."""
    return lambda events: [*events[:-1], {**events[-1], "response": {**events[-1]["response"], **members}}]


def failing(*last: Event) -> Callable[[list[Event]], list[Event]]:
    """The stream with these events in the place of its second half."""
    return lambda events: [*events[:6], *last]


CHAT_USAGE = {"prompt_tokens": 12, "completion_tokens": 6, "total_tokens": 18}
CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "A"}}]}
FLAT = {"type": "error", "code": "server_error", "message": "It failed.", "param": None}
REASON = {"code": "server_error", "message": "It failed.", "type": "server_error", "param": None}
NESTED = {"type": "error", "error": REASON}


def failed(error: Any) -> Event:
    response = events_of("response-failed-stream")[-1]["response"]
    own = {"id": "resp_8b9Xw2c4", "error": error}
    return {"type": "response.failed", "response": {**response, **own}}


ONE_CAUSE: dict[str, tuple[Callable[[list[Event]], list[Event]], str]] = {
    "no created": (without("response.created"), "responses.stream.begins"),
    "neither created nor in_progress": (lambda events: events[2:], "responses.stream.begins"),
    "created twice": (lambda events: [events[0], *events], "responses.stream.begins"),
    "no item added": (without("response.output_item.added"), "responses.stream.announced"),
    "no item done": (without("response.output_item.done"), "responses.stream.item-closes"),
    "no deltas": (without("response.output_text.delta"), "responses.stream.text-agrees"),
    "no part added": (without("response.content_part.added"), "responses.stream.part-brackets"),
    "no part at all": (
        lambda events: without("response.content_part.done")(without("response.content_part.added")(events)),
        "responses.stream.part-brackets",
    ),
    "no output_text.done": (without("response.output_text.done"), "responses.stream.part-closes"),
    "no indices": (without_members("output_index", "content_index", "item_id"), "responses.stream.announced"),
    "another item_id": (
        lambda events: [{**event, "item_id": "msg_other"} if "item_id" in event else event for event in events],
        "responses.stream.announced",
    ),
    "no output at the end": (ended(output=[]), "responses.stream.output-agrees"),
    "usage in chat names": (ended(usage=CHAT_USAGE), "responses.no-chat"),
    "usage null": (ended(usage=None), "responses.usage"),
    "no id at the end": (ended(id=None), "responses.object"),
    "another model at the end": (ended(model="gpt-4o"), "responses.stream.one-response"),
    "completed but failed": (ended(status="in_progress"), "responses.stream.end-fits-status"),
    "a status of another API": (ended(status="stop"), "responses.status"),
    "no end": (lambda events: events[:-1], "responses.stream.ends-once"),
    "two ends": (lambda events: [*events, events[-1]], "responses.stream.ends-once"),
    "an event behind the end": (lambda events: [*events, events[1]], "responses.stream.ends-once"),
    "an error in place of the rest": (failing(FLAT), "responses.stream.fails-well"),
    "an error within an error": (failing(NESTED), "responses.stream.fails-well"),
    "failed without a reason": (failing(failed(None)), "responses.stream.fails-well"),
    "failed with a text": (failing(failed("It failed.")), "responses.stream.fails-well"),
    "chunks of a chat completion": (lambda _: [CHUNK, CHUNK], "responses.stream.typed"),
    "an end without a Response": (
        lambda events: [*events[:-1], {"type": "response.completed"}],
        "responses.stream.one-response",
    ),
}


@pytest.mark.parametrize("name", ONE_CAUSE)
def test_one_cause_is_one_finding(name: str) -> None:
    change, rule = ONE_CAUSE[name]
    assert broken(streamed("response-stream", change(events_of("response-stream")))) == {rule}


LEGAL: dict[str, Callable[[list[Event]], list[Event]]] = {
    "as it is": lambda events: events,
    "a keepalive": lambda events: [*events[:3], {"type": "keepalive"}, *events[3:]],
    "an extension": lambda events: [*events[:3], {"type": "acme:trace", "span": 1}, *events[3:]],
    "queued": lambda events: [
        events[0],
        {**events[1], "type": "response.queued", "response": {**events[1]["response"], "status": "queued"}},
        *events[1:],
    ],
    "no completed_at": lambda events: [
        {**event, "response": {k: v for k, v in event["response"].items() if k != "completed_at"}}
        if "response" in event
        else event
        for event in events
    ],
    "an error and then failed": failing(FLAT, failed({"code": "server_error", "message": "It failed."})),
    "failed": failing(failed({"code": "server_error", "message": "It failed."})),
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_is_legal_is_no_finding(name: str) -> None:
    assert broken(streamed("response-stream", LEGAL[name](events_of("response-stream")))) == set()


def test_numbers_may_be_left_out() -> None:
    bare = without_members("sequence_number")(events_of("response-calls-stream"))
    assert broken(streamed("response-calls-stream", bare, numbered=False)) == set()


def test_encrypted_content_may_differ_at_the_end() -> None:
    events = events_of("response-calls-stream")
    output = events[-1]["response"]["output"]
    changed = [
        {**item, "encrypted_content": "gAAAAABother"} if item["type"] == "reasoning" else item for item in output
    ]
    assert broken(streamed("response-calls-stream", ended(output=changed)(events))) == set()


def test_a_call_id_that_changes_at_the_end_is_found() -> None:
    events = events_of("response-calls-stream")
    output = [{**item} for item in events[-1]["response"]["output"]]
    output[1]["call_id"] = "call_other"
    assert broken(streamed("response-calls-stream", ended(output=output)(events))) == {"responses.call-ids"}


SCHEMAS: list[tuple[Any, bool]] = [
    ({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}, True),
    ({"type": ["string", "null"], "title": "t", "description": "d", "enum": ["a", 1, None]}, True),
    ({"anyOf": [{"$ref": "#/$defs/a"}, True], "$defs": {"a": {"items": {"type": "integer"}}}}, True),
    ({"type": "object", "additionalProperties": {"type": "string"}, "x-more": 1}, True),
    ({"type": 1}, False),
    ({"type": ["string", "string"]}, False),
    ({"properties": ["city"]}, False),
    ({"properties": {"city": "string"}}, False),
    ({"required": "city"}, False),
    ({"required": ["city", "city"]}, False),
    ({"items": {"description": []}}, False),
    ({"anyOf": [None]}, False),
]


@pytest.mark.parametrize(("schema", "holds"), SCHEMAS, ids=lambda value: json.dumps(value)[:50])
def test_a_schema_that_a_tool_comes_back_with_is_one(schema: Any, holds: bool) -> None:
    exchange = load("response-calls-dict")
    body, sent = json.loads(exchange.payload), exchange.request.json() or {}
    body["tools"][0]["parameters"] = sent["tools"][0]["parameters"] = schema
    asked = exchange.but(request=replace(exchange.request, body=json.dumps(sent).encode()))
    found = broken(asked.with_payload(json.dumps(body).encode()))
    assert found == (set() if holds else {"responses.schemas"})


# -- hostile replies

STRANGE: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, "", "x" * 2000, [], [[]], {}, [{"type": []}])


def _changed(value: Any) -> Iterator[Any]:
    """The value with one of the values in it, at any depth, replaced or taken away."""
    yield from STRANGE
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: other for key, other in value.items() if key != name}
            yield from ({**value, name: other} for other in _changed(inner))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in _changed(inner))


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("name", ["response-calls-dict", "response-annotated-dict", "conversation-items"])
def test_no_value_in_a_dict_raises(name: str) -> None:
    exchange = load(name)
    for number, value in enumerate(_changed(json.loads(exchange.payload))):
        if number % 5 == 0:
            judge(exchange.with_payload(json.dumps(value).encode()))


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("name", ["response-calls-stream", "response-failed-stream"])
def test_no_value_in_an_event_raises(name: str) -> None:
    events = events_of(name)
    for place, event in enumerate(events):
        for number, value in enumerate(_changed(event)):
            if number % 97 == place % 97:
                changed = [*events[:place], value, *events[place + 1 :]]
                body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in changed)
                judge(load(name).with_payload(body))


def _one_item(count: int) -> list[Event]:
    """One part in pieces, closed again and again."""
    events = events_of("response-stream")
    delta, done = events[4], next(event for event in events if event["type"] == "response.output_text.done")
    return [*events[:4], *[delta] * count, *[done] * count, *events[-3:]]


def _many_items(count: int) -> list[Event]:
    """Calls without end, all with one id."""
    events = events_of("response-calls-stream")
    added = next(event for event in events if event["type"] == "response.output_item.added" and event["output_index"])
    item = {**added["item"], "arguments": "{}"}
    announced = [{**added, "output_index": index} for index in range(count)]
    closed = [{"type": "response.output_item.done", "output_index": index, "item": item} for index in range(count)]
    return [*events[:2], *announced, *closed, ended(output=[item] * count)(events)[-1]]


def _many_annotations(count: int) -> list[Event]:
    """A long text with annotations without end."""
    events = events_of("response-stream")
    message = events[-1]["response"]["output"][0]
    mark = {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "u", "title": "t"}
    part = {"type": "output_text", "text": "A" * 50 * count, "annotations": [mark] * count}
    return ended(output=[{**message, "content": [part]}])(events)


@pytest.mark.security("work of one request")
@pytest.mark.parametrize("make", [_one_item, _many_items, _many_annotations])
def test_four_times_the_events_take_no_more_than_about_four_times_the_work(make: Callable[[int], list[Event]]) -> None:
    def work(count: int) -> float:
        exchange = streamed("response-stream", make(count))
        started = time.process_time()
        judge(exchange)
        return time.process_time() - started

    work(50)
    assert work(2000) < 9 * work(500) + 0.5
