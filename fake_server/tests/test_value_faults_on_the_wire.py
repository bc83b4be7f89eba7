"""Faults in values, in how requests are read, and between requests: at a raw socket, byte for byte."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fake_server import FakeServer
from fake_server.faults import FaultError
from fake_server.faults.between import Queue, Slots, Turn
from fake_server.tests.raw_client import Got, ask, send, wait_until
from fake_server.tests.test_faults_on_the_wire import DATA, DICT, EVENTS, WHOLE, broken, port
from fake_server.wire.exchange import Write

__all__ = ["fake"]
QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Repeat after me: one two three"}]}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    script = {"name": "known", "reply": {"raw": {"stream": DATA, "body": DICT.decode()}}}
    with FakeServer([script], plain=True) as server:
        yield server


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


STREAMS: list[tuple[str, dict[str, Any], bytes]] = [
    ("json", {"event": 2, "set": {"x": None}}, WHOLE.replace(EVENTS[1], event({"content": "b", "x": None}))),
    ("json", {"event": -1, "remove": ["content"]}, WHOLE.replace(EVENTS[3], event({}))),
    ("json", {"event": 1, "rename": {"content": "text"}}, event({"text": "a"}) + b"".join(EVENTS[1:])),
    (
        "json",
        {"at": "$.content", "event": 1, "value": "n{event}"},
        event({"content": "n1"}) + b"".join(EVENTS[1:]),
    ),
    ("json", {"event": 3, "unwrap": "content"}, WHOLE.replace(EVENTS[2], event("c"))),
    ("json", {"at": "$.content", "event": 3, "drop": True}, WHOLE.replace(EVENTS[2], event({}))),
    ("json", {"double": ["content"], "event": 4}, WHOLE.replace("é木".encode(), "é木é木".encode())),
    (
        "json",
        {"grow": ["content"]},
        b"".join(event({"content": said}) for said in ("a", "ab", "abc", "abcé木")) + EVENTS[4],
    ),
    ("drop-events", {"where": "$[?@ == 'b']"}, WHOLE.replace(EVENTS[1], b"")),
    ("repeat-events", {"where": "$[?@ == 'b']"}, WHOLE.replace(EVENTS[1], EVENTS[1] * 2)),
    ("insert-event", {"text": ": hi\n\n", "after": 0}, b": hi\n\n" + WHOLE),
    ("insert-event", {"text": "data: x\n\n", "after": -1}, WHOLE + b"data: x\n\n"),
    (
        "insert-event",
        {"text": "data: x\n\n", "after": 2},
        b"".join([*EVENTS[:2], b"data: x\n\n", *EVENTS[2:]]),
    ),
    ("rewrite", {"find": "data: ", "by": "data: data: "}, WHOLE.replace(b"data: ", b"data: data: ")),
    ("rewrite", {"find": "\n", "by": "", "event": -1, "count": 1}, WHOLE[:-1]),
    ("rewrite", {"find": "b", "by": "\ud83d"}, WHOLE.replace(b'"b"', b'"\xed\xa0\xbd"')),
    ("insert-event", {"text": "\ude00", "after": -1}, WHOLE + b"\xed\xb8\x80"),
    (
        "json",
        {"event": 1, "copy": {"content": "text", "nothing": "x"}, "set": {"content": "c"}},
        event({"content": "c", "text": "a"}) + b"".join(EVENTS[1:]),
    ),
]


@pytest.mark.parametrize(("fault", "parameters", "body"), STREAMS, ids=[f"{one[0]} {one[1]}" for one in STREAMS])
def test_a_stream(fake: FakeServer, fault: str, parameters: dict[str, Any], body: bytes) -> None:
    got = broken(fake, fault, **parameters)
    assert (got.status, got.body, got.ending, got.chunks[1]) == (200, body, "fin", True)


def test_a_dict_keeps_its_length_true(fake: FakeServer) -> None:
    got = broken(fake, "json", stream=False, set={"more": 1})
    assert json.loads(got.framed) == {"content": "é木", "more": 1}
    assert got.fields["content-length"] == str(len(got.framed))


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("json", {"at": "$.nothing"}),
        ("json", {"event": 9, "set": {"a": 1}}),
        ("drop-events", {"where": "$.nothing"}),
        ("repeat-events", {"where": "$.nothing"}),
        ("insert-event", {"after": 9}),
        ("rewrite", {"find": "nothing of this"}),
    ],
)
def test_what_is_not_there_stays_and_is_noted(fake: FakeServer, fault: str, parameters: dict[str, Any]) -> None:
    fake.reset()
    fake.fault(fault, **parameters)
    assert ask(port(fake), {**QUESTION, "stream": True}).body == WHOLE
    assert fake.requests[-1].faults[0].startswith(f"{fault}: not possible, ")


def test_a_path_that_is_none_is_told() -> None:
    with pytest.raises(FaultError, match="JSONPath"):
        FakeServer().fault("json", at="choices[")


def test_another_reply_altogether(fake: FakeServer) -> None:
    got = broken(fake, "reply", status=422, json={"detail": "é"}, headers={"X-A": "b"})
    assert (got.status, got.fields["content-type"], got.fields["x-a"]) == (422, "application/json", "b")
    assert got.framed == '{"detail": "é"}'.encode()
    got = broken(fake, "reply", text="data: 1\n\n", content_type="text/event-stream")
    assert (got.status, got.fields["content-type"], got.framed) == (200, "text/event-stream", b"data: 1\n\n")


def test_a_silent_stall_sends_not_even_a_head(fake: FakeServer) -> None:
    fake.reset()
    fake.fault("stall", silent=True)
    got = ask(port(fake), dict(QUESTION), seconds=0.4)
    assert (got.head, got.framed, got.ending) == (b"", b"", "open")
    with pytest.raises(FaultError, match="nothing is ever sent"):
        fake.fault("stall", silent=True, seconds=1.0)


# -- what needs a server that thinks


@pytest.fixture(scope="module")
def sensible() -> Iterator[FakeServer]:
    with FakeServer([], plain=True) as server:
        yield server


def said(got: Got) -> list[str]:
    return [choice["message"]["content"] for choice in json.loads(got.framed)["choices"]]


def test_a_misread_request(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("misread", without=["$.n"], set={"stop": "three"})
    (text,) = said(ask(port(sensible), {**QUESTION, "n": 3}))
    assert "one two" in text
    assert "three" not in text
    sensible.reset()
    sensible.fault("misread", fill={"messages": [{"role": "user", "content": "Repeat after me: filled"}]})
    assert "filled" in said(ask(port(sensible), {"model": "gpt-4o", "messages": []}))[0]


def test_cross_talk_gives_callers_each_others_answers(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("cross-talk", wait=2)
    answers: dict[str, str] = {}

    def call(word: str) -> None:
        body = {**QUESTION, "messages": [{"role": "user", "content": f"Repeat after me: {word}"}]}
        answers[word] = said(ask(port(sensible), body))[0]

    callers = [threading.Thread(target=call, args=(word,)) for word in ("apple", "plum")]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert "plum" in answers["apple"] or "apple" in answers["plum"]
    sensible.reset()
    sensible.fault("cross-talk", wait=0.05)
    call("alone")
    assert "alone" in answers["alone"]


def test_one_slot_serves_who_has_left(sensible: FakeServer) -> None:
    sensible.reset()
    events = ask(port(sensible), {**QUESTION, "stream": True}).body.count(b"data: ")
    sensible.fault("one-slot", each=0.05)
    began = time.monotonic()
    left = ask(port(sensible), {**QUESTION, "stream": True}, until=b"data: ", seconds=0.01)
    assert left.ending == "open"
    said(ask(port(sensible), dict(QUESTION)))
    assert time.monotonic() - began > events * 0.05
    sensible.reset()
    sensible.fault("one-slot", each=100)
    assert ask(port(sensible), dict(QUESTION), seconds=0.05).ending == "open"
    sensible.reset()
    said(ask(port(sensible), dict(QUESTION)))


def test_a_delta_is_copied_into_message(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("json", at="$.choices[*]", copy={"delta": "message"})
    got = ask(port(sensible), {**QUESTION, "stream": True})
    events = [json.loads(line[6:]) for line in got.body.splitlines() if line.startswith(b"data: {")]
    choices = [choice for event in events for choice in event["choices"]]
    assert len(choices) > 3
    assert all(choice["message"] == choice["delta"] for choice in choices)


STREAM = {**QUESTION, "stream": True}


def test_slots_share_one_pace(sensible: FakeServer) -> None:
    sensible.reset()
    events = ask(port(sensible), STREAM).body.count(b"data: ")
    sensible.fault("slots", slots=3, each=0.02)
    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(port(sensible), STREAM)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # three at once take as long as three in turn; those that end first may save the others a step
    assert time.monotonic() - began >= (3 * events - 3) * 0.02


def test_a_client_that_leaves_frees_its_slot(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("slots", slots=1, each=30, times=1)
    assert ask(port(sensible), STREAM, until=b"HTTP/1.1 200", seconds=0.01).ending == "open"
    sensible.fault("slots", slots=1, each=0.01)
    assert ask(port(sensible), STREAM).body.endswith(b"data: [DONE]\n\n")  # not after 30 seconds for each event


def test_a_client_that_leaves_does_not_free_an_abandoned_slot(sensible: FakeServer) -> None:
    sensible.reset()
    events = ask(port(sensible), STREAM).body.count(b"data: ")
    sensible.fault("slots", slots=1, each=0.1, abandoned=True, times=1)
    began = time.monotonic()
    assert ask(port(sensible), STREAM, until=b"data: ", seconds=0.01).ending == "open"
    sensible.fault("slots", slots=1, each=0.01, abandoned=True)
    assert ask(port(sensible), STREAM).body.endswith(b"data: [DONE]\n\n")
    assert time.monotonic() - began >= (events - 1) * 0.1


def test_who_waits_for_a_slot_can_leave(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("slots", slots=1, each=0.05)
    first = threading.Thread(target=ask, args=(port(sensible), STREAM))
    first.start()
    wait_until(lambda: any(request.first is not None for request in sensible.requests))
    sensible.fault("slots", slots=1, each=30, times=5)
    for number in range(2, 7):  # all of them wait, and leave
        with send(port(sensible), STREAM):
            wait_until(lambda number=number: len(sensible.requests) >= number)  # type: ignore[misc]
    first.join()
    assert ask(port(sensible), STREAM).body.endswith(b"data: [DONE]\n\n")


def test_the_queue_for_slots() -> None:
    over: set[str] = set()
    fault, queue = Slots(slots=2, each=0.5), Queue()
    turns = {name: Turn(fault, lambda name=name: name in over) for name in "abc"}  # type: ignore[misc]
    for turn in turns.values():
        queue.enter(turn)
    assert [queue.has_slot(turn) for turn in turns.values()] == [True, True, False]
    paced = queue.pace(turns["a"], [Write(b"1"), Write(b"2", 0.25), Write(b"3")])
    assert next(paced) == Write(b"1", 1.0)  # two replies share the pace
    over.add("b")
    assert next(paced) == Write(b"2", 0.75)  # one is alone
    assert [queue.has_slot(turns[name]) for name in "ac"] == [True, True]
    assert next(paced) == Write(b"3", 1.0)


PAGE = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}


def test_a_preflight_is_refused_and_the_request_is_not(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("preflight", status=401, times=1)
    url = sensible.base_url + "/chat/completions"
    assert httpx.post(url, json=QUESTION, headers={"Origin": PAGE["Origin"]}).status_code == 200
    refused = httpx.options(url, headers=PAGE)
    assert refused.status_code == 401
    assert "access-control-allow-origin" not in refused.headers
    assert httpx.options(url, headers=PAGE).status_code == 200


def test_replies_are_hidden_from_pages(sensible: FakeServer) -> None:
    sensible.reset()
    sensible.fault("no-cors", status=400)
    url, origin = sensible.base_url + "/chat/completions", {"Origin": PAGE["Origin"]}
    good, bad = httpx.post(url, json=QUESTION, headers=origin), httpx.post(url, json={}, headers=origin)
    assert (good.status_code, bad.status_code) == (200, 400)
    assert good.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in bad.headers


def test_a_preflight_has_a_body_of_ones_own(sensible: FakeServer) -> None:
    def preflight(**parameters: Any) -> httpx.Response:
        sensible.reset()
        sensible.fault("preflight", **parameters)
        return httpx.options(sensible.base_url + "/chat/completions", headers=PAGE)

    got = preflight(status=400, text="Disallowed CORS origin", content_type="text/plain", headers={"Vary": "Origin"})
    assert (got.status_code, got.text, got.headers["vary"]) == (400, "Disallowed CORS origin", "Origin")
    assert got.headers["content-type"] == "text/plain"
    got = preflight(json={"detail": "Method Not Allowed"}, headers={"Access-Control-Allow-Origin": "*"})
    assert (got.status_code, got.json()) == (405, {"detail": "Method Not Allowed"})
    assert got.headers["access-control-allow-origin"] == "*"
    assert preflight(status=404).json()["error"]["type"] == "invalid_request_error"
    got = preflight(status=200)
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")
    assert "access-control-allow-origin" not in got.headers


@pytest.mark.parametrize("name", ["access-control-allow-origin", "Access-Control-Expose-Headers", "vary"])
def test_one_header_for_pages_is_changed_or_left_out(sensible: FakeServer, name: str) -> None:
    sensible.reset()
    url, origin = sensible.base_url + "/models", {"Origin": PAGE["Origin"]}
    sensible.fault("header", name=name, value=None, times=1)
    assert name not in httpx.get(url, headers=origin).headers
    sensible.fault("header", name=name, value="odd", times=1)
    assert httpx.get(url, headers=origin).headers.get_list(name) == ["odd"]
