"""A stream of a Response that is taken up again behind an event is judged from the next event on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from contract_tests.tests.test_responses import Event, broken, events_of, load
from fake_server.wire.exchange import Exchange

NAMES = ("response-stream", "response-calls-stream")


def resumed(name: str, after: int | str, events: list[Event]) -> Exchange:
    """What `GET /responses/{id}?stream=true&starting_after=N` is answered with, the events as they are."""
    body = b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events
    )
    exchange = load(name)
    target = f"/v1/responses/{events_of(name)[0]['response']['id']}?stream=true&starting_after={after}"
    request = replace(exchange.request, method="GET", target=target, body=b"")
    return exchange.but(request=request).with_payload(body)


@pytest.mark.parametrize("name", NAMES)
def test_behind_every_event_the_rest_is_no_finding(name: str) -> None:
    events = events_of(name)
    for after in range(len(events)):
        assert broken(resumed(name, after, events[after + 1 :])) == set(), after


BROKEN: dict[str, tuple[int, Callable[[list[Event]], list[Event]], str]] = {
    "all of it again": (3, lambda events: events, "responses.stream.begins"),
    "one event missing": (3, lambda events: events[5:], "responses.stream.sequence"),
    "an event again": (3, lambda events: events[3:], "responses.stream.sequence"),
    "no end": (3, lambda events: events[4:-1], "responses.stream.ends-once"),
    "an item not announced": (
        1,
        lambda events: [
            {**event, "output_index": 7} if event["type"] == "response.output_text.delta" else event
            for event in events[2:]
        ],
        "responses.stream.announced",
    ),
    "another item at the end": (
        9,
        lambda events: [*events[10:-1], _with_other_ids(events[-1])],
        "responses.stream.output-agrees",
    ),
}


def _with_other_ids(event: Event) -> Event:
    response = event["response"]
    output = [{**item, "id": f"{item['id']}x"} for item in response["output"]]
    return {**event, "response": {**response, "output": output}}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_in_the_rest_is_found(name: str) -> None:
    after, change, rule = BROKEN[name]
    assert rule in broken(resumed("response-stream", after, change(events_of("response-stream"))))


@pytest.mark.parametrize("after", ["x", "-1", "", "9" * 400])
def test_a_number_that_is_none_makes_no_rest_of_a_stream(after: str) -> None:
    events = events_of("response-stream")
    assert broken(resumed("response-stream", after, events)) == set()
    assert "responses.stream.begins" in broken(resumed("response-stream", after, events[3:]))
