"""What `/__fake__/` tells and takes: requests with scripts or misses, scripts, replies, spaces, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fake_server import FakeServer
from fake_server.testing.space import FakeSpace

LIMIT = "limit must be a whole number of at most 9 digits, but is 'x'"
TREE = {"name": "tree", "when": {"messages": {"last": {"contains": "tree"}}}, "reply": {"text": "leaf"}}


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer([TREE], seed=1) as server:
        yield server


def chat(fake: FakeSpace, text: str, **more: Any) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return httpx2.post(f"{fake.base_url}/chat/completions", json=body, headers={"authorization": "Bearer sk-s3cret"})


def told(fake: FakeSpace, path: str = "", **params: Any) -> dict[str, Any]:
    answer = httpx2.get(f"{fake.url}/__fake__{path}", params=params)
    assert answer.status_code == 200
    value: dict[str, Any] = answer.json()
    return value


def post(fake: FakeSpace, path: str, value: Any) -> httpx2.Response:
    return httpx2.post(f"{fake.url}/__fake__{path}", json=value)


def test_requests_tell_the_script_or_the_nearest_misses(fake: FakeServer) -> None:
    chat(fake, "a tree")
    chat(fake, "a cat", stream=True)
    first, second = told(fake, "/requests")["requests"]
    assert (first["script"], first["misses"], first["status"]) == ("tree", [], 200)
    assert first["body"]["messages"][0]["content"] == "a tree"
    assert first["reply"]["choices"][0]["message"]["content"] == "leaf"
    assert first["headers"]["authorization"] == "<redacted>"
    assert 0 < first["first"] <= first["seconds"] < 10
    (miss,) = second["misses"]
    assert miss["failed"] == "messages.last: expected a text that contains 'tree', got 'a cat'"
    assert (second["script"], miss["script"]) == (None, "tree")
    assert second["reply"].rstrip().endswith("[DONE]")
    assert "s3cret" not in str(told(fake, "/requests"))


def test_requests_can_be_chosen_and_forgotten(fake: FakeServer) -> None:
    for text in ("a tree", "b", "c tree"):
        chat(fake, text)
    httpx2.get(f"{fake.base_url}/nope")
    assert len(told(fake, "/requests", script="tree")["requests"]) == 2
    assert told(fake, "/requests", limit=1)["requests"][0]["path"] == "/v1/nope"
    assert told(fake, "/requests", status=404)["matching"] == 1
    assert told(fake, "/requests", limit=0)["requests"] == []
    wrong = httpx2.get(f"{fake.url}/__fake__/requests?limit=x")
    assert (wrong.status_code, wrong.json()["error"]["message"]) == (400, LIMIT)
    assert httpx2.delete(f"{fake.url}/__fake__/requests").status_code == 204
    assert fake.requests == ()


def test_a_text_completion_misses_by_its_prompt(fake: FakeServer) -> None:
    httpx2.post(f"{fake.base_url}/completions", json={"model": "gpt-3.5-turbo-instruct", "prompt": ["a cat"]})
    (entry,) = told(fake, "/requests")["requests"]
    assert entry["misses"][0]["failed"].endswith("got 'a cat'")


def test_scripts_are_added_listed_and_removed(fake: FakeServer) -> None:
    added = post(fake, "/scripts", [{"name": "cat", "reply": {"text": "meow"}}, {"reply": {"text": "late"}}])
    assert (added.status_code, added.json()) == (201, {"added": ["cat", "added 1"]})
    assert chat(fake, "a tree").json()["choices"][0]["message"]["content"] == "meow"
    listed = told(fake, "/scripts")["scripts"]
    assert [(one["name"], one["used"], one["added"]) for one in listed] == [
        ("cat", 1, True),
        ("added 1", 0, True),
        ("tree", 0, False),
    ]
    assert listed[2]["when"] == {"messages": {"last": {"contains": ["tree"]}}}
    assert httpx2.delete(f"{fake.url}/__fake__/scripts/cat").json() == {"removed": 1}
    gone = httpx2.delete(f"{fake.url}/__fake__/scripts/cat")
    assert gone.status_code == 404
    assert "no script that was added is named 'cat'" in gone.json()["error"]["message"]
    assert httpx2.delete(f"{fake.url}/__fake__/scripts").json() == {"removed": 1}
    assert chat(fake, "a tree").json()["choices"][0]["message"]["content"] == "leaf"


def test_replies_answer_once_each_in_their_order(fake: FakeServer) -> None:
    assert post(fake, "/replies", [{"text": "one"}, {"reply": {"text": "two"}, "times": 2}]).status_code == 201
    said = [chat(fake, "a tree").json()["choices"][0]["message"]["content"] for _ in range(4)]
    assert said == ["one", "two", "two", "leaf"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"reply": {"texxt": "a"}}, "added[0]: unknown key 'texxt' in reply: did you mean 'text'?"),
        ([{"reply": {"text": "a"}}, {}], "added[1]: the key 'reply' is missing: add it"),
        ("text", "a JSON object is expected, or several in an array"),
        ([1], "a JSON object is expected, or several in an array"),
    ],
)
def test_a_bad_script_is_refused_with_its_place(fake: FakeServer, value: Any, message: str) -> None:
    answer = post(fake, "/scripts", value)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert len(told(fake, "/scripts")["scripts"]) == 1


def test_what_is_no_json_is_refused_with_the_byte(fake: FakeServer) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx2.post(f"{fake.url}/__fake__/scripts", content=b'{"name": }', headers=headers)
    assert (answer.status_code, "(byte 9)" in answer.json()["error"]["message"]) == (400, True)


def test_reset_is_for_one_space_or_all(fake: FakeServer) -> None:
    mine = fake.space("mine")
    for space in (fake, mine):
        chat(space, "a tree")
        post(space, "/replies", {"text": "x"})
    httpx2.post(f"{mine.url}/__fake__/reset")
    assert (len(fake.requests), len(mine.requests)) == (1, 0)
    assert [(one["name"], one["added"]) for one in told(fake, "/spaces")["spaces"]] == [("", 1), ("mine", 0)]
    httpx2.post(f"{mine.url}/__fake__/reset?all=true")
    assert fake.requests == ()
    assert httpx2.delete(f"{fake.url}/__fake__/spaces/mine").status_code == 204
    assert httpx2.delete(f"{fake.url}/__fake__/spaces/mine").status_code == 404


def test_the_overview_says_what_the_server_holds(fake: FakeServer) -> None:
    chat(fake, "a tree")
    overview = told(fake)
    assert (overview["seed"], overview["scripts"], overview["requests"]) == (1, 1, 1)
    for path in overview["see"]:
        assert httpx2.get(fake.url + path).status_code in (200, 405)


def test_the_control_needs_the_servers_key() -> None:
    with FakeServer([], api_key="sk-right-0123456789") as fake:
        assert httpx2.get(f"{fake.url}/__fake__").status_code == 401
        right = {"authorization": "Bearer sk-right-0123456789"}
        assert httpx2.get(f"{fake.url}/__fake__", headers=right).status_code == 200


def test_metrics_are_read_by_prometheus(fake: FakeServer) -> None:
    chat(fake, "a tree")
    chat(fake, "a cat")
    httpx2.get(f"{fake.base_url}/nope/{'x' * 50}")
    families = {one.name: one for one in text_string_to_metric_families(httpx2.get(f"{fake.url}/metrics").text)}
    counted = {
        tuple(sample.labels.values()): sample.value
        for sample in families["fake_server_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted == {
        ("script", "chat/completions", "200"): 1,
        ("server", "chat/completions", "200"): 1,
        ("server", "other", "404"): 1,
    }


def test_the_histogram_adds_up(fake: FakeServer) -> None:
    for _ in range(3):
        chat(fake, "a tree")
    httpx2.get(f"{fake.base_url}/models/gpt-4o", headers={"x-fake-fault": "error;status=500"})
    answer = httpx2.get(f"{fake.url}/metrics")
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    buckets = [
        sample.value
        for sample in families["fake_server_seconds"].samples
        if sample.name.endswith("_bucket") and sample.labels["endpoint"] == "chat/completions"
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 3
    values = {(one.name, *one.labels.values()): one.value for one in families["fake_server_faults"].samples}
    assert values == {("fake_server_faults_total", "error"): 1}
    sent = {one.labels["endpoint"]: one.value for one in families["fake_server_reply_bytes"].samples}
    assert sent["chat/completions"] == sum(len(entry.reply) for entry in fake.requests[:3])
