"""The inspector of a server that replays: requests with the recording that answered, or why none did."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from fake_server.replay import ReplayServer
from fake_server.tests.inspecting import BROWSER, CLIENT, KEY
from fake_server.wire.exchange import Exchange, Request, Write

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
REPLY = b'{"id":"x","usage":{"prompt_tokens":3,"completion_tokens":4}}'
RECORDED = Exchange(
    Request("POST", "/v1/chat/completions", body=json.dumps(BODY).encode()),
    200,
    (("content-type", "application/json"), ("content-length", str(len(REPLY)))),
    (Write(REPLY),),
    label="greeting",
)


@pytest.fixture
def replay() -> Iterator[ReplayServer]:
    with ReplayServer([RECORDED]) as server:
        yield server


def ask(replay: ReplayServer, text: str = "hi") -> int:
    body = {**BODY, "messages": [{"role": "user", "content": text}]}
    fields = {"authorization": f"Bearer {KEY}"}
    return CLIENT.post(f"{replay.base_url}/chat/completions", json=body, headers=fields).status_code


def test_the_page_lists_what_answered_and_why_nothing_did(replay: ReplayServer) -> None:
    assert (ask(replay), ask(replay, "<b>other</b>")) == (200, 404)
    page = CLIENT.get(f"{replay.url}/__fake__/", headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "greeting" in page.text
    assert "messages[0].content is" in page.text
    assert "<b>other" not in page.text
    for action in ("Faults and bugs</", "Queue a reply</"):
        assert action not in page.text.partition("<script")[0]
    assert len(replay.misses) == len(replay.unplayed) + 1 == 1


def test_requests_are_followed_and_opened_and_copied(replay: ReplayServer) -> None:
    ask(replay)
    with CLIENT.stream("GET", f"{replay.url}/__fake__/events?follow=true") as stream:
        lines = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        (row,) = next(lines)["rows"]
        assert (row["script"], row["status"], row["words"]) == ("greeting", 200, "hi")
        ask(replay, "other")
        assert next(lines)["rows"][0]["note"] == "no recording"
    one = CLIENT.get(f"{replay.url}/__fake__/requests/{row['id']}").json()
    assert one["raw"]["reply"] == REPLY.decode()
    assert ["usage", "prompt 3, completion 4"] in one["view"]["facts"]
    assert one["headers"]["authorization"] == "<redacted>"
    command = CLIENT.get(f"{replay.url}/__fake__/requests/{row['id']}/curl").text
    assert command.startswith(f"curl -sS {replay.base_url}/chat/completions")
    assert KEY not in command


def test_clearing_begins_anew(replay: ReplayServer) -> None:
    ask(replay)
    assert not replay.unplayed
    assert CLIENT.delete(f"{replay.url}/__fake__/requests").status_code == 204
    assert len(replay.unplayed) == 1
    assert CLIENT.get(f"{replay.url}/__fake__").json() == {"requests": 0, "dropped": 0, "missed": 0, "recordings": 1}


def test_without_the_inspector_its_paths_are_those_of_recordings() -> None:
    with ReplayServer([RECORDED], inspector=False) as replay:
        refused = CLIENT.get(f"{replay.url}/__fake__/", headers=BROWSER)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "no_fixture_match")


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize(
    "path", ["/__fake__/", "/__fake__/requests", "/__fake__/events?follow=true", "/__fake__/events"]
)
@pytest.mark.parametrize("fields", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}], ids=str)
def test_no_page_of_another_origin_reads_it(replay: ReplayServer, path: str, fields: dict[str, str]) -> None:
    ask(replay)
    for method in ("GET", "DELETE"):
        refused = CLIENT.request(method, replay.url + path, headers={"accept": "text/html", **fields})
        assert refused.status_code == 403
    assert not replay.unplayed


@pytest.mark.security("memory")
def test_requests_of_a_replay_are_bounded(replay: ReplayServer) -> None:
    inspection = replay._playback._inspection
    assert inspection is not None
    for _ in range(40):
        inspection.add(Request("POST", "/v1/x", body=b"x" * 1_000_000), RECORDED, "")
    assert sum(len(played.request.body) for played in inspection._played) <= 16 * 1024 * 1024
    for _ in range(3000):
        inspection.add(Request("GET", "/v1/x"), RECORDED, "")
    assert len(inspection._played) == 1000
