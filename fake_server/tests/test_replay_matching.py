"""Which recording answers, what a miss says, and that no client asks again after one."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import httpx2
import openai
import pytest

from fake_server.replay import ReplayServer, ReplayTransport, mocked
from fake_server.replay.matching import RecordingMatcher
from fake_server.replay.nearest import format_differences
from fake_server.replay.playback import Playback
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire.exchange import Aspect, Exchange, Headers, Request, Write

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
JSON = (("Content-Type", "application/json"),)


def asking(body: Any = BODY, target: str = "/v1/chat/completions", headers: Headers = ()) -> Request:
    return Request("POST", target, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def recording(label: str, request: Request | None = None, **changes: Any) -> Exchange:
    text = b'{"label":"%s"}' % label.encode()
    exchange = Exchange(request or asking(), 200, JSON, (Write(text),), label=label)
    return exchange.but(unknown=frozenset({Aspect.FRAMING}), **changes)


def answers(shelf: RecordingMatcher, *requests: Request) -> list[str]:
    return [shelf.answer(request).label for request in requests]


def test_exact_takes_the_whole_body_and_the_query() -> None:
    with_user = asking({**BODY, "user": "me"})
    shelf = RecordingMatcher([recording("one"), recording("user", with_user)], match="exact")
    spaced = asking(b'{ "messages": [{"content": "hi", "role": "user"}], "model": "m" }')
    assert answers(shelf, with_user, spaced) == ["user", "one"]
    assert answers(shelf, asking({**BODY, "user": "you"}), asking(target="/v1/chat/completions?v=2")) == [
        "",
        "",
    ]
    assert '\'user\': user is "you", recorded "me"' in shelf.misses[0]
    assert 'with this query. The nearest is the recording \'one\': the query is "v=2", recorded ""' in shelf.misses[1]


def test_body_ignores_who_asks_and_prefers_the_same_query() -> None:
    second = asking(target="/v1/chat/completions?page=2")
    shelf = RecordingMatcher([recording("one"), recording("two", second)])
    named = asking({**BODY, "user": "x", "metadata": {"run": "7"}, "prompt_cache_key": "k"})
    assert answers(shelf, second, named, asking(target="/chat/completions?page=3")) == ["two", "one", "one"]
    assert answers(shelf, asking({**BODY, "seed": 1})) == [""]


def test_order_compares_no_bodies_and_any_compares_nothing() -> None:
    shelf = [recording("a"), recording("b", asking(b"x", "/v1/embeddings")), recording("c")]
    assert answers(RecordingMatcher(shelf, match="order"), asking(b"?"), asking(b"!"), asking(b"?")) == [
        "a",
        "c",
        "a",
    ]
    assert answers(RecordingMatcher(shelf, match="any"), *[Request("GET", "/nowhere")] * 4) == [
        "a",
        "b",
        "c",
        "a",
    ]
    with pytest.raises(ValueError, match="'some' is not a valid Match"):
        RecordingMatcher(shelf, match="some")


def test_recordings_that_do_not_know_what_was_asked_come_last() -> None:
    blind = recording("blind", asking(b"")).but(unknown=frozenset({Aspect.FRAMING, Aspect.REQUEST}))
    shelf = RecordingMatcher([blind, recording("one")])
    assert answers(shelf, asking(), asking(), asking(b"{}")) == ["one", "one", "blind"]
    exact = RecordingMatcher([blind], match="exact")
    assert answers(exact, asking(), asking(b"")) == ["", ""]
    assert answers(shelf, asking(target="/v1/chat/completions?v=2")) == ["one"]
    assert exact.misses[0].endswith("the recording 'blind' did not keep its request.")
    assert answers(RecordingMatcher([blind], match="order"), asking()) == ["blind"]


def test_forms_match_whatever_boundary_was_drawn() -> None:
    def form(boundary: str) -> Request:
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--{boundary}--\r\n'
        kind = (("Content-Type", f"multipart/form-data; boundary={boundary}"),)
        return asking(body.encode(), "/v1/files", kind)

    assert answers(RecordingMatcher([recording("form", form("aaa"))]), form("zzz-4711")) == ["form"]


def test_a_request_with_a_secret_finds_the_recording_that_was_cleaned_of_it() -> None:
    secret = "sk-proj-" + "Ab3dEf6hIj" * 4
    clean = asking({**BODY, "messages": [{"role": "user", "content": "sk-proj-REDACTED" + "x" * 32}]})
    asked = asking({**BODY, "messages": [{"role": "user", "content": secret}]})
    shelf = RecordingMatcher([recording("clean", clean)])
    blind = recording("blind", asking(b"")).but(unknown=frozenset({Aspect.FRAMING, Aspect.REQUEST}))
    assert answers(RecordingMatcher([blind, recording("clean", clean)]), asked) == ["clean"]
    more = asking({**asked.json(), "seed": 7, "more": 1})
    assert answers(shelf, asked, more) == ["clean", ""]
    assert "seed is 7, not in the recording (and 1 more difference)." in shelf.misses[0]


def test_the_nearest_has_the_most_in_common() -> None:
    def saying(text: str, **more: Any) -> Request:
        return asking({"model": "m", "messages": [{"role": "user", "content": text}], **more})

    shelf = RecordingMatcher(
        [
            recording("poem", saying("write a long poem about a tree")),
            recording("sea", saying("write a long poem about the sea")),
            recording("tools", saying("write a long poem about the sea", tools=[{"a": 1}, {"b": 2}], n=2)),
        ]
    )
    shelf.answer(saying("write a short poem about the sea"))
    assert "'sea': messages[0].content" in shelf.misses[0]
    shelf.answer(saying("write a long poem about the sea", tools=[{"a": 1}], n=3))
    assert "'tools': tools has 1 items, recorded 2 (and 1 more difference)." in shelf.misses[1]


@pytest.mark.parametrize(
    ("asked", "recorded", "told"),
    [
        ({"a": 1}, {"a": 1.0}, ""),
        ({"a": True}, {"a": 1}, "a is true, recorded 1"),
        ({}, {"a": None}, "a is missing, recorded null"),
        ({"b": 1}, {}, "b is 1, not in the recording"),
        ([1, 2], [1], "the body has 2 items, recorded 1"),
        (
            {"t": "x" * 500 + "left"},
            {"t": "x" * 500 + "right"},
            f't differs from character 500 on: "{"x" * 20}left", recorded "{"x" * 20}right"',
        ),
        (
            {"t": "ab" * 55},
            {"t": "ab" * 50},
            f't differs from character 100 on: "{"ab" * 15}", recorded ends there',
        ),
        (b"\x00" * 90 + b"1", b"\x00" * 90 + b"2", "the body differs from byte 90 on: "),
        ({"t": "\ud800"}, {"t": ""}, 't is "\\ud800", recorded ""'),
        (list(range(300)), list(range(1, 301)), "[0] is 0, recorded 1 (and at least 100 more differences)"),
    ],
)
def test_differences_are_told_where_they_are(asked: Any, recorded: Any, told: str) -> None:
    assert format_differences(asked, recorded).startswith(told)
    assert bool(told) is bool(format_differences(asked, recorded))


def test_a_miss_is_an_openai_error_that_is_not_asked_again() -> None:
    request: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "something else"}]}
    options: dict[str, Any] = {"api_key": "any", "max_retries": 3}
    for status in (404, 503, 429):
        replaying = ReplayTransport(recording("one"), miss_status=status)
        client = openai.OpenAI(http_client=httpx2.Client(transport=replaying), **options)
        with pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(**request)
        assert (raised.value.status_code, raised.value.code) == (status, "no_fixture_match")
        assert "The nearest is the recording 'one'" in raised.value.message
        assert len(replaying.misses) == 1

        with ReplayServer(recording("one"), miss_status=status) as server:
            http_client = openai.DefaultHttpxClient(trust_env=False)
            client = openai.OpenAI(base_url=server.base_url, http_client=http_client, **options)
            with client, pytest.raises(openai.APIStatusError):
                client.chat.completions.create(**request)
            assert server.misses == replaying.misses

        with mocked(recording("one"), miss_status=status) as replay, openai.OpenAI(**options) as client:
            with pytest.raises(openai.APIStatusError):
                client.chat.completions.create(**request)
            assert replay.misses == replaying.misses


def test_hostile_requests_are_missed_and_nothing_more() -> None:
    shelf = RecordingMatcher([recording("one")])
    for body in (
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'{"t": "\\ud800", "\\udfff": 1}',
        b'{"\\ud800": 1}',
        b"\xff\xfe",
        b"",
        b'{"n": 1e999, "m": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b"x" * 1_000_000,
        b'{"%s": 1}' % (b"n" * 100_000),
        b'{"\\u001b[31m": 1}',
    ):
        reply = shelf.answer(asking(body))
        assert reply.status == 404
        assert json.loads(reply.payload)["error"]["code"] == "no_fixture_match"
        assert len(shelf.misses[-1]) < 600
        assert shelf.misses[-1].isprintable()
    shelf.answer(asking(b"x" * 1_100_000))
    assert shelf.misses[-1].endswith("with this body of 1,100,000 bytes.")
    shelf.answer(Request("GET", "/\x9b31m"))
    assert "GET /\\x9b31m;" in shelf.misses[-1]


def test_a_miss_among_many_recordings_is_told_at_once() -> None:
    shelf = RecordingMatcher([recording(f"r{number}", asking({**BODY, "n": number})) for number in range(500)])
    began = time.process_time()
    shelf.answer(asking({"model": "m", "messages": [{"role": "user", "content": "many words " * 50_000}]}))
    assert "'r0': messages[0].content" in shelf.misses[0]
    assert time.process_time() - began < 3


def test_head_gets_no_body_and_the_connection_lasts() -> None:
    head = Request("HEAD", "/v1/models")
    headers = (*JSON, ("Content-Length", "44"))
    shelf = [Exchange(head, 200, headers), recording("get", Request("GET", "/v1/models"))]

    async def main() -> None:
        lines = b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        async with Playback(shelf, speed=0) as playback:
            both = await ask(playback.port, b"HEAD /v1/models" + lines + last)
            assert both.data.count(b"HTTP/1.1 200") == 2
            assert both.data.endswith(b'{"label":"get"}')
            missed = await ask(playback.port, b"HEAD /v1/none" + lines + last)
            assert missed.data.startswith(b"HTTP/1.1 404")
            assert b"no_fixture_match" not in missed.data
            assert missed.data.endswith(b'{"label":"get"}')
        async with Playback(shelf[1:], speed=0, match="any") as playback:
            other = await ask(playback.port, b"HEAD /v1/models" + lines + last)
            assert other.data.count(b"HTTP/1.1 200") == 1  # its body would be taken for the next reply

    run(main())
    with httpx2.Client(transport=ReplayTransport(shelf)) as client:
        assert client.head("https://api.example.invalid/v1/models").headers["content-length"] == "44"


def test_requests_at_once_get_one_recording_each() -> None:
    shelf = [recording(f"r{number}") for number in range(20)]
    got: list[str] = []

    def work(client: httpx2.Client) -> None:
        for _ in range(5):
            url = "https://api.example.invalid/v1/chat/completions"
            got.append(client.post(url, json=BODY).json()["label"])

    replaying = ReplayTransport(shelf)
    with httpx2.Client(transport=replaying) as client:
        threads = [threading.Thread(target=work, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(got) == sorted(recording.label for recording in shelf)
    assert not replaying.unplayed

    async def main() -> None:
        async with Playback(shelf, speed=0) as playback:
            replies = await asyncio.gather(*(ask(playback.port, post(asking().body)) for _ in shelf))
        assert sorted(reply.body for reply in replies) == sorted(recording.payload for recording in shelf)

    run(main())
