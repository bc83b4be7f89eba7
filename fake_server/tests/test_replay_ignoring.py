"""What changes from run to run in a request need not make every recording a miss."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.replay import ReplayServer, ReplayTransport, mocked
from fake_server.replay.ignoring import Ignored, Part, join
from fake_server.replay.matching import RecordingMatcher
from fake_server.wire.exchange import Exchange, Request, Write

INVALID = "http://replay.invalid/v1"
MORNING = "Today is 2026-11-28T10:00:01Z. The run is 5b1f0c52-7d0e-4a54-9d7e-0f3f1c1d2e3f."
NEXT_DAY = "Today is 2026-11-29T11:22:33Z. The run is 11111111-7d0e-4a54-9d7e-0f3f1c1d2e3f."


def chat(system: str, user: str = "hi", **members: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return {"model": "m", "messages": messages, **members}


def request(body: Any, target: str = "/v1/chat/completions") -> Request:
    return Request("POST", target, (), body if isinstance(body, bytes) else json.dumps(body).encode())


def answer(recorded: Any, requested: Any, *ignore: Part, match: str = "body") -> str:
    """'' if the recording answers the request, else the message of the miss."""
    recording = Exchange(recorded if isinstance(recorded, Request) else request(recorded), 200, label="one")
    matcher = RecordingMatcher([recording], ignore=ignore, match=match)
    matcher.answer(requested if isinstance(requested, Request) else request(requested))
    return "".join(matcher.misses)


@pytest.mark.parametrize(
    "ignore",
    [
        ["messages[0].content"],
        ["$.messages[0].content"],
        ["messages[*].content"],
        ["messages[-2].content"],
        ["messages[0]"],
        ["messages"],
        ["messages.*.content"],
        ['["messages"][0]["content"]'],
        ["iso-time", "uuid"],
        [r"/\d{4}\S+Z/", r"/[0-9a-f]+(-[0-9a-f]+){4}/"],
        [re.compile(r"\bis \S+")],
    ],
)
@pytest.mark.parametrize("match", ["body", "exact"])
def test_what_is_ignored_does_not_count(ignore: list[Part], match: str) -> None:
    assert answer(chat(MORNING), chat(NEXT_DAY), *ignore, match=match) == ""


@pytest.mark.parametrize(
    ("recorded", "requested", "ignore"),
    [
        (chat("a", seed=1), chat("a"), ["seed"]),  # absent is ignored as well
        (chat("a"), chat("a", seed=1), ["seed"]),
        (chat("a", metadata_={"run": 1, "x": 2}), chat("a", metadata_={"run": 2, "x": 2}), ["metadata_.run"]),
        ({"odd.name": 1}, {"odd.name": 2}, ['["odd.name"]']),
        (chat("a", tools=[{"d": ["2026-01-01"]}]), chat("a", tools=[{"d": ["2025-12-31"]}]), ["iso-time"]),
        (b"run=2026-11-28 10:00", b"run=2026-11-29 10:05:00.5 +01:00", ["iso-time"]),
        (b"\xff 00112233445566778899aabbccddeeff", b"\xff 10112233445566778899AABBCCDDEEFF", ["uuid"]),
        (request(b"", "/v1/threads/t-1?after=x1"), request(b"", "/v1/threads/t-2?after=x2"), [r"/(t-|x)\d/"]),
    ],
)
def test_any_part_of_a_request_can_be_ignored(recorded: Any, requested: Any, ignore: list[str]) -> None:
    assert answer(recorded, requested) != ""
    assert answer(recorded, requested, *ignore) == ""


@pytest.mark.parametrize(
    ("recorded", "requested", "ignore"),
    [
        (chat(MORNING, "hi"), chat(NEXT_DAY, "ho"), ["messages[0].content"]),
        (chat(MORNING), chat(NEXT_DAY), ["iso-time"]),
        (chat(MORNING), chat(NEXT_DAY), ["uuid"]),
        (chat("at 2026-11-28"), chat("at noon"), ["iso-time"]),
        ({"messages": [1]}, {"messages": [1, 2]}, ["messages[1]"]),
        (chat("a", seed=1), chat("a", seed=2), ["messages[0].seed"]),
    ],
)
def test_all_the_rest_counts(recorded: Any, requested: Any, ignore: list[str]) -> None:
    assert answer(recorded, requested, *ignore) != ""


@pytest.mark.parametrize(
    ("recorded", "requested", "words"),
    [
        (chat("a"), chat("b"), "--ignore 'messages[0].content' (in Python ignore=['messages[0].content'])."),
        (chat(MORNING), chat(NEXT_DAY), "--ignore iso-time --ignore uuid (in Python ignore=['iso-time', 'uuid'])."),
        (chat("on 2026-11-28"), chat("on 2026-11-29"), "ignored: --ignore iso-time (in Python"),
        (chat("a", seed=1), chat("b"), "--ignore 'messages[0].content' --ignore seed (in Python"),
        ({"odd.name": 1}, {}, """--ignore '["odd.name"]' (in Python"""),
        (b"on 2026-11-28", b"on 2026-11-29", "--ignore iso-time"),
    ],
)
def test_a_miss_names_what_could_be_ignored(recorded: Any, requested: Any, words: str) -> None:
    assert words in answer(recorded, requested)


@pytest.mark.parametrize(
    ("recorded", "requested"),
    [
        ({"messages": [1]}, {"messages": [1, 2]}),
        (b"a", b"b"),
        ({"\x00": 1}, {"\x00": 2}),
        ([], {}),
    ],
)
def test_a_miss_suggests_nothing_where_nothing_helps(recorded: Any, requested: Any) -> None:
    assert answer(recorded, requested) != ""
    assert "ignore" not in answer(recorded, requested)


@given(st.text(min_size=1))
def test_the_path_of_a_miss_is_a_part_that_can_be_ignored(name: str) -> None:
    assert Ignored(join("a", name)).remove_from_body({"a": {name: 1, "b": 2}}) == {"a": {"b": 2} if name != "b" else {}}
    assert Ignored(join("", name)).remove_from_body({name: 1}) == {}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("", "cannot ignore ''"),
        ("messages[", "cannot ignore 'messages['"),
        ("messages[x]", "name a member"),
        (".model", "name a member"),
        ("$.", "name a member"),
        ("a..b", "name a member"),
        ("/[/", "not a regular expression"),
        ("/x*/", "matches also the empty text"),
        ("//", "matches also the empty text"),
    ],
)
def test_what_cannot_be_ignored_is_said(part: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Ignored([part])


def answers(client: httpx2.Client, base_url: str) -> int:
    return client.post(f"{base_url}/chat/completions", json=chat(NEXT_DAY)).status_code


@pytest.mark.parametrize("ignore", ["messages[0].content", ["iso-time", "uuid"]])
def test_every_way_of_replaying_ignores(ignore: str | Iterable[str]) -> None:
    headers = (("Content-Length", "2"),)
    recording = Exchange(request(chat(MORNING)), 200, headers, (Write(b"{}"),), label="one")
    with httpx2.Client(trust_env=False) as client:
        with ReplayServer(recording, ignore=ignore) as server:
            assert answers(client, server.base_url) == 200
        with mocked(recording, base_url=INVALID, ignore=ignore):
            assert answers(client, INVALID) == 200
    with httpx2.Client(transport=ReplayTransport(recording, ignore=ignore)) as client:
        assert answers(client, INVALID) == 200


SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", "../shared")) / "reports" / "05-volatile-request"


@pytest.mark.skipif(not SHARED.exists(), reason=f"the shared reports are not in {SHARED.parent}")
@pytest.mark.parametrize("ignore", ["messages[0].content", ["iso-time", "uuid"]])
def test_the_reported_request_of_the_next_day_is_answered(ignore: str | Iterable[str]) -> None:
    again = (SHARED / "again.json").read_bytes()
    for ignored, status in (((), 404), (ignore, 200)):
        with ReplayServer(SHARED / "recorded", speed=0, ignore=ignored) as server:
            reply = httpx2.post(f"{server.base_url}/chat/completions", content=again, trust_env=False)
        assert reply.status_code == status
        assert ("--ignore iso-time --ignore uuid" in reply.text) is (status == 404)
