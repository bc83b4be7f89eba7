"""The inspector at `/__fake__/`: its page, the requests as they come, and one request in full."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.inspector.page import HERE
from fake_server.server.control.following import MOST_FOLLOWERS
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.write_times import MOST_WRITES
from fake_server.tests.inspecting import BROWSER, CLIENT, WEATHER, chat, get, newest, news_of, page_of


@pytest.fixture(scope="module")
def running() -> Iterator[FakeServer]:
    with FakeServer([WEATHER], plain=True) as server:
        yield server


@pytest.fixture
def fake(running: FakeServer) -> FakeServer:
    running.reset()
    return running


# -- the page


def test_a_browser_gets_a_page_with_the_requests_in_it_and_a_program_the_overview(fake: FakeServer) -> None:
    chat(fake)
    page = page_of(fake)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for text in ("/v1/chat/completions", "gpt-4o", "the weather", ">weather<q>", "200"):
        assert text in page.text
    assert page_of(fake).text == CLIENT.get(f"{fake.url}/__fake__", headers=BROWSER).text
    assert get(fake, "/")["requests"] == get(fake, "")["requests"] == 1


def test_the_page_is_small_and_needs_nothing_from_elsewhere(fake: FakeServer) -> None:
    assert (HERE / "script.js").stat().st_size < 15 * 1024
    assert sum(path.stat().st_size for path in HERE.iterdir() if path.is_file()) < 45 * 1024
    text = page_of(fake).text
    assert "http://www.w3.org/2000/svg" in text
    assert text.count("//") < text.count("http") + 20
    for word in (" src=", "@import", "url(http", "innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
        assert word not in text


def test_the_page_of_a_space_speaks_of_it_alone(fake: FakeServer) -> None:
    mine = fake.space("mine")
    chat(mine, "only mine")
    chat(fake, "of all")
    assert 'data-base="/@mine/__fake__"' in page_of(mine).text
    assert "only mine" in page_of(mine).text
    assert "of all" not in page_of(mine).text
    assert '<option value="mine">@mine</option>' in page_of(fake).text


def test_the_root_points_a_browser_to_the_page_and_tells_programs_as_before(fake: FakeServer) -> None:
    shown = CLIENT.get(f"{fake.url}/", headers=BROWSER)
    assert 'href="/__fake__/"' in shown.text
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "/__fake__" in CLIENT.get(f"{fake.url}/").json()["see"]


def test_without_the_inspector_there_is_no_page_and_no_stream(fake: FakeServer) -> None:
    with FakeServer([], inspector=False) as off:
        for path in ("/__fake__/", "/__fake__/inspector", "/__fake__/events"):
            refused = CLIENT.get(off.url + path, headers=BROWSER)
            assert refused.status_code == 404
            assert refused.json()["error"]["type"] == "invalid_request_error"
        assert CLIENT.get(f"{off.url}/__fake__/", headers={"accept": "*/*"}).json()["requests"] == 0
        assert CLIENT.get(f"{off.url}/", headers=BROWSER).json()["see"]


def test_a_page_of_a_thousand_requests_is_listed_in_part_and_followed_whole() -> None:
    with FakeServer([], plain=True) as fake:
        for _ in range(1100):
            fake._space.journal.add(JournalEntry("POST", "/v1/chat/completions", body=b'{"model": "gpt-4o"}'))
        page = page_of(fake)
        assert page.text.count('<li id="r') == 100
        assert "1000 requests, 100 older ones dropped" in page.text
        rows = news_of(fake, 1000)
        assert len({row["id"] for row in rows}) == len(rows) == 1000


# -- requests as they come


def test_a_request_is_told_as_it_comes_with_what_answered_it(fake: FakeServer) -> None:
    chat(fake, "a cat")
    known = news_of(fake)
    assert (known[0]["note"], known[0]["script"]) == ("the fake", None)
    assert known[0]["miss"].startswith("nearest weather: messages.last: expected a text that contains 'weather'")
    later = threading.Timer(0.05, chat, (fake,))
    later.start()
    row = news_of(fake, 2)[-1]
    later.join()
    assert (row["script"], row["miss"], row["model"], row["words"]) == ("weather", "", "gpt-4o", "the weather")
    assert (row["method"], row["path"], row["stream"]) == ("POST", "/v1/chat/completions", False)


def test_requests_that_were_forgotten_leave_the_list(fake: FakeServer) -> None:
    chat(fake)
    number = newest(fake)["id"]
    with CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        lines = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        assert next(lines)["first"] == number
        CLIENT.delete(f"{fake.url}/__fake__/requests")
        assert next(lines)["first"] > number


def test_the_stream_ends_with_its_server_in_the_usual_time() -> None:
    with FakeServer([]) as fake, CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        assert stream.status_code == 200
        began = time.monotonic()
        fake.stop()
        assert time.monotonic() - began < 5


def test_a_stream_of_a_space_that_was_dropped_ends(fake: FakeServer) -> None:
    mine = fake.space("dropped")
    with CLIENT.stream("GET", f"{mine.url}/__fake__/events?follow=true") as stream:
        CLIENT.delete(f"{fake.url}/__fake__/spaces/dropped")
        stream.read()


@pytest.mark.security("memory")
def test_only_so_many_follow_at_the_same_time_and_who_leaves_makes_room(fake: FakeServer) -> None:
    clients = [httpx2.Client(trust_env=False, verify=False) for _ in range(MOST_FOLLOWERS)]
    streams = [client.stream("GET", f"{fake.url}/__fake__/events?follow=true") for client in clients]
    for stream in streams:
        assert stream.__enter__().status_code == 200
    refused = CLIENT.get(f"{fake.url}/__fake__/events?follow=true")
    assert refused.status_code == 503
    assert "follow the requests already" in refused.json()["error"]["message"]
    for stream, client in zip(streams, clients, strict=True):
        stream.__exit__(None, None, None)
        client.close()
    deadline = time.monotonic() + 30
    while len(fake.settings.followers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert news_of(fake, 0) == []


@pytest.mark.security("memory")
def test_a_follower_holds_nothing_that_its_reader_has_not_read(fake: FakeServer) -> None:
    with CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        assert stream.status_code == 200
        for _ in range(20):
            chat(fake)
        (follower,) = fake.settings.followers
        assert len(follower._seen) <= 20  # type: ignore[attr-defined]
        kinds = get(fake, "")["memory"]["kinds"]
        assert kinds["in_flight"] == 0


# -- one request


def test_a_request_is_shown_with_its_bodies_and_its_writes(fake: FakeServer) -> None:
    fake.reply({"text": "one two three four five six seven eight", "timing": {"first": 0.02, "rate": 200.0}})
    chat(fake, stream=True, stream_options={"include_usage": True})
    one = get(fake, f"/requests/{newest(fake)['id']}")
    assert one["raw"]["body"].startswith('{"model":"gpt-4o"')
    assert one["raw"]["reply"].startswith("data: ")
    assert len(one["writes"]) > 3
    assert sum(size for _, size in one["writes"]) == one["bytes"]
    assert [at for at, _ in one["writes"]] == sorted(at for at, _ in one["writes"])
    view = one["view"]
    assert view["words"].startswith("one two three")
    assert view["timeline"]["ticks"].count("M") == len(one["writes"])
    facts = dict(view["facts"])
    assert facts["answered by"] == "queued 1"
    assert "total" in facts["usage"]


def test_many_writes_are_folded() -> None:
    entry = JournalEntry("POST", "/v1/chat/completions")
    for _ in range(10_000):
        entry.sent(b"abc")
    assert len(entry.writes) <= MOST_WRITES
    assert sum(size for _, size in entry.writes) == entry.sent_bytes == 30_000
    assert entry.size < 30_000 + 1024 + 16 * MOST_WRITES + 200


@pytest.mark.parametrize("path", ["/requests/0", "/requests/x", "/requests/0/curl", "/requests/99999999/script"])
def test_a_request_that_is_not_there_is_an_error(fake: FakeServer, path: str) -> None:
    refused = CLIENT.get(f"{fake.url}/__fake__{path}")
    assert refused.status_code == 404
    assert "GET /__fake__/requests lists them" in refused.json()["error"]["message"]


def test_a_form_that_is_none_names_those_there_are(fake: FakeServer) -> None:
    chat(fake)
    refused = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/perl")
    assert refused.status_code == 404
    assert "curl, pytest, script, fixture" in refused.json()["error"]["message"]
