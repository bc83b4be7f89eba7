"""The inspector at `/__fake__/`: its page, the requests as they come, and what is made of one of them."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from fake_server import FakeServer
from fake_server.inspector.page import HERE
from fake_server.replay import ReplayServer
from fake_server.scripts.book import parse_text
from fake_server.server.control.following import MOST_FOLLOWERS
from fake_server.server.state.journal import MOST_WRITES, JournalEntry
from fake_server.testing.space import FakeSpace

CLIENT = httpx2.Client(trust_env=False)
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate"}
BROWSER |= {"sec-fetch-dest": "document", "sec-fetch-site": "none"}
WEATHER = {"name": "weather", "when": {"messages": {"last": {"contains": "weather"}}}, "reply": {"text": "Sunny."}}
KEY = "sk-0123456789abcdefghijklmnop"


@pytest.fixture(scope="module")
def running() -> Iterator[FakeServer]:
    with FakeServer([WEATHER], plain=True) as server:
        yield server


@pytest.fixture
def fake(running: FakeServer) -> FakeServer:
    running.reset()
    return running


def chat(fake: FakeSpace, text: str = "the weather", **more: Any) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return CLIENT.post(f"{fake.base_url}/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})


def page_of(fake: FakeSpace, **fields: str) -> httpx2.Response:
    return CLIENT.get(f"{fake.url}/__fake__/", headers={**BROWSER, **fields})


def get(fake: FakeSpace, path: str) -> Any:
    answer = CLIENT.get(f"{fake.url}/__fake__{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def newest(fake: FakeSpace) -> dict[str, Any]:
    found: dict[str, Any] = get(fake, "/requests?limit=1")["requests"][0]
    return found


def news_of(fake: FakeSpace, least: int = 1) -> list[dict[str, Any]]:
    """The rows of the requests as they are followed, until there are so many."""
    rows: list[dict[str, Any]] = []
    with CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                rows += json.loads(line[6:])["rows"]
            if len(rows) >= least:
                return rows
    raise AssertionError("the stream ended")


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


# -- what is made of it


def form_of(fake: FakeSpace, form: str) -> str:
    answer = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/{form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


@pytest.mark.parametrize(
    "text", ["plain", 'it\'s "quoted" $(date) `date` \\ ünïcödé\nline', "-H 'x: y'", "@/etc/passwd"]
)
def test_the_command_asks_the_same(fake: FakeServer, text: str) -> None:
    chat(fake, text)
    command = form_of(fake, "curl")
    assert KEY not in command
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, env={"OPENAI_API_KEY": "any", "PATH": "/usr/bin:/bin"}
    )
    assert json.loads(done.stdout)["object"] == "chat.completion"
    assert fake.requests[-1].json == fake.requests[-2].json
    assert shlex.split(command)[0] == "curl"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/it's{x}"])
def test_other_methods_are_asked_as_well(fake: FakeServer, path: str) -> None:
    CLIENT.request("DELETE", fake.url + path)
    subprocess.run(["sh", "-c", form_of(fake, "curl")], capture_output=True)
    assert (fake.requests[-1].method, fake.requests[-1].path) == ("DELETE", fake.requests[-2].path)


@pytest.mark.parametrize("text", ["the weather", 'it\'s {braces} \\ "quoted"\nline', "a cat"])
def test_the_test_passes(fake: FakeServer, text: str) -> None:
    chat(fake, text, stream="cat" in text)
    names: dict[str, Any] = {"httpx": httpx}
    exec(form_of(fake, "pytest"), names)
    names["test_request"](fake)
    assert fake.requests[-1].json == fake.requests[-2].json


REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi: 'there' # \"x\"\n- y"}]}),
    ("/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}),
    (
        "/chat/completions",
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": "call it"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "tool_choice": "required",
        },
    ),
    ("/responses", {"model": "gpt-5", "input": "hello", "stream": True}),
    ("/responses", {"model": "gpt-5", "input": "hello"}),
    ("/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}),
    ("/embeddings", {"model": "text-embedding-3-small", "input": "hello"}),
    ("/moderations", {"input": "hello"}),
    ("/chat/completions", {"model": "gpt-4o", "messages": []}),
]


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_the_script_answers_the_same_request(fake: FakeServer, path: str, body: dict[str, Any]) -> None:
    CLIENT.post(fake.base_url + path, json=body)
    before = newest(fake)
    text = form_of(fake, "script")
    (script,) = parse_text(text, "script")
    saved = CLIENT.post(f"{fake.url}/__fake__/scripts", json={"yaml": text})
    assert saved.json() == {"added": [script.name]}
    CLIENT.post(fake.base_url + path, json=body)
    after = newest(fake)
    if before["status"] == 200:
        assert (after["script"], after["status"]) == (script.name, 200)


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_the_fixture_is_replayed(fake: FakeServer, path: str, body: dict[str, Any], tmp_path: Path) -> None:
    reply = CLIENT.post(fake.base_url + path, json=body, headers={"authorization": f"Bearer {KEY}"})
    text = form_of(fake, "fixture")
    assert KEY not in text
    (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    with ReplayServer(tmp_path, speed=0) as replay:
        again = CLIENT.post(replay.base_url + path, json=body)
    assert (again.status_code, again.content) == (reply.status_code, reply.content)


@pytest.mark.parametrize(("path", "form"), [("/models", "script"), ("/nope", "script")])
def test_what_cannot_be_made_says_why(fake: FakeServer, path: str, form: str) -> None:
    CLIENT.get(fake.base_url + path)
    refused = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/{form}")
    assert refused.status_code == 409
    assert "scripts answer POST requests" in refused.json()["error"]["message"]


def test_a_body_too_long_to_paste_is_not_copied(fake: FakeServer) -> None:
    chat(fake, "x" * 300_000)
    for form in ("curl", "pytest", "script", "fixture"):
        refused = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/{form}")
        assert refused.status_code == 413
        assert "too long to copy" in refused.json()["error"]["message"]


# -- actions


def test_a_request_is_answered_again_as_its_client_sent_it(fake: FakeServer) -> None:
    chat(fake)
    first = newest(fake)
    made = CLIENT.post(f"{fake.url}/__fake__/requests/{first['id']}/again", json={})
    assert made.status_code == 201
    second = get(fake, f"/requests/{made.json()['id']}")
    assert second["id"] > first["id"]
    same = ("method", "path", "headers", "body", "status", "script", "space")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert second["reply"]["choices"] == first["reply"]["choices"]


@pytest.mark.parametrize(
    "fault", ["cut;after_events=1", "stall;after_events=1", "close", "slow;rate=200", "error;status=503"]
)
def test_answering_again_is_not_held_up_by_faults(fake: FakeServer, fault: str) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    with httpx2.Client(timeout=0.3) as client, suppress(httpx2.HTTPError):
        client.post(f"{fake.base_url}/chat/completions", json=body, headers={"x-fake-fault": fault})
    made = CLIENT.post(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/again", json={})
    assert made.status_code == 201, made.text
    assert get(fake, f"/requests/{made.json()['id']}")["headers"]["x-fake-fault"] == fault


def test_answering_again_stays_in_the_space(fake: FakeServer) -> None:
    mine = fake.space("mine")
    chat(mine)
    made = CLIENT.post(f"{mine.url}/__fake__/requests/{newest(mine)['id']}/again", json={})
    assert made.status_code == 201
    assert (len(mine.requests), len(fake.requests)) == (2, 0)


def test_a_script_file_is_checked_without_being_added(fake: FakeServer) -> None:
    for text, problem in [
        ("- name: x\n  when: {modl: 3}\n  reply: {text: hi}\n", "script:2: unknown key 'modl' in when"),
        ("- name: x\n  reply:\n    - no\n", "script:3: "),
        ("{", "script:1: not YAML"),
        ("- name: x\n  reply: {file: /etc/passwd}\n", "script:2: "),
    ]:
        refused = CLIENT.post(f"{fake.url}/__fake__/scripts?check=true", json={"yaml": text})
        assert refused.status_code == 400
        assert refused.json()["error"]["message"].startswith(problem), refused.text
    right = CLIENT.post(f"{fake.url}/__fake__/scripts?check=true", json={"yaml": "- name: x\n  reply: {text: hi}\n"})
    assert (right.status_code, right.json()) == (200, {"scripts": ["x"]})
    assert [script["name"] for script in get(fake, "/scripts")["scripts"]] == ["weather"]


def test_the_catalogue_lists_what_can_be_put_in_force(fake: FakeServer) -> None:
    known = get(fake, "/catalogue")
    assert {"name", "about", "parameters"} == set(known["faults"][0])
    for fault in ("error", "cut", "stall"):
        assert fault in {known["name"] for known in known["faults"]}
    assert any(bug["id"] == "ikllama-no-done" for bug in known["bugs"])
