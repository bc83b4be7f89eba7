"""What the inspector does: answer again, check a script, list what can go wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from html import unescape

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.tests.inspecting import CLIENT, WEATHER, chat, get, newest, page_of


@pytest.fixture(scope="module")
def running() -> Iterator[FakeServer]:
    with FakeServer([WEATHER], plain=True) as server:
        yield server


@pytest.fixture
def fake(running: FakeServer) -> FakeServer:
    running.reset()
    return running


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
    assert {"name", "about", "parameters", "example"} == set(known["faults"][0])
    for fault in ("error", "cut", "stall"):
        assert fault in {known["name"] for known in known["faults"]}
    assert any(bug["id"] == "ikllama-no-done" for bug in known["bugs"])


def test_each_example_that_the_page_shows_is_taken(fake: FakeServer) -> None:
    shown = re.search(r'data-example="([^"]*)"', page_of(fake).text)
    assert shown
    queued = CLIENT.post(f"{fake.url}/__fake__/replies", json=json.loads(unescape(shown[1])))
    assert queued.status_code == 201, queued.text
    assert chat(fake).status_code == 503
    assert chat(fake).status_code == 200
    for fault in get(fake, "/catalogue")["faults"]:
        text = f"{fault['name']};{fault['example']}".removesuffix(";")
        added = CLIENT.post(f"{fake.url}/__fake__/faults", json=text)
        assert added.status_code == 201, (text, added.text)
        assert not fault["parameters"] or fault["example"], text


def test_each_parameter_that_the_page_lists_can_be_written(fake: FakeServer) -> None:
    for fault in get(fake, "/catalogue")["faults"]:
        for name in fault["parameters"]:
            refused = CLIENT.post(f"{fake.url}/__fake__/faults", json=f'{fault["name"]};{name}=";"')
            assert "unknown" not in refused.text, refused.text
            assert name == name.strip("_")
