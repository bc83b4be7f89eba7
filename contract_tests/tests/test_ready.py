"""The command `contract ready`: what it says, sends and exits with, and what it knows of clients."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from contract_tests.ready.effects import Effect, effect_of
from contract_tests.ready.seen import APIS, FOLDER, client_names, expand, load_client, shorten_text
from contract_tests.report.breakage import load_table
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.test_cli import KEY, contract
from contract_tests.tests.test_ready_forms import CLIENTS, CODEX, LANGCHAIN, NODE, PYTHON, Fault, change, play
from fake_server import FakeServer


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer([], seed=1, plain=True, api_key=KEY) as server:
        yield server


def said(done: Any) -> str:
    """What a command prints, its wrapped lines joined."""
    return " ".join(done.stdout.split())


def test_the_command_says_ready(fake: FakeServer, tmp_path: Path) -> None:
    fake.reset()
    written = tmp_path / "ready.json"
    done = contract("ready", fake.url, "--for", LANGCHAIN, "--json", str(written), OPENAI_API_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    client = load_client(LANGCHAIN)
    assert f"client    langchain {client.version} by chat, as it was seen on {client.seen}" in done.stdout
    assert f"READY langchain {client.version} by chat: nothing stops it, 0 findings that it survives" in said(done)
    report = json.loads(written.read_text())
    assert (report["format"], report["verdict"], report["stops"]) == ("openai-contract-ready/1", "ready", [])


def test_the_command_names_what_stops_a_client_where_and_what_to_do(fake: FakeServer, tmp_path: Path) -> None:
    fake.reset()
    fake.bug("litellm-responses-without-created")
    fake.fault("json", at="$.response.usage", set={"total_tokens": 1000})
    written = tmp_path / "ready.json"
    done = contract("ready", fake.url, "--for", PYTHON, "--json", str(written), OPENAI_API_KEY=KEY)
    assert done.returncode == 1
    version = load_client(PYTHON).version
    assert "✗ responses.stream.begins   MUST   responses.stream" in done.stdout
    assert "at        event 0, type" in done.stdout
    assert "request POST /responses {" in said(done)
    assert f"stops openai-python {version} raises RuntimeError with .stream()" in said(done)
    assert 'to do send "response.created" at this place; `contract explain responses.stream.begins`' in said(done)
    assert "survived 3 findings of 1 rule: responses.usage-adds" in said(done)
    assert f"NOT READY openai-python {version} by responses: 1 reason, 3 findings that it survives" in said(done)
    report = json.loads(written.read_text())
    assert {obstacle["finding"]["rule"] for obstacle in report["stops"]} == {"responses.stream.begins"}
    assert {obstacle["finding"]["rule"] for obstacle in report["survived"]} == {"responses.usage-adds"}
    assert report["stops"][0]["clients"] == {
        "openai-python 3": "fine",
        "openai-python .stream()": "raises RuntimeError",
    }


def test_the_model_and_the_fields_of_the_command_line_are_sent(fake: FakeServer) -> None:
    fake.reset()
    options = ("--model", "gpt-4o", "--header", "X-Team: blue", "--query", "api-version=1")
    done = contract("ready", fake.url, "--for", NODE, "--api", "chat", *options, OPENAI_API_KEY=KEY)
    assert done.returncode == 0, done.stdout
    asked = [request for request in fake.requests if request.method == "POST"]
    assert {request.json["model"] for request in asked} == {"gpt-4o"}
    assert {dict(request.headers)["x-team"] for request in asked} == {"blue"}
    assert {dict(request.headers)["user-agent"] for request in asked} == {f"OpenAI/JS {load_client(NODE).version}"}


@pytest.mark.parametrize(
    ("faults", "code", "text"),
    [
        ("codex-backend-store-must-be-false", 1, "to do answer POST /responses with these members"),
        ([{"fault": "reply", "status": 404, "json": {"error": "x"}}], 1, "`--api chat` asks whether it is carried by"),
        ([{"fault": "error", "status": 401}], 3, "set OPENAI_API_KEY or --key-env"),
        ([{"fault": "error", "status": 503}], 3, "see the target's log"),
        ([{"fault": "insufficient-quota"}], 3, "the quota is used up"),
        (
            [{"fault": "misread", "without": ["$.tools"]}, *change("$.response", set={"tools": []})],
            1,
            "✗ the tool: never seen by the model; the input has 9 tokens with them and 9 without them",
        ),
    ],
)
def test_what_is_said_where_nothing_or_not_all_is_answered(
    fake: FakeServer, faults: str | Sequence[Fault], code: int, text: str
) -> None:
    fake.reset()
    play(fake, faults, when={"method": "POST"})
    done = contract("ready", fake.url, "--for", PYTHON, OPENAI_API_KEY=KEY)
    assert text in " ".join((done.stdout + done.stderr).split()), done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr


def test_a_target_of_responses_alone_is_found_without_a_list_of_models() -> None:
    with FakeServer([], seed=1, plain=True) as fake:
        for path in ("/v1/models", "/v1/chat/completions", "/models", "/chat/completions"):
            fake.fault("reply", status=404, json={"detail": "Not Found"}, when={"path": path})
        done = contract("ready", fake.root, "--for", NODE, "--model", "gpt-4o")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"target    {fake.root}/v1" in done.stdout or f"target    {fake.root}" in done.stdout


# -- what is known of clients


def test_what_is_saved_is_small_and_of_the_measured_versions() -> None:
    measured = load_table().clients
    assert set(client_names()) == set(CLIENTS)
    for name in client_names():
        client = load_client(name)
        assert {measured.get(column, client.version) for column in client.columns} == {client.version}
        assert set(client.requests) == (set(APIS) if name != CODEX else {"responses"})
        assert client.api in client.requests
        assert (FOLDER / f"{name}.json").read_text("utf-8") == client.text()
        assert len(client.text()) < 40_000
        assert set(client.forms) <= set(RULES)


def test_long_texts_of_a_request_are_shortened_and_sent_as_long_as_they_were() -> None:
    text = "a" * 1000
    short = shorten_text(text)
    assert len(short) < 340
    assert expand({"input": [{"text": short}, 7]})["input"][0]["text"].startswith("a" * 300 + "and so on")
    assert len(expand(short)) == 1000
    assert (shorten_text("Hi"), expand("Hi")) == ("Hi", "Hi")
    (first, *_) = load_client(CODEX).requests["responses"]
    assert len(json.dumps(expand(first.body))) > 35_000


def test_an_api_that_a_client_does_not_speak_is_refused() -> None:
    done = contract("ready", "http://127.0.0.1:9/v1", "--for", CODEX, "--api", "chat")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--api chat: codex speaks responses alone" in done.stderr


def test_what_is_saved_holds_no_key_and_nothing_of_a_machine() -> None:
    for name in client_names():
        for request in (request for requests in load_client(name).requests.values() for request in requests):
            assert not {"authorization", "host", "cookie", "x-stainless-os"}.intersection(dict(request.headers))


@pytest.mark.parametrize(
    ("verdict", "level", "effect"),
    [
        ("raises TypeError", Level.MUST, Effect.STOPS),
        ("raises TypeError", Level.SHOULD, Effect.STOPS),
        ("raises TypeError", Level.NOTE, Effect.SURVIVED),
        ("raises AttributeError, where usage is read", Level.MUST, Effect.SURVIVED),
        ("hangs", Level.MUST, Effect.STOPS),
        ("empty", Level.SHOULD, Effect.STOPS),
        ("short", Level.MUST, Effect.STOPS),
        ("wrong: no error", Level.MUST, Effect.STOPS),
        ("wrong: final text, final items", Level.MUST, Effect.STOPS),
        ("wrong: text", Level.SHOULD, Effect.SURVIVED),
        ("wrong: id, created", Level.MUST, Effect.SURVIVED),
        ("fine", Level.MUST, Effect.SURVIVED),
        ("–", Level.MUST, Effect.NOT_MEASURED),
    ],
)
def test_what_a_verdict_means(verdict: str, level: Level, effect: Effect) -> None:
    assert effect_of(verdict, level) is effect


# -- what the target sends back


@pytest.mark.parametrize("status", [400, 401, 200])
@pytest.mark.security("credentials in output")
def test_a_key_that_a_target_sends_back_is_not_printed(fake: FakeServer, tmp_path: Path, status: int) -> None:
    fake.reset()
    error = {"error": {"message": f"Incorrect key {KEY}", "type": "x", "param": KEY, "code": KEY}, KEY: KEY}
    fake.fault("reply", status=status, json=error, when={"method": "POST"})
    written = tmp_path / "ready.json"
    done = contract("ready", fake.url, "--for", PYTHON, "--json", str(written), OPENAI_API_KEY=KEY)
    texts = done.stdout + done.stderr + (written.read_text() if written.exists() else "")
    assert done.returncode in (1, 3)
    assert KEY not in texts


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"output": ' * 5_000, b"data: {}\n\n" * 1_000, b"\xff\xfe" * 1000, b"null", b"[[], {}, 7]"],
    ids=["nested", "nested-output", "events", "bytes", "null", "array"],
)
@pytest.mark.security("hostile targets")
def test_a_hostile_answer_ends_in_a_verdict(fake: FakeServer, body: bytes) -> None:
    fake.reset()
    kind = "text/event-stream" if body.startswith(b"data") else "application/json"
    fake.fault("reply", text=body.decode("latin-1"), content_type=kind, when={"method": "POST"})
    done = contract("ready", fake.url, "--for", NODE, OPENAI_API_KEY=KEY)
    assert done.returncode in (1, 3), done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
