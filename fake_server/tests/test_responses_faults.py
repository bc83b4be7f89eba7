"""Faults on the stream of a response: they find its events by type, and keep their names."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.tests.folding import Folded, events_of

SCRIPT = {"name": "it", "reply": {"text": "one two three four"}}
WHOLE = [
    "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
    *["response.output_text.delta"] * 4, "response.output_text.done", "response.content_part.done",
    "response.output_item.done", "response.completed",
]  # fmt: skip


def stream(fault: str = "", *, when: Any = None, seed: int | None = None, **parameters: Any) -> bytes:
    fake = FakeServer([SCRIPT], plain=seed is None, seed=seed)
    if fault:
        fake.fault(fault, when=when, **parameters)
    body = {"model": "gpt-4o", "input": "Count please", "stream": True}
    with httpx2.Client(transport=fake.transport()) as client:
        received = b""
        try:
            with client.stream("POST", "http://fake/v1/responses", json=body) as response:
                for piece in response.iter_bytes():
                    received += piece
        except httpx2.HTTPError:
            pass
    assert not fault or fake.requests[-1].faults == (fault,)
    return received


def types(received: bytes) -> list[str]:
    return [event["type"] for event in events_of(received)]


def test_the_stream_that_is_broken() -> None:
    assert types(stream()) == WHOLE


LEFT: list[tuple[str, dict[str, Any], list[str]]] = [
    ("cut", {"after_events": 2, "of": "output_text.delta"}, WHOLE[:6]),
    ("cut", {"after_events": 3}, WHOLE[:3]),
    ("drop-event", {"event": 1, "of": "output_item.done"}, [*WHOLE[:10], WHOLE[11]]),
    ("drop-event", {"event": -1}, WHOLE[:-1]),
    ("double-event", {"event": 2, "of": "response.output_text.delta"}, [*WHOLE[:6], *WHOLE[5:]]),
    ("drop-events", {"of": "output_text.delta"}, [*WHOLE[:4], *WHOLE[8:]]),
    ("drop-events", {"where": "$.part"}, [kind for kind in WHOLE if "content_part" not in kind]),
    ("drop-events", {"where": "$.item[?@ == 'in_progress']", "of": "output_item.added"}, [*WHOLE[:2], *WHOLE[3:]]),
    ("repeat-events", {"of": "output_text.done"}, [*WHOLE[:9], *WHOLE[8:]]),
    ("error-event", {"after_events": 1, "of": "output_text.delta"}, [*WHOLE[:5], "error"]),
    ("error-event", {"after_events": 3, "failed": True}, [*WHOLE[:3], "response.failed"]),
    ("insert-event", {"after": 1, "of": "response.created", "text": 'event: x\ndata: {"type":"x"}\n\n'},
     [WHOLE[0], "x", *WHOLE[1:]]),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "parameters", "left"), LEFT, ids=[f"{name} {given}" for name, given, _ in LEFT])
def test_events_are_found_by_their_type(fault: str, parameters: dict[str, Any], left: list[str]) -> None:
    assert types(stream(fault, **parameters)) == left


def test_values_are_changed_and_events_keep_their_names() -> None:
    changed = events_of(stream("json", set={"delta": "x"}, of="output_text.delta"))
    assert [event["delta"] for event in changed if "delta" in event] == ["x"] * 4
    assert [event["type"] for event in changed] == WHOLE
    second = events_of(stream("json", at="$.item", set={"id": None}, of="output_item.done"))
    assert [event["item"]["id"] is None for event in second if "item" in event] == [False, True]
    numbers = events_of(stream("json", remove=["sequence_number"]))
    assert not any("sequence_number" in event for event in numbers)
    written = events_of(stream("rewrite", find="one", by="uno", of="output_text.delta"))
    assert next(event["delta"] for event in written if "delta" in event) == "uno"
    assert written[-1]["response"]["output"][0]["content"][0]["text"] == "one two three four"


def test_an_error_event_tells_what_went_wrong() -> None:
    error = events_of(stream("error-event", after_events=3, message="Broken.", code="server_error"))[-1]
    assert error == {
        "type": "error", "code": "server_error", "message": "Broken.", "param": None, "sequence_number": 3,
    }  # fmt: skip
    failed = Folded(stream("error-event", failed=True, message="Broken.", after_events=2)).response
    assert (failed["status"], failed["error"]) == ("failed", {"code": "server_error", "message": "Broken."})


@pytest.mark.parametrize("seed", range(12))
def test_faults_find_events_whatever_the_seed_puts_between_them(seed: int) -> None:
    """Comments, keepalives and other line ends."""
    assert types(stream("error-event", after_events=1, of="output_text.delta", seed=seed))[-2:] == [WHOLE[4], "error"]
    assert types(stream("error-event", failed=True, after_events=2, seed=seed))[-1] == "response.failed"
    assert types(stream("cut", after_events=1, of="output_item.added", seed=seed))[-1] == WHOLE[2]
    changed = events_of(stream("json", set={"delta": "x"}, of="output_text.delta", seed=seed))
    assert {event["delta"] for event in changed if "delta" in event} == {"x"}


@pytest.mark.parametrize("fault", ["no-done", "double-done", "after-done"])
def test_there_is_no_done_to_break(fault: str) -> None:
    fake = FakeServer([SCRIPT], plain=True)
    fake.fault(fault)
    with httpx2.Client(transport=fake.transport()) as client:
        body = {"model": "gpt-4o", "input": "Hi", "stream": True}
        received = client.post("http://fake/v1/responses", json=body).content
    assert types(received) == WHOLE
    assert fake.requests[-1].faults == (f"{fault}: not possible, the stream has no [DONE]",)


def test_bytes_are_broken() -> None:
    assert b"\xff" in stream("invalid-utf8")
    assert b"data:{" in stream("no-space")
    assert b"event: response.created\r\n" in stream("line-ends", ends="crlf")
    assert types(stream("split", every=1)) == types(stream("merge")) == WHOLE


def test_conditions_of_faults_and_assertions_see_the_messages() -> None:
    asks = {"messages": {"last": {"contains": "Count"}}, "endpoint": "responses"}
    assert types(stream("drop-event", event=-1, when=asks)) == WHOLE[:-1]
    fake = FakeServer([SCRIPT], plain=True)
    with openai.OpenAI(http_client=httpx2.Client(transport=fake.transport()), api_key="any") as client:
        client.responses.create(model="gpt-4o", input="Count please", instructions="Be brief.")
    fake.assert_asked({"messages": {"user": {"contains": "count"}, "system": {"contains": "brief"}}})


def test_the_sdk_hands_on_what_went_wrong() -> None:
    fake = FakeServer([SCRIPT], plain=True)
    fake.fault("error-event", after_events=3, message="Broken.")
    client = openai.OpenAI(http_client=httpx2.Client(transport=fake.transport()), api_key="any")
    with client:
        events: list[Any] = list(client.responses.create(model="gpt-4o", input="Hi", stream=True))
    assert [event.type for event in events] == [*WHOLE[:3], "error"]
    assert events[-1].message == "Broken."
