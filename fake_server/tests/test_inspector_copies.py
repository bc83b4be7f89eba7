"""What the inspector makes of one request: a command, a test, a script, a fixture."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fake_server import FakeServer
from fake_server.replay import ReplayServer
from fake_server.scripts.book import parse_text
from fake_server.tests.inspecting import CLIENT, KEY, WEATHER, chat, form_of, newest


@pytest.fixture(scope="module")
def running() -> Iterator[FakeServer]:
    with FakeServer([WEATHER], plain=True) as server:
        yield server


@pytest.fixture
def fake(running: FakeServer) -> FakeServer:
    running.reset()
    return running


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
